"""How a link is kept: when it is tried again, who is told, what is logged."""

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.fakes import FakeClock, FakeWatch
from drivers.simulated import running
from drivers.supervise import (
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    STEADY_SECONDS,
    Supervised,
    wait_seconds,
)
from kioskd.errors import DeviceError


class Plug(Supervised):
    """A link that stands while `there`; writes down when it was tried."""

    def __init__(self, clock: FakeClock, watch: FakeWatch) -> None:
        super().__init__("front-scanner", clock, watch)
        self.there = True
        self.flaps = False  # there at each attempt, and gone at once
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
