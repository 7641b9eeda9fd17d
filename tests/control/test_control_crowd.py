"""Many clients at once, some of them bad: each is answered, and nobody waits for another."""

import asyncio
import resource
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from kioskd.control.connection import Patience
from kioskd.control.people import Person, Role
from kioskd.control.room import Limits
from kioskd.control.verbs import Arguments
from tests.control.wired import Caller, Wired, until

ANSWER = {"x": "a" * 60_000}  # as long as an answer may be, nearly


async def tell_much(person: Person, args: Arguments) -> dict[str, Any]:
    return ANSWER


async def test_two_hundred_clients_at_once_are_answered_beside_bad_ones(place: Path) -> None:
    async with Wired(place, verbs={"health": tell_much}) as wired:
        junk = asyncio.create_task(flood(await wired.call(Role.VIEWER)))
        deaf = [await wired.call(Role.VIEWER) for _ in range(10)]
        for caller in deaf:
            caller.writer.write(b'{"id":1,"verb":"health"}\n' * 1000)
        callers = await asyncio.gather(*(wired.call(Role.VIEWER) for _ in range(200)))
        for _ in range(3):
            answers = await asyncio.gather(*(caller.ask("status") for caller in callers))
            assert all("ok" in answer for answer in answers)
        assert len(wired.remembered.asked) == 600
        junk.cancel()
        await asyncio.wait([junk])


async def test_who_does_not_read_is_dropped(place: Path) -> None:
    limits = Limits(patience=Patience(send=0.05))
    async with Wired(place, verbs={"health": tell_much}, limits=limits) as wired:
        deaf = await wired.call(Role.VIEWER)
        deaf.writer.write(b'{"id":1,"verb":"health"}\n' * 1000)
        other = await wired.call(Role.VIEWER)
        for _ in range(5):
            assert "ok" in await other.ask("status")
        await until(lambda: wired.server._here.total() == 1)
        # The kernel's buffer and the reader's own hold some answers; then the line is cut.
        while not await deaf.hung_up():
            pass


async def test_a_listener_that_does_not_read_holds_up_nobody(place: Path) -> None:
    """It is dropped once its buffers are full; the other has heard every event meanwhile."""
    limits = Limits(patience=Patience(send=0.05))
    async with Wired(place, limits=limits) as wired:
        deaf, other = await wired.call(Role.VIEWER), await wired.call(Role.VIEWER)
        for caller in (deaf, other):
            await caller.ask("subscribe", topics=["events"])
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        while wired.broadcast.listeners("events") == 2:
            wired.broadcast.publish("events", ANSWER)
            assert (await other.line())["event"] == "events"


async def test_a_client_that_is_killed_meanwhile_changes_nothing(place: Path) -> None:
    begun, free, done = asyncio.Event(), asyncio.Event(), 0

    async def slow(person: Person, args: Arguments) -> dict[str, Any]:
        nonlocal done
        begun.set()
        await free.wait()
        done += 1
        return ANSWER

    async with Wired(place, verbs={"open": slow}) as wired:
        killed = await wired.call(Role.OPERATOR)
        await killed.send(b'{"id":1,"verb":"open"}\n' * 3)
        await begun.wait()
        killed.writer.transport.abort()
        free.set()
        await until(lambda: done)
        other = await wired.call(Role.OPERATOR)
        assert "ok" in await other.ask("status")
        assert done == 1, "what was begun is ended, and nothing is begun for who is gone"


@pytest.mark.parametrize("crowd", [Role.SCREEN, None], ids=["screens", "strangers"])
async def test_no_crowd_locks_staff_out(place: Path, crowd: Role | None) -> None:
    limits = Limits(connections=24, kept_for_staff=8, strangers=4)
    roles = [crowd] if crowd else []
    room = 16 if crowd else 4
    async with Wired(place, limits=limits) as wired:
        callers = [await wired.call(*roles, name="crowd") for _ in range(40)]
        welcome = [await refused_at_once(caller) for caller in callers].count(False)
        assert welcome == room
        for role in (Role.OPERATOR, Role.ADMINISTRATOR):
            staff = await wired.call(role)
            assert "ok" in await staff.ask("open")


async def test_an_account_has_a_few_connections_and_no_more(place: Path) -> None:
    """200 connections of one account made every key of the doors wait."""
    async with Wired(place, limits=Limits(account=3)) as wired:
        for account in (1000, 1001):
            callers = [await wired.call(Role.OPERATOR, account=account) for _ in range(5)]
            assert [await refused_at_once(c) for c in callers] == [False] * 3 + [True] * 2
        roots = [await wired.call(Role.ADMINISTRATOR, name="root") for _ in range(20)]
        assert not any([await refused_at_once(caller) for caller in roots])


async def test_an_account_that_closes_a_connection_has_room_for_another(place: Path) -> None:
    async with Wired(place, limits=Limits(account=1)) as wired:
        for _ in range(3):
            caller = await wired.call(Role.SCREEN, account=1000)
            assert not await refused_at_once(caller)
            await caller.close()
            await until(lambda: wired.server._here.total() == 0)


async def test_who_goes_makes_room(place: Path) -> None:
    async with Wired(place, limits=Limits(connections=2, kept_for_staff=1)) as wired:
        for _ in range(20):
            caller = await wired.call(Role.SCREEN)
            assert "ok" in await caller.ask("site")
            await caller.close()
            await until(lambda: wired.server._here.total() == 0)


async def test_a_refusal_is_loud_once(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.SCREEN)
        for _ in range(50):
            await caller.ask("open", door="front")
        await caller.ask("lock", door="front")
    told = [r.__dict__["verb"] for r in caplog.records if r.message == "control.refused"]
    assert told == ["open", "lock"]


async def test_a_process_without_free_files_goes_on(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Wired(place, limits=Limits(no_files=0.05)) as wired, AsyncExitStack() as after:
        caller = await wired.call(Role.VIEWER)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        after.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        connecting = asyncio.create_task(wired.connect(Role.VIEWER))
        await asyncio.sleep(0)  # it has its socket; the server has not accepted it yet
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        late = await connecting
        assert "ok" in await caller.ask("status")
        await until(lambda: "control.refusing" in caplog.text)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (await late.line())["hello"] == 1


async def flood(caller: Caller) -> None:
    while True:
        await caller.send(b'\x00{"}]\n' * 1000)
        await asyncio.sleep(0)


async def refused_at_once(caller: Caller) -> bool:
    """Whether there was no room for this one."""
    caller.writer.write(b'{"id":1,"verb":"site"}\n')
    told = await caller.line()
    return bool(told.get("error", {}).get("code") == "busy")
