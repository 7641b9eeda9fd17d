"""The watchdog is fed while every task ticks, and only then."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from drivers.fakes import FakeClock
from kioskd.daemon.notify import Notify
from kioskd.daemon.watchdog import feed
from kioskd.health.ticks import LoopLag, Ticks

THREE_SECONDS = {"WATCHDOG_USEC": "3000000"}


class Fed(Notify):
    """Counts instead of sending."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(None)
        self._clock = clock
        self.at: list[float] = []

    def alive(self) -> None:
        self.at.append(self._clock.monotonic() - 1000.0)


@pytest.fixture
def fed(clock: FakeClock) -> Fed:
    return Fed(clock)


@asynccontextmanager
async def feeding(
    ticks: Ticks, clock: FakeClock, fed: Fed, environment: Mapping[str, str]
) -> AsyncIterator[None]:
    task = asyncio.create_task(feed(ticks, clock, fed, environment))
    yield
    assert not task.done()
    task.cancel()


async def test_it_is_fed_each_second(clock: FakeClock, ticks: Ticks, fed: Fed) -> None:
    async with feeding(ticks, clock, fed, THREE_SECONDS):
        await clock.advance(3.0)
    assert fed.at == [1.0, 2.0, 3.0]


async def test_a_short_watchdog_is_fed_at_half_its_time(
    clock: FakeClock, ticks: Ticks, fed: Fed
) -> None:
    async with feeding(ticks, clock, fed, {"WATCHDOG_USEC": "500000"}):
        await clock.advance(1.0)
    assert fed.at == [0.25, 0.5, 0.75, 1.0]


async def test_a_hung_door_stops_the_feed_and_is_named_once(
    clock: FakeClock, ticks: Ticks, fed: Fed, caplog: pytest.LogCaptureFixture
) -> None:
    front, back = ticks.ticker("door front"), ticks.ticker("door back")
    with caplog.at_level(logging.DEBUG, "kioskd.watchdog"):
        async with feeding(ticks, clock, fed, THREE_SECONDS):
            for _ in range(10):
                await clock.advance(1.0)
                front()
            stopped = fed.at[-1]
            back()
            await clock.advance(2.0)
    assert stopped == 3.0
    assert fed.at[-2:] == [11.0, 12.0]
    told = [(r.levelname, r.message, getattr(r, "late", "")) for r in caplog.records]
    assert told == [("ERROR", "watchdog.unfed", "door back"), ("INFO", "watchdog.fed_again", "")]


async def test_another_task_that_hangs_too_is_told_loudly_as_well(
    clock: FakeClock, ticks: Ticks, fed: Fed, caplog: pytest.LogCaptureFixture
) -> None:
    ticks.ticker("door back")
    front = ticks.ticker("door front")
    async with feeding(ticks, clock, fed, THREE_SECONDS):
        for _ in range(5):
            await clock.advance(1.0)
            front()
        await clock.advance(5.0)
    late = [getattr(r, "late", "") for r in caplog.records if r.levelname == "ERROR"]
    assert late == ["door back", "door back, door front"]


@pytest.mark.parametrize("environment", [{}, {"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}])
async def test_without_a_watchdog_of_ours_it_is_logged_all_the_same(
    clock: FakeClock,
    ticks: Ticks,
    fed: Fed,
    caplog: pytest.LogCaptureFixture,
    environment: Mapping[str, str],
) -> None:
    ticks.ticker("door front")
    async with feeding(ticks, clock, fed, environment):
        await clock.advance(5.0)
    assert fed.at == []
    assert [r.message for r in caplog.records] == ["tasks.late"]


async def test_how_late_it_wakes_is_measured(clock: FakeClock, ticks: Ticks, fed: Fed) -> None:
    lag = LoopLag(clock.monotonic)
    task = asyncio.create_task(feed(ticks, clock, fed, THREE_SECONDS, lag))
    await clock.advance(1.0)
    assert lag.worst() == 0.0
    clock._monotonic += 1.5  # the loop was busy with something else
    await clock.advance(0.0)
    assert lag.worst() == 0.5
    task.cancel()
