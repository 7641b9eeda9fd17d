"""Hints: whoever changes something, every device that it concerns hears of it soon."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text, update

from sync.hub.changes import Pace
from sync.hub.database import Database
from sync.hub.devices import Devices
from sync.hub.hints import STREAMS_EACH, Hints
from sync.hub.publishing import Publishing
from sync.hub.schema import DEVICE
from sync.hub.signs import Hint, Signs, told
from tests.hub_core.world import ESI, Hub, person_of
from tests.hub_http.serving import Heard, Running, running, until

QUICK = Pace(alive=0.2, gap=0.01, write=1.0)


@pytest.fixture
async def served(hub: Hub) -> AsyncIterator[Running]:
    """A hub that rests little between two hints of a stream."""
    async with running(hub, pace=QUICK) as served:
        yield served


async def looked(served: Running) -> None:
    """Wait until the hub has seen what is there."""
    await until(lambda: served.hints._signs is not None)


async def quiet(heard: Heard, seconds: float = 0.3) -> bool:
    """Whether nothing is told for a while."""
    try:
        await heard.next(seconds)
    except TimeoutError:
        return True
    return False


async def test_a_change_is_hinted_within_two_seconds(hub: Hub) -> None:
    async with (
        running(hub) as served,
        served.hints_of(token := await served.device("door-1")) as heard,
    ):
        await looked(served)
        assert await heard.next() == "change"  # nothing is known of what it has
        before = heard.id
        started = time.monotonic()
        await served.hub.put(person_of(1))
        assert await heard.next() == "change"
        assert time.monotonic() - started < 2.0
        assert heard.id != before
        _, trailer = (await served.get(f"/v1/credentials?cursor={before}", token)).lines()
        assert (trailer.count, trailer.cursor) == (1, heard.id)


async def test_the_last_id_is_honoured(served: Running) -> None:
    token = await served.device("door-1")
    await looked(served)
    async with served.hints_of(token) as heard:
        await heard.next()
    async with served.hints_of(token, heard.id) as again:
        assert await quiet(again)
    await served.hub.put(person_of(1))
    async with served.hints_of(token, heard.id) as late:
        assert await late.next() == "change"


async def test_a_comment_keeps_it_alive(hub: Hub) -> None:
    async with running(hub, pace=QUICK) as served:
        token = await served.device("door-1")
        async with served.hints_of(token) as heard:
            assert await heard.comment() == ": kioskd-hub"
            assert await heard.comment() == ": alive"
            assert await heard.comment() == ": alive"


async def test_a_command_is_for_one_device(served: Running) -> None:
    devices = Devices(served.hub.database, served.hub.now)
    one, other = await served.device("door-1"), await served.device("door-2")
    await looked(served)
    async with served.hints_of(one) as heard, served.hints_of(other) as unconcerned:
        assert (await heard.next(), await unconcerned.next()) == ("change", "change")
        await devices.command("door-1", "sync-now")
        assert await heard.next() == "command"
        assert await quiet(unconcerned)
    async with served.hints_of(one) as again:
        assert [await again.next(), await again.next()] == ["change", "command"]


async def test_a_publication_is_for_one_branch(served: Running) -> None:
    here, there = await served.device("door-1"), await served.device("door-2", "TOI")
    publishing = Publishing(served.hub.database, served.hub.keys, served.hub.config, served.hub.now)
    await looked(served)
    async with served.hints_of(here) as heard, served.hints_of(there) as unconcerned:
        assert (await heard.next(), await unconcerned.next()) == ("change", "change")
        await publishing.publish("ESI", 'help_phone = "+358 5 000"')
        assert await heard.next() == "config"
        assert await quiet(unconcerned)


async def test_the_stream_of_a_revoked_device_ends(served: Running) -> None:
    token = await served.device("door-1")
    await looked(served)
    async with served.hints_of(token) as heard:
        await heard.next()
        await Devices(served.hub.database, served.hub.now).revoke("door-1")
        assert await heard.next(5.0) == ""
    assert (await served.get("/v1/changes", token)).problem().status == 401


async def test_a_token_that_another_took_over_ends_the_stream_unnotified(
    served: Running, database: Database
) -> None:
    """Nothing but the row changes: no hub was told, and yet within five seconds it ends."""
    token = await served.device("door-1")
    await looked(served)
    async with served.hints_of(token) as heard:
        await heard.next()
        async with database.writing() as connection:
            await connection.execute(update(DEVICE).values(token=bytes(32)))
        assert await heard.next(5.0) == ""


async def test_a_device_has_two_streams_and_the_oldest_ends(served: Running) -> None:
    token = await served.device("door-1")
    await looked(served)
    async with (
        served.hints_of(token) as oldest,
        served.hints_of(token) as old,
        served.hints_of(token) as new,
    ):
        for heard in (oldest, old, new):
            await heard.next()
        assert await oldest.next() == ""
        assert served.hints.streams == STREAMS_EACH
        await served.hub.put(person_of(1))
        assert [await old.next(), await new.next()] == ["change", "change"]


async def test_many_changes_are_few_hints(hub: Hub) -> None:
    async with running(hub) as served, served.hints_of(await served.device("door-1")) as heard:
        await looked(served)
        await heard.next()
        for number in range(40):
            await served.hub.put(person_of(number))
        position = await served.parts.pulls.position(ESI)
        hints = 0
        while heard.id != position:
            assert await heard.next() == "change"
            hints += 1
        assert 1 <= hints < 10


async def test_it_ends_at_once_when_the_hub_does(hub: Hub) -> None:
    async with running(hub) as served:
        token = await served.device("door-1")
        async with served.hints_of(token) as heard:
            await heard.next()
            started = time.monotonic()
            await served.front.__aexit__(None, None, None)
            assert await heard.next() == ""
            assert time.monotonic() - started < 2.0


async def test_a_change_by_one_hub_is_hinted_by_the_other(database_url: str) -> None:
    one, other = await Database.open(database_url), await Database.open(database_url)
    try:
        first, second = await Hub(one).start(), await Hub(other).start()
        async with running(first) as writing, running(second, look=600.0) as served:
            token = await writing.device("door-1")
            await looked(served)
            async with served.hints_of(token) as heard:
                await heard.next()
                started = time.monotonic()
                await writing.hub.put(person_of(1))
                assert await heard.next() == "change"
                assert time.monotonic() - started < 2.0
    finally:
        await one.close()
        await other.close()


async def test_a_lost_listener_comes_back(served: Running, database: Database) -> None:
    if not database.is_postgresql:
        return  # nothing is listened on there
    token = await served.device("door-1")
    await looked(served)
    async with served.hints_of(token) as heard:
        await heard.next()
        async with database.writing() as connection:
            lost = await connection.execute(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                )
            )
            assert lost.scalar_one() == 1
        await served.hub.put(person_of(1))
        assert await heard.next(5.0) == "change"


async def test_a_hub_that_cannot_see_ends_its_streams(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.hub.hints.BLIND_SECONDS", 0.0)
    hints = Hints(hub.database, hub.pulls)
    with hints.subscribed("door-1", "ESI") as stream:
        await hub.database.close()
        monkeypatch.setattr(hub.database, "_engine", _Away())
        looking = asyncio.create_task(hints.run())
        async with asyncio.timeout(5):
            await stream.rest(5.0)
        assert stream.ended
        looking.cancel()
        await asyncio.wait([looking])


class _Away:
    """An engine whose database is not there."""

    def connect(self) -> "_Away":
        return self

    def __await__(self) -> object:
        raise OSError("no route")

    async def __aenter__(self) -> None:
        raise OSError("no route")

    async def __aexit__(self, *_: object) -> None: ...

    async def dispose(self) -> None: ...


def test_who_is_told_what() -> None:
    before = Signs(1, {"ESI": 1}, {"ESI": 1}, {}, {"d": b"1", "e": b"1"})
    after = Signs(1, {"ESI": 2}, {"ESI": 1, "TOI": 1}, {"d": frozenset("x")}, {"d": b"1"})
    assert told(before, before, "d", "ESI") == frozenset()
    assert told(before, after, "d", "ESI") == {Hint.CHANGE, Hint.COMMAND}
    assert told(before, after, "e", "TOI") == {Hint.CONFIG}
    assert told(after, before, "d", "ESI") == {Hint.CHANGE}  # a command that is done is no news
