"""A pulse ends: by its time, with its owner, on any failure. Nothing else keeps a strike."""

import asyncio
import logging
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from drivers.fakes import FakeClock, FakeStrike, settle
from kioskd.entry.strike_keeper import StrikeKeeper
from kioskd.errors import DeviceError


class SlowStrike(FakeStrike):
    """A strike whose frames take their time, one after another, as on a serial line."""

    seconds = 0.1

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._line, self._time = asyncio.Lock(), clock

    async def release(self) -> None:
        async with self._line:
            await self._time.sleep_until(self._time.monotonic() + self.seconds)
            await super().release()

    async def secure(self) -> None:
        async with self._line:
            await self._time.sleep_until(self._time.monotonic() + self.seconds)
            await super().secure()


class Bench:
    """A keeper under watch, and a task that owns its pulses."""

    def __init__(self, *, slow: bool = False) -> None:
        self.clock = FakeClock()
        self.strike = SlowStrike(self.clock) if slow else FakeStrike(self.clock)
        self.why: list[str] = []
        self.keeper = StrikeKeeper("front", self.strike, self.clock, self.why.append)
        self.finish = asyncio.Event()

    def start(self) -> None:
        self.watching = asyncio.create_task(self.keeper.watch())
        self.owner: asyncio.Task[object] = asyncio.create_task(self._own())

    async def _own(self) -> None:
        await self.finish.wait()

    async def stop(self) -> None:
        for task in (self.owner, self.watching):
            task.cancel()
        ended = asyncio.gather(self.owner, self.watching, return_exceptions=True)
        while not ended.done():
            await self.clock.advance(0.5)
        await ended


@pytest.fixture
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    bench = Bench(slow=getattr(request, "param", False))
    bench.start()
    await settle()
    yield bench
    await bench.stop()


on_a_slow_line = pytest.mark.parametrize("bench", [True], indirect=True, ids=["slow"])


async def test_a_pulse_ends_by_itself(bench: Bench) -> None:
    start = bench.clock.monotonic()
    await bench.keeper.release(5, bench.owner)
    await bench.clock.advance(100)
    assert bench.strike.log == [(start, "on"), (start + 5, "off")]
    assert bench.why == ["pulse"]
    assert not bench.keeper.released


async def test_a_second_pulse_works_like_the_first(bench: Bench) -> None:
    for _ in range(3):
        await bench.keeper.release(5, bench.owner)
        await bench.clock.advance(10)
    assert bench.strike.commands == ["on", "off"] * 3


async def test_the_owner_is_cancelled(bench: Bench) -> None:
    await bench.keeper.release(5, bench.owner)
    bench.owner.cancel()
    await settle()
    assert bench.strike.commands == ["on", "off"]
    assert bench.why == ["owner gone"]


async def test_the_owner_finishes(bench: Bench) -> None:
    await bench.keeper.release(5, bench.owner)
    bench.finish.set()
    await settle()
    assert bench.strike.commands == ["on", "off"]


async def test_the_owner_fails(bench: Bench) -> None:
    async def fail() -> None:
        await bench.finish.wait()
        raise RuntimeError

    owner: asyncio.Task[object] = asyncio.create_task(fail())
    await bench.keeper.release(5, owner)
    bench.finish.set()
    await settle()
    assert isinstance(owner.exception(), RuntimeError)
    assert bench.strike.commands == ["on", "off"]


async def test_a_release_that_fails_is_secured(bench: Bench) -> None:
    bench.strike.failing = True
    with pytest.raises(DeviceError):
        await bench.keeper.release(5, bench.owner)
    bench.strike.failing = False
    await bench.clock.advance(0.5)
    assert bench.strike.commands == ["off"]


@on_a_slow_line
async def test_a_release_that_is_cancelled_half_way_is_secured(bench: Bench) -> None:
    releasing = asyncio.create_task(bench.keeper.release(5, bench.owner))
    await bench.clock.advance(0.05)
    releasing.cancel()
    await bench.clock.advance(1)
    assert releasing.cancelled()
    assert bench.strike.commands == ["off"]


async def test_securing_is_tried_again_until_it_works(bench: Bench) -> None:
    start = bench.clock.monotonic()
    await bench.keeper.release(5, bench.owner)
    bench.strike.failing = True
    await bench.clock.advance(60)
    assert bench.keeper.released
    assert bench.why == []
    bench.strike.failing = False
    await bench.clock.advance(0.5)
    assert bench.strike.log[0] == (start, "on")
    assert bench.strike.commands == ["on", "off"]
    assert bench.why == ["pulse"]


