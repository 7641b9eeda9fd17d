"""Lamps on the board of a lock: other channels, and never before the lock."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.lcus import LcusFrames
from drivers.fakes import FakeClock, FakeWatch, settle
from drivers.lcus_relay import LcusRelay
from drivers.relay_indicator import OUTPUTS, RelayIndicator
from drivers.simulated import SimulatedPty, running
from kioskd.config.model import DeviceConfig
from kioskd.domain.face import Light, Tone
from kioskd.errors import ConfigError, DeviceError
from kioskd.words import face
from tests.devices.tasks import held
from tests.words.every_notice import every_shown

Until = Callable[[Callable[[], bool]], Awaitable[None]]
CONFIG = DeviceConfig("lamps", "relay-indicator", "", relay="relay", red=2, green=3, wait=4, tone=5)


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch()


@pytest.fixture
def pty(tmp_path: Path) -> Iterator[SimulatedPty]:
    with SimulatedPty(tmp_path / "port") as found:
        yield found


@pytest.fixture
def relay(pty: SimulatedPty, clock: FakeClock, watch: FakeWatch) -> LcusRelay:
    return LcusRelay(DeviceConfig("relay", "lcus-relay", pty.port), clock, watch)


class Wire:
    """What a board on the line was set to, in order."""

    def __init__(self, pty: SimulatedPty) -> None:
        self._pty = pty
        self._frames = LcusFrames()
        self.log: list[tuple[int, bool]] = []

    def settings(self) -> list[tuple[int, bool]]:
        self.log += self._frames.feed(self._pty.received())
        return self.log


async def test_when_the_board_opens_locks_are_secured_first_and_lamps_are_off(
    relay: LcusRelay, pty: SimulatedPty, until: Until
) -> None:
    relay.switch(2)
    relay.strike(1, "fail-secure")
    wire = Wire(pty)
    async with running(relay):
        await until(lambda: wire.settings() == [(1, False), (2, False)])


async def test_a_switch_sends_what_it_is_told(
    relay: LcusRelay, pty: SimulatedPty, until: Until
) -> None:
    switch = relay.switch(4)
    wire = Wire(pty)
    async with running(relay):
        await switch.turn(on=True)
        await switch.turn(on=False)
        await until(lambda: wire.settings() == [(4, False), (4, True), (4, False)])


async def test_lamps_on_a_real_line_follow_and_never_touch_the_lock(
    relay: LcusRelay, pty: SimulatedPty, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    relay.strike(1, "fail-safe")
    switches = {name: relay.switch(channel) for channel, name in enumerate(OUTPUTS, start=2)}
    lamps = RelayIndicator(CONFIG, switches, clock, watch)
    wire = Wire(pty)
    async with running(relay), running(lamps):
        for shown in every_shown():
            await lamps.indicate(face(shown).light, face(shown).tone)
        await lamps.indicate(Light.GREEN, Tone.NONE)
        await until(lambda: wire.settings()[-1] == (3, True))
    assert [setting for setting in wire.log if setting[0] == 1] == [(1, True)]
    assert {channel for channel, on in wire.log if on} == {1, 2, 3, 4, 5}


async def test_a_lamp_burns_again_when_its_board_is_back(
    relay: LcusRelay, pty: SimulatedPty, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    relay.strike(1, "fail-secure")
    lamps = RelayIndicator(CONFIG, {"red": relay.switch(2)}, clock, watch)
    async with running(relay), running(lamps):
        await lamps.indicate(Light.RED, Tone.NONE)
        pty.unplug()
        await until(lambda: not lamps.present)
        wire = Wire(pty)
        pty.plug()
        await until(lambda: wire.settings()[-1:] == [(2, True)])
        assert wire.log[0] == (1, False)
    assert sorted(watch.events) == [
        (what, which) for what in ("back", "lost") for which in ("lamps", "relay")
    ]


async def test_lamps_start_and_end_with_a_board_that_starts_and_ends_beside_them(
    relay: LcusRelay, pty: SimulatedPty, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    lamps = RelayIndicator(CONFIG, {"red": relay.switch(2)}, clock, watch)
    wire = Wire(pty)
    async with held(lamps.run()), held(relay.run()):
        await until(lambda: lamps.present)
        await lamps.indicate(Light.RED, Tone.NONE)
        await until(lambda: wire.settings()[-1] == (2, True))
    assert watch.events == []


async def test_lamps_go_off_with_their_board_whichever_of_them_ends_first(
    relay: LcusRelay, pty: SimulatedPty, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    relay.strike(1, "fail-secure")
    lamps = RelayIndicator(CONFIG, {"red": relay.switch(2)}, clock, watch)
    wire = Wire(pty)
    async with held(lamps.run()):
        async with running(relay):
            await until(lambda: lamps.present)
            await lamps.indicate(Light.RED, Tone.NONE)
            await until(lambda: wire.settings()[-1] == (2, True))
        await until(lambda: wire.settings()[-1] == (2, False))
    assert (1, True) not in wire.log


async def test_a_lamp_is_skipped_while_a_lock_waits_for_the_line(
    relay: LcusRelay, pty: SimulatedPty, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """The line takes nothing for a moment: the lock's frame is the first that gets through."""
    strike, switch = relay.strike(1, "fail-secure"), relay.switch(2)
    wire = Wire(pty)
    async with running(relay):
        await until(lambda: len(wire.settings()) == 2)
        with monkeypatch.context() as full:
            full.setattr("drivers.serial_open.OpenPort.write", _no_room)
            full.setattr(relay, "_writable", _a_turn)
            releasing = asyncio.create_task(strike.release())
            await settle()
            with pytest.raises(DeviceError, match="busy with a lock; lamps come after it"):
                await switch.turn(on=True)
        await releasing
        await switch.turn(on=True)
        await until(lambda: wire.settings()[2:] == [(1, True), (2, True)])


