"""Two imports of a feed at once: one is refused, and one that was killed is soon forgotten."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.moment import stamp
from kioskd.errors import InputError, StoreError
from sync.feed_rows import BadRow
from sync.hub.imports.holders import is_dead, new_holder
from sync.hub.imports.lock import LEASE_TIME, ImportLock
from sync.hub.imports.report import ImportRequest
from sync.hub.imports.rows import Parser, ParserRules, Row
from sync.hub.schema import LEASE
from tests.hub_imports.world import BAN, FEED, Listed, World, card, row, rows


class Waiting(Listed):
    """A parser whose file goes on when it is told to."""

    go = Event()

    def rows(self) -> Iterator[Row]:
        assert self.go.wait(60)
        return iter(self.given)


async def test_a_second_import_of_a_feed_is_refused(world: World) -> None:
    parser = Waiting([BadRow(1, "no")])
    parser.go = Event()
    opened = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly(_: object) -> Waiting:
        loop.call_soon_threadsafe(opened.set)
        return parser

    first = asyncio.create_task(world.run(ImportRequest(FEED), slowly))
    await opened.wait()
    with pytest.raises(InputError, match=r"esi: another import of it is running"):
        await world.load(rows(range(3)))
    assert (await world.load(rows(range(3)), feed="toinen")).applied == 3
    parser.go.set()
    assert (await first).bad == 1
    assert parser.closed
    assert (await world.load(rows(range(3)))).applied == 3


async def test_of_many_at_once_one_has_the_lock(world: World) -> None:
    tried = asyncio.Event()
    refused = 0

    async def locked() -> bool:
        nonlocal refused
        try:
            async with ImportLock(world.database, FEED, world.now):
                await tried.wait()
                return True
        except InputError:
            refused += 1
            if refused == 7:
                tried.set()
            return False

    assert sorted(await asyncio.gather(*(locked() for _ in range(8)))) == [False] * 7 + [True]
    assert await world.leases() == 0


async def test_an_import_that_was_killed_is_forgotten_within_a_minute(world: World) -> None:
    dead = ImportLock(world.database, FEED, world.now)
    await dead.__aenter__()
    assert dead._renewing is not None
    dead._renewing.cancel()
    with pytest.raises(InputError):
        await world.load(rows(range(3)))
    world.later(LEASE_TIME)
    assert timedelta(minutes=1) > LEASE_TIME
    assert (await world.load(rows(range(3)))).applied == 3


HOLD = """
import sys, time
from sync.hub.imports.holders import new_holder
print(new_holder(), flush=True)
time.sleep(60)
"""


@contextmanager
def another_process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of this machine, and its name as a holder."""
    child = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield child, child.stdout.readline().strip()
    finally:
        child.kill()
        child.communicate()


async def test_an_import_that_was_killed_on_this_machine_is_forgotten_at_once(
    world: World,
) -> None:
    with another_process() as (child, holder):
        until = stamp(world.now() + LEASE_TIME)
        async with world.database.writing() as connection:
            row = {"name": f"import:{FEED}", "holder": holder, "until": until}
            await connection.execute(LEASE.insert(), row)
        with pytest.raises(InputError, match="another import of it is running"):
            await world.load(rows(range(3)))
        child.kill()
        await asyncio.to_thread(os.waitid, os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(holder), "also before anybody has asked for its exit code"
        assert (await world.load(rows(range(3)))).applied == 3


def test_only_a_process_of_this_machine_that_has_ended_is_dead() -> None:
    mine = new_holder()
    assert new_holder() != mine
    assert not is_dead(mine)
    node, boot, space, pid, began, token = mine.split("/")
    assert is_dead("/".join((node, boot, space, pid, f"{began}0", token))), "its pid, given again"
    with another_process() as (_, holder):
        assert not is_dead(holder)
    assert is_dead(holder)
    gone = holder.split("/")
    for at in range(3):
        elsewhere = [*gone[:at], f"{gone[at]}x", *gone[at + 1 :]]
        assert not is_dead("/".join(elsewhere)), "nothing is known of it"


@given(st.text() | st.lists(st.text(max_size=5), min_size=6, max_size=6).map("/".join))
def test_what_names_no_process_is_not_dead(holder: str) -> None:
    assert not is_dead(holder)


@given(st.text(max_size=5) | st.integers().map(str), st.text(max_size=5))
def test_any_pid_and_time_can_be_asked_about(pid: str, began: str) -> None:
    place = new_holder().split("/")[:3]
    assert isinstance(is_dead("/".join((*place, pid, began, "x"))), bool)


async def test_one_that_stood_still_writes_nothing_more(world: World) -> None:
    """Stopped for longer than its lease, another import over, and then it goes on."""
    await world.load(rows(range(3)))
    parser = Waiting([])
    parser.go = Event()
    stale = world.file([row(0), *rows(range(1, 3), category="OLD")])
    opened = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly(rules: ParserRules) -> Parser:
        loop.call_soon_threadsafe(opened.set)
        assert parser.go.wait(60)
        return world.parser(stale)(rules)

    stopped = asyncio.create_task(world.run(ImportRequest(FEED), slowly))
    await opened.wait()
    world.later(LEASE_TIME)
    assert (await world.load([row(0, restrictions=[BAN]), *rows(range(1, 3))])).applied == 1
    before = await world.changes()
    parser.go.set()
    with pytest.raises(StoreError, match="another one took over"):
        await stopped
    assert await world.changes() == before
    assert (await world.person(0)).restrictions


async def test_the_lock_of_another_is_not_taken_away_at_the_end(world: World) -> None:
    slow = ImportLock(world.database, FEED, world.now)
    async with slow:
        world.later(LEASE_TIME)
        async with ImportLock(world.database, FEED, world.now):
            await slow.__aexit__(None, None, None)
            assert await world.leases() == 1
    assert await world.leases() == 0


async def test_an_urgent_import_waits_for_a_batch_and_not_for_the_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a large file is written, one block of another feed gets in between its batches."""
    # So many batches that the other one, which reads its own file first, comes in time.
    monkeypatch.setattr("sync.hub.imports.staging.BATCH", 40)
    await world.load([row(1)], feed="toinen")
    many = rows(range(6000))
    started = asyncio.Event()
    large = asyncio.create_task(
        world.load(many, progress=lambda p: started.set() if p.stage == "writing" else None)
    )
    await started.wait()
    await world.load([row(1, restrictions=[BAN])], feed="toinen", delta=True)
    assert not large.done()
    assert (await large).applied == 6000
    urgent = (await world.columns(1, "toinen"))["change"]
    assert isinstance(urgent, int)
    assert urgent < (await world.changes())[-1][0]
    assert card(1) in await world.cards()