async def test_a_relay_that_comes_back_from_the_dead_is_secured_and_stays_so(bench: Bench) -> None:
    await bench.keeper.release(5, bench.owner)
    bench.strike.absent = True
    await bench.clock.advance(60)
    bench.strike.absent = False
    await bench.clock.advance(60)
    assert set(bench.strike.commands[1:]) == {"off"}


async def test_ending_now_ends_now(bench: Bench) -> None:
    await bench.keeper.release(60, bench.owner)
    bench.keeper.end_now()
    await settle()
    assert bench.strike.commands == ["on", "off"]
    bench.keeper.end_now()
    await bench.clock.advance(60)
    assert bench.strike.commands == ["on", "off"]


@on_a_slow_line
async def test_a_grant_during_the_end_of_a_pulse_gets_its_whole_time(bench: Bench) -> None:
    start = bench.clock.monotonic()
    first = asyncio.create_task(bench.keeper.release(5, bench.owner))
    await bench.clock.advance(5.05)  # the secure frame is on its way
    second = asyncio.create_task(bench.keeper.release(5, bench.owner))
    await bench.clock.advance(30)
    await asyncio.gather(first, second)
    assert bench.strike.commands == ["on", "off", "on", "off"]
    (_, _, on, off) = [at - start for at, _ in bench.strike.log]
    assert on == pytest.approx(5.2)
    assert off == pytest.approx(5.05 + 5 + 0.1)


@on_a_slow_line
async def test_a_failed_grant_during_the_end_of_a_pulse_is_secured_after_it(bench: Bench) -> None:
    first = asyncio.create_task(bench.keeper.release(5, bench.owner))
    await bench.clock.advance(5.05)
    second = asyncio.create_task(bench.keeper.release(5, bench.owner))
    await bench.clock.advance(0.06)  # the old pulse's end got out
    second.cancel()
    await bench.clock.advance(5)
    await asyncio.gather(first, second, return_exceptions=True)
    assert bench.strike.commands == ["on", "off", "off"]
    assert not bench.keeper.released


async def test_a_shorter_grant_makes_no_pulse_shorter(bench: Bench) -> None:
    start = bench.clock.monotonic()
    await bench.keeper.release(15, bench.owner)
    await bench.clock.advance(1)
    await bench.keeper.release(5, bench.owner)
    await bench.clock.advance(60)
    assert bench.strike.log[-1] == (start + 15, "off")


async def test_cancelling_the_watch_secures_a_running_pulse(bench: Bench) -> None:
    await bench.keeper.release(60, bench.owner)
    bench.watching.cancel()
    await settle()
    assert bench.strike.commands == ["on", "off"]
    assert bench.why == ["exit"]
    assert bench.watching.cancelled()


async def test_the_end_of_the_watch_tries_a_running_pulse_more_than_once(bench: Bench) -> None:
    await bench.keeper.release(60, bench.owner)
    bench.strike.failing = True
    bench.watching.cancel()
    await bench.clock.advance(0.9)
    bench.strike.failing = False
    await bench.clock.advance(0.2)
    assert bench.strike.commands == ["on", "off"]
    assert bench.watching.done()


async def test_the_end_of_the_watch_does_not_wait_for_ever(bench: Bench) -> None:
    await bench.keeper.release(60, bench.owner)
    bench.strike.failing = True
    bench.watching.cancel()
    await bench.clock.advance(2)
    assert bench.watching.done()
    bench.strike.failing = False


async def test_nothing_is_released_that_nobody_watches() -> None:
    bench = Bench()
    bench.owner = asyncio.ensure_future(bench.finish.wait())
    with pytest.raises(DeviceError, match="front"):
        await bench.keeper.release(5, bench.owner)
    assert bench.strike.commands == []
    bench.owner.cancel()


@on_a_slow_line
async def test_a_release_that_a_stop_overtakes_is_secured(bench: Bench) -> None:
    releasing = asyncio.create_task(bench.keeper.release(5, bench.owner))
    await bench.clock.advance(0.05)
    bench.watching.cancel()
    await bench.clock.advance(1)
    with pytest.raises(DeviceError):
        await releasing
    assert bench.strike.commands[0] == "on"
    assert bench.strike.commands[-1] == "off"
    assert not bench.keeper.released


