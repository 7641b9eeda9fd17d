"""How a link is kept: when it is tried again, who is told, what is logged."""

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.fakes import FakeClock, FakeWatch
from drivers.simulated import running
from drivers.supervise import (
    CALM_SECONDS,
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    STEADY_SECONDS,
    Supervised,
    proof_seconds,
    wait_seconds,
)
from kioskd.errors import DeviceError

LOST, BACK = ("lost", "front-scanner"), ("back", "front-scanner")


class Plug(Supervised):
    """A link that stands while `there`; writes down when it was tried."""

    def __init__(self, clock: FakeClock, watch: FakeWatch) -> None:
        super().__init__("front-scanner", clock, watch)
        self.there = True
        self.flaps = False  # there at each attempt, and gone at once
        self.sessions = 0
        self.fault: Exception = DeviceError("front-scanner: unplugged")
        self.attempts: list[float] = []
        self.pulled = asyncio.Event()

    def pull(self) -> None:
        self.there = False
        self.pulled.set()

    async def _session(self) -> None:
        self.attempts.append(round(self._clock.monotonic() - 1000.0, 3))
        if not self.there:
            raise self.fault
        self.pulled.clear()
        self.sessions += 1
        self._came_up()
        if not self.flaps:
            await self.pulled.wait()
        raise self.fault


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch()


@pytest.fixture
def plug(clock: FakeClock, watch: FakeWatch) -> Plug:
    return Plug(clock, watch)


async def test_a_device_that_is_missing_is_tried_ever_more_slowly(
    plug: Plug, clock: FakeClock
) -> None:
    plug.there = False
    async with running(plug) as there:
        assert not there
        await clock.advance(9.2)
    assert plug.attempts == [0.0, 0.1, 0.3, 0.7, 1.5, 3.1, 5.1, 7.1, 9.1]


async def test_the_first_loss_is_loud_and_repeats_are_quiet(
    plug: Plug, clock: FakeClock, watch: FakeWatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kioskd.drivers")
    async with running(plug):
        plug.pull()
        await clock.advance(10)
        plug.there = True
        await clock.advance(LONGEST_WAIT_SECONDS)
    loud = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert [(record.levelname, record.message) for record in loud] == [
        ("WARNING", "device.lost"),
        ("INFO", "device.back"),
    ]
    assert len(caplog.records) > len(loud)
    assert watch.events == [("lost", "front-scanner"), ("back", "front-scanner")]
    assert watch.reasons == ["front-scanner: unplugged"]


async def test_a_device_that_was_there_from_the_start_is_not_reported_back(
    plug: Plug, watch: FakeWatch
) -> None:
    async with running(plug) as there:
        assert there
        assert plug.present
    assert watch.events == []
    assert not plug.present


async def test_a_link_that_flaps_is_tried_ever_more_slowly_and_one_that_stood_at_once(
    plug: Plug, clock: FakeClock
) -> None:
    plug.flaps = True
    async with running(plug):
        await clock.advance(4)
        assert plug.attempts == [0.0, 0.1, 0.3, 0.7, 1.5, 3.1]
        plug.flaps = False
        await clock.advance(LONGEST_WAIT_SECONDS + STEADY_SECONDS)
        pulled_at = clock.monotonic() - 1000.0
        plug.pulled.set()
        await clock.advance(LONGEST_WAIT_SECONDS)
    assert plug.attempts[-1] == pytest.approx(pulled_at + FIRST_WAIT_SECONDS)


async def test_a_device_that_flaps_is_news_twice_and_its_doors_hear_of_every_drop(
    plug: Plug, clock: FakeClock, watch: FakeWatch, caplog: pytest.LogCaptureFixture
) -> None:
    plug.flaps = True
    async with running(plug):
        await clock.advance(600)
        assert watch.events == [LOST, BACK, LOST]
        assert len(watch.drops) == plug.sessions > 300
        plug.flaps = False
        await clock.advance(LONGEST_WAIT_SECONDS)
        assert plug.present
        assert watch.events[3:] == []
        await clock.advance(STEADY_SECONDS)
        assert watch.events[3:] == [BACK]
    loud = [record.levelname for record in caplog.records if record.message == "device.lost"]
    assert loud == ["WARNING"] * 2


async def test_a_device_pulled_again_and_again_is_told_back_ever_later(
    plug: Plug, clock: FakeClock, watch: FakeWatch
) -> None:
    told = []
    async with running(plug):
        for _ in range(4):
            plug.pulled.set()
            await clock.advance(FIRST_WAIT_SECONDS)
            assert plug.present
            begun = clock.monotonic()
            while watch.events[-1] != BACK:
                await clock.advance(0.25)
            told.append(clock.monotonic() - begun)
            await clock.advance(STEADY_SECONDS)
        await clock.advance(CALM_SECONDS)
        plug.pulled.set()
        await clock.advance(FIRST_WAIT_SECONDS)
        assert watch.events[-2:] == [LOST, BACK]
    assert told == [0.0, 2.0, 4.0, 8.0]
    assert len(watch.drops) == 5


async def test_a_link_that_ends_before_it_was_told_back_is_told_by_no_task_left_behind(
    plug: Plug, clock: FakeClock, watch: FakeWatch
) -> None:
    plug.flaps = True
    async with running(plug):
        await clock.advance(2)
        plug.flaps = False
        while not plug.present:
            await clock.advance(0.1)
        known = len(watch.events)
    await clock.advance(CALM_SECONDS)
    assert watch.events[known:] == []


async def test_a_mistake_in_a_driver_costs_its_link_not_its_task(
    plug: Plug, clock: FakeClock, watch: FakeWatch, caplog: pytest.LogCaptureFixture
) -> None:
    plug.fault = ValueError("167A006007")
    async with running(plug):
        plug.pull()
        await clock.advance(1)
        assert watch.events == [("lost", "front-scanner")]
        plug.there = True
        await clock.advance(LONGEST_WAIT_SECONDS)
        assert plug.present
    assert "167A006007" not in caplog.text + "".join(watch.reasons)
    assert "device.fault" in caplog.text


@given(st.integers(1, 10**6))
def test_the_wait_grows_and_is_capped(failures: int) -> None:
    assert 0.1 <= wait_seconds(failures) <= wait_seconds(failures + 1) <= LONGEST_WAIT_SECONDS


@given(st.lists(st.floats(0, 10 * CALM_SECONDS), max_size=40))
def test_a_device_that_comes_and_goes_is_asked_for_proof_and_never_for_long(
    stood: list[float],
) -> None:
    proof = 0.0
    for seconds in stood:
        before, proof = proof, proof_seconds(proof, seconds)
        assert proof == 0 if seconds >= CALM_SECONDS else STEADY_SECONDS <= proof <= CALM_SECONDS
        assert not proof or proof >= before


@given(st.lists(st.tuples(st.floats(0, 70), st.floats(0, 10)), max_size=12))
def test_news_takes_turns_whatever_the_cable_does(played: list[tuple[float, float]]) -> None:
    """Lost and back in turns, two a minute at most once it is known to flap, every drop heard."""

    async def play() -> None:
        clock, watch = FakeClock(), FakeWatch()
        plug = Plug(clock, watch)
        async with running(plug):
            for up, down in played:
                await clock.advance(up)
                plug.pull()
                await clock.advance(down)
                plug.there = True
            await clock.advance(LONGEST_WAIT_SECONDS + CALM_SECONDS)
            assert plug.present
        assert watch.events == [LOST, BACK] * (len(watch.events) // 2)
        assert len(watch.drops) >= len(watch.events) // 2

    asyncio.run(play())
