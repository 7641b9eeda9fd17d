"""Chores: once among several hubs, told loudly once when they fail, never the end of a server."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kioskd.errors import StoreError
from sync.hub.activity import Activities
from sync.hub.chores import Chore, House, chores_of
from sync.hub.database import Database
from sync.hub.housekeeping import LEASE_SECONDS, keep_house
from sync.hub.leases import lease, leave_lease, take_lease
from sync.hub.schema import ACTIVITY, LEASE, PIN_FAILURE
from sync.hub_wire import Activity
from tests.hub_desk.desk import FRONT, NOON, Desk


class Pauses:
    """Time for chores: each pause is noted, and over when the test says so."""

    def __init__(self, turns: int, stop: asyncio.Event, clock: Callable[..., None]) -> None:
        self.asked: list[float] = []
        self._turns = turns
        self._stop = stop
        self._turn = clock

    async def __call__(self, seconds: float) -> None:
        if seconds == LEASE_SECONDS / 3:  # a renewal, which these chores are too short for
            await asyncio.Event().wait()
        self.asked.append(seconds)
        self._turn(seconds=seconds)
        if len(self.asked) >= self._turns:
            self._stop.set()
            await asyncio.Event().wait()


def house_of(desk: Desk) -> House:
    return House(desk.database, desk.keys, desk.config, desk.clock)


async def kept(desk: Desk, run: Callable[[], Awaitable[object]], turns: int) -> list[float]:
    """Keep one chore for so many turns; the pauses between them."""
    stop = asyncio.Event()
    pauses = Pauses(turns, stop, desk.clock.turn)
    chore = Chore("test", run, lambda at: 10.0)
    await keep_house(house_of(desk), stop, chores=[chore], pause=pauses)
    return pauses.asked


async def test_a_lease_has_one_holder_until_it_is_over(desk: Desk, second: Desk) -> None:
    clock = desk.clock
    assert await take_lease(desk.database, "turning", "a", 60, clock)
    assert not await take_lease(second.database, "turning", "b", 60, clock)
    assert await take_lease(second.database, "other", "b", 60, clock)
    clock.turn(seconds=59)
    assert await take_lease(desk.database, "turning", "a", 60, clock), "renewed"
    clock.turn(seconds=59)
    assert not await take_lease(second.database, "turning", "b", 60, clock)
    clock.turn(seconds=1)
    assert await take_lease(second.database, "turning", "b", 60, clock)
    await leave_lease(desk.database, "turning", "a")
    assert not await take_lease(desk.database, "turning", "a", 60, clock), "not one's own to leave"


async def test_of_many_that_want_a_lease_at_once_one_gets_it(desk: Desk, second: Desk) -> None:
    hubs = [desk, second] * 5
    taken = await asyncio.gather(
        *(take_lease(h.database, "turning", str(n), 60, h.clock) for n, h in enumerate(hubs))
    )
    assert taken.count(True) == 1


async def test_a_lease_is_renewed_while_it_is_held_and_let_go_at_the_end(desk: Desk) -> None:
    renewed, go_on = asyncio.Event(), asyncio.Event()

    async def pause(seconds: float) -> None:
        assert seconds == 20.0
        if desk.clock.at > NOON:
            renewed.set()
            await go_on.wait()
        desk.clock.turn(seconds=seconds)

    async with lease(desk.database, "turning", "a", 60, desk.clock, pause) as mine:
        assert mine
        await renewed.wait()
        (row,) = await desk.rows(LEASE)
        assert row.until > (NOON + timedelta(seconds=60)).isoformat()
        async with lease(desk.database, "turning", "b", 60, desk.clock, pause) as other:
            assert not other
    assert await desk.rows(LEASE) == []


async def test_a_lease_is_let_go_when_the_work_fails(desk: Desk) -> None:
    with pytest.raises(ZeroDivisionError):
        async with lease(desk.database, "turning", "a", 60, desk.clock):
            raise ZeroDivisionError
    assert await desk.rows(LEASE) == []


async def test_a_chore_is_done_at_the_start_and_again_when_it_is_due(desk: Desk) -> None:
    done: list[datetime] = []

    async def run() -> None:
        done.append(desk.clock())

    assert await kept(desk, run, 3) == [10.0] * 3
    assert [at - NOON for at in done] == [timedelta(seconds=n) for n in (0, 10, 20)]


async def test_a_chore_that_another_hub_has_is_left_to_it_until_that_one_dies(desk: Desk) -> None:
    done: list[datetime] = []

    async def run() -> None:
        done.append(desk.clock())

    await take_lease(desk.database, "chore test", "the other hub", 90, desk.clock)
    assert await kept(desk, run, 3) == [LEASE_SECONDS, LEASE_SECONDS, 10.0]
    assert done == [NOON + timedelta(seconds=120)]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (StoreError("hub.db: disk I/O error"), "hub.db: disk I/O error"),
        (KeyError("167A000001"), "KeyError at "),
    ],
)
async def test_a_chore_that_fails_is_told_once_and_tried_again_later_and_later(
    desk: Desk, caplog: pytest.LogCaptureFixture, error: Exception, why: str
) -> None:
    left = [error] * 7

    async def run() -> None:
        if left:
            raise left.pop()

    with caplog.at_level(logging.INFO, "kioskd.hub"):
        pauses = await kept(desk, run, 9)
    assert pauses == [30, 60, 120, 240, 480, 900, 900, 10, 10]
    assert [record.message for record in caplog.records] == ["chore.failed", "chore.works"]
    assert caplog.records[0].levelno == logging.ERROR
    assert getattr(caplog.records[0], "why", "").startswith(why)
    assert "167A000001" not in repr([vars(record) for record in caplog.records])


async def test_one_that_fails_holds_up_no_other(desk: Desk) -> None:
    stop = asyncio.Event()
    done = 0

    async def fail() -> None:
        raise StoreError("no")

    async def run() -> None:
        nonlocal done
        done += 1
        if done == 3:
            stop.set()

    async def pause(seconds: float) -> None:
        await asyncio.sleep(0)

    chores = [Chore("bad", fail, lambda at: 1.0), Chore("good", run, lambda at: 1.0)]
    await keep_house(house_of(desk), stop, chores=chores, pause=pause)
    assert done == 3


async def test_a_long_chore_ends_with_the_hub(desk: Desk) -> None:
    stop, begun = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        begun.set()
        await asyncio.Event().wait()

    chores = [Chore("long", run, lambda at: 1.0)]
    keeping = asyncio.create_task(keep_house(house_of(desk), stop, chores=chores))
    await begun.wait()
    stop.set()
    await asyncio.wait_for(keeping, 10)
    assert await desk.rows(LEASE) == [], "its lease is free for another hub"


async def test_a_hub_that_is_cancelled_ends_its_chores(desk: Desk) -> None:
    begun = asyncio.Event()

    async def run() -> None:
        begun.set()
        await asyncio.Event().wait()

    chores = [Chore("long", run, lambda at: 1.0)]
    keeping = asyncio.create_task(keep_house(house_of(desk), asyncio.Event(), chores=chores))
    await begun.wait()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    assert await desk.rows(LEASE) == []


async def test_every_chore_works_on_an_empty_hub(desk: Desk) -> None:
    chores = chores_of(house_of(desk), asyncio.Event())
    assert [chore.name for chore in chores] == [
        "turning", "published", "wrapping", "forgetting", "counts"
    ]  # fmt: skip
    for chore in chores:
        await chore.run()
        assert chore.wait(desk.clock()) > 0


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 23, 21, 59, 59, 999_999, UTC),
        datetime(2026, 11, 23, 22, 0, tzinfo=UTC),
        datetime(2026, 3, 28, 23, 0, tzinfo=UTC),  # the day has 23 hours
        datetime(2026, 10, 24, 22, 0, tzinfo=UTC),  # and this one 25
    ],
)
async def test_days_turn_just_after_local_midnight(desk: Desk, at: datetime) -> None:
    turning = chores_of(house_of(desk), asyncio.Event())[0]
    zone = ZoneInfo("Europe/Helsinki")
    turns = (at + timedelta(seconds=turning.wait(at))).astimezone(zone)
    assert (turns.hour, turns.minute, turns.second) == (0, 0, 1)
    assert turns.date() == at.astimezone(zone).date() + timedelta(days=1)


async def test_what_nobody_needs_any_more_goes_with_the_counts(desk: Desk) -> None:
    ref = await desk.patron()
    activities = Activities(desk.database, desk.config, desk.clock)
    await activities.take(FRONT, [Activity(ref, NOON.date())])
    async with desk.database.writing() as connection:
        row = {"card": bytes(16), "failures": 0}
        await connection.execute(PIN_FAILURE.insert(), row)
    counts = chores_of(house_of(desk), asyncio.Event())[-1]
    desk.clock.turn(days=399)
    await counts.run()
    assert (len(await desk.rows(ACTIVITY)), await desk.rows(PIN_FAILURE)) == (1, [])
    desk.clock.turn(days=2)
    await counts.run()
    assert await desk.rows(ACTIVITY) == []


async def test_a_request_that_is_cut_off_leaves_no_lock(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every point of a transaction that reads before it writes."""
    monkeypatch.setattr("sync.hub.database._BUSY_SECONDS", 1.0)
    database = await Database.open(database_url)
    clock = lambda: NOON  # noqa: E731
    for rounds in range(0, 120, 3):
        cut_off = asyncio.create_task(_reads_then_writes(database))
        for _ in range(rounds):
            await asyncio.sleep(0)
        cut_off.cancel()
        await asyncio.gather(cut_off, return_exceptions=True)
        assert await take_lease(database, f"after {rounds}", "a", 60, clock)
    await database.close()


async def _reads_then_writes(database: Database) -> None:
    async with database.writing() as connection:
        for _ in range(20):
            await connection.execute(LEASE.select())
        await connection.execute(LEASE.delete().where(LEASE.c.name == "nothing"))