# An unlock


async def test_an_unlock_is_one_frame_however_often_it_is_held_again(bench: Bench) -> None:
    start = bench.clock.monotonic()
    await bench.keeper.unlock(3, bench.owner, "not held")
    for _ in range(100):
        await bench.clock.advance(2)
        assert bench.keeper.hold_again(3, "schedule")
    before = bench.keeper.unlocked
    await bench.clock.advance(60)
    assert bench.strike.log == [(start, "on"), (start + 203, "off")]
    assert bench.why == ["schedule"]
    assert (before, bench.keeper.unlocked) == (True, False)
    assert not bench.keeper.hold_again(3, "schedule")


async def test_an_unlock_that_nobody_holds_again_ends(bench: Bench) -> None:
    await bench.keeper.unlock(3, bench.owner, "not held")
    await bench.clock.advance(3)
    assert bench.strike.commands == ["on", "off"]
    assert bench.why == ["not held"]


async def test_what_is_over_cannot_be_held_again_before_it_was_noticed(bench: Bench) -> None:
    await bench.keeper.unlock(3, bench.owner, "not held")
    bench.clock._monotonic += 3  # the loop stood still
    assert not bench.keeper.hold_again(3, "not held")
    assert bench.strike.commands == ["on"]
    await settle()
    await bench.clock.advance(0.5)
    assert bench.strike.commands == ["on", "off"]


async def test_a_pulse_outlasts_the_unlock_that_ends_during_it(bench: Bench) -> None:
    start = bench.clock.monotonic()
    await bench.keeper.unlock(3, bench.owner, "not held")
    await bench.keeper.release(5, bench.owner)
    bench.keeper.end_unlock("lockdown")
    await bench.clock.advance(60)
    assert bench.strike.log == [(start, "on"), (start, "on"), (start + 5, "off")]
    assert bench.why == ["pulse"]


async def test_an_unlock_outlasts_the_pulse_that_ends_during_it(bench: Bench) -> None:
    start = bench.clock.monotonic()
    await bench.keeper.release(1, bench.owner)
    await bench.keeper.unlock(3, bench.owner, "not held")
    await bench.clock.advance(60)
    assert bench.strike.log == [(start, "on"), (start, "on"), (start + 3, "off")]


async def test_a_failed_pulse_takes_the_unlock_with_it(bench: Bench) -> None:
    await bench.keeper.unlock(3, bench.owner, "not held")
    bench.strike.failing = True
    with pytest.raises(DeviceError):
        await bench.keeper.release(5, bench.owner)
    bench.strike.failing = False
    await bench.clock.advance(0.5)
    assert bench.strike.commands == ["on", "off"]
    assert bench.why == ["fault"]


async def test_ending_an_unlock_that_is_none_ends_nothing(bench: Bench) -> None:
    await bench.keeper.release(5, bench.owner)
    bench.keeper.end_unlock("schedule")
    await bench.clock.advance(4.9)
    assert bench.strike.commands == ["on"]


async def test_securing_now_sends_a_frame_whether_or_not_the_strike_is_released(
    bench: Bench,
) -> None:
    await bench.keeper.secure_now("locked")
    assert (bench.strike.commands, bench.why) == (["off"], [])
    await bench.keeper.release(60, bench.owner)
    await bench.keeper.secure_now("locked")
    assert bench.strike.commands == ["off", "on", "off"]
    await settle()
    assert (bench.keeper.released, bench.why) == (False, ["locked"])


async def test_a_relay_that_stays_away_is_told_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.keeper.release(5, bench.owner)
    bench.strike.failing = True
    await bench.clock.advance(60)
    bench.strike.failing = False
    await bench.clock.advance(1)
    loud = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert [r.message for r in loud] == ["strike.not_secured"]


async def test_the_watch_ticks_whatever_it_waits_for(bench: Bench) -> None:
    ticks: list[float] = []
    keeper = StrikeKeeper("back", FakeStrike(bench.clock), bench.clock, bench.why.append)
    watching = asyncio.create_task(keeper.watch(lambda: ticks.append(bench.clock.monotonic())))
    await bench.clock.advance(10)
    await keeper.release(5, bench.owner)
    await bench.clock.advance(10)
    watching.cancel()
    await asyncio.wait([watching])
    assert max(b - a for a, b in pairwise(ticks)) <= 1.0
    assert len(ticks) >= 20