async def test_a_lamp_that_finds_the_line_full_does_not_wait(
    relay: LcusRelay, pty: SimulatedPty, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    strike, switch = relay.strike(1, "fail-secure"), relay.switch(2)
    wire = Wire(pty)
    async with running(relay):
        with monkeypatch.context() as full:
            full.setattr("drivers.serial_open.OpenPort.write", _no_room)
            with pytest.raises(DeviceError, match="takes no bytes"):
                await switch.turn(on=True)
        assert relay.present
        await strike.release()
        await until(lambda: wire.settings() == [(1, False), (2, False), (1, True)])


async def test_half_a_lamp_frame_begins_the_line_anew_with_the_locks(
    relay: LcusRelay,
    pty: SimulatedPty,
    monkeypatch: pytest.MonkeyPatch,
    until: Until,
    watch: FakeWatch,
) -> None:
    relay.strike(1, "fail-secure")
    switch = relay.switch(2)
    wire = Wire(pty)
    async with running(relay):
        await until(lambda: len(wire.settings()) == 2)
        with monkeypatch.context() as short:
            short.setattr("drivers.serial_open.OpenPort.write", lambda *_: 3)
            with pytest.raises(DeviceError, match="half a frame"):
                await switch.turn(on=True)
        await until(lambda: watch.events == [("lost", "relay"), ("back", "relay")])
        await until(lambda: wire.settings() == [(1, False), (2, False)] * 2)


async def test_a_lamp_on_a_line_that_broke_says_why(
    relay: LcusRelay, monkeypatch: pytest.MonkeyPatch, until: Until, watch: FakeWatch
) -> None:
    switch = relay.switch(2)
    async with running(relay):
        with monkeypatch.context() as broken:
            broken.setattr("drivers.serial_open.OpenPort.write", _gone)
            with pytest.raises(DeviceError, match="unplug the device and plug it in again"):
                await switch.turn(on=True)
        await until(lambda: watch.events == [("lost", "relay"), ("back", "relay")])


async def test_a_switch_of_a_board_that_is_away_says_so(
    relay: LcusRelay, pty: SimulatedPty
) -> None:
    switch = relay.switch(2)
    pty.unplug()
    async with running(relay):
        with pytest.raises(DeviceError, match="relay: not connected"):
            await switch.turn(on=True)


@pytest.mark.parametrize("channel", [0, 17])
def test_a_switch_on_no_channel_is_refused(relay: LcusRelay, channel: int) -> None:
    with pytest.raises(ConfigError, match="use 1 to 16"):
        relay.switch(channel)


kinds = st.sampled_from(["strike", "switch"])


@given(st.integers(1, 16), kinds, kinds)
def test_a_channel_of_a_lock_is_never_a_lamp(channel: int, first: str, second: str) -> None:
    relay = LcusRelay(DeviceConfig("relay", "lcus-relay", "/dev/null"), FakeClock(), FakeWatch())
    take: dict[str, Callable[[], object]] = {
        "strike": lambda: relay.strike(channel, "fail-secure"),
        "switch": lambda: relay.switch(channel),
    }
    take[first]()
    with pytest.raises(ConfigError, match=f"channel {channel} is used twice"):
        take[second]()


def _no_room(*_: object) -> int:
    raise BlockingIOError


def _gone(*_: object) -> int:
    raise OSError(5, "Input/output error")


async def _a_turn(*_: object) -> None:
    await asyncio.sleep(0)
