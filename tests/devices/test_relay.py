"""What every Strike keeps, and what an LCUS board gets to hear: off first, on only when asked."""

import asyncio
import os
import select
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.lcus import LcusFrames, frame
from drivers.fakes import FakeClock, FakeStrike, FakeWatch
from drivers.lcus_boot import secure_at_boot, secure_frame
from drivers.lcus_relay import LcusRelay
from drivers.simulated import SimulatedPty, SimulatedServer, running
from kioskd.config.model import DeviceConfig
from kioskd.errors import ConfigError, DeviceError
from kioskd.ports import Strike

Until = Callable[[Callable[[], bool]], Awaitable[None]]
Line = SimulatedPty | SimulatedServer
ON, OFF = (1, True), (1, False)


@dataclass
class Board:
    """A simulated LCUS board that writes down what it was set to."""

    line: Line
    frames: LcusFrames = field(default_factory=LcusFrames)
    log: list[tuple[int, bool]] = field(default_factory=list)

    def settings(self) -> list[tuple[int, bool]]:
        """Every setting since the board was built."""
        self.log += self.frames.feed(self.line.received())
        return self.log


@pytest.fixture(params=["pty", "tcp"])
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Line]:
    with SimulatedPty(tmp_path / "port") if request.param == "pty" else SimulatedServer() as found:
        yield found


@pytest.fixture
def pty(tmp_path: Path) -> Iterator[SimulatedPty]:
    with SimulatedPty(tmp_path / "port") as found:
        yield found


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch()


Relays = Callable[[Line], LcusRelay]


@pytest.fixture
def relay_on(clock: FakeClock, watch: FakeWatch) -> Relays:
    return lambda line: LcusRelay(DeviceConfig("relay", "lcus-relay", line.port), clock, watch)


# Every Strike


@pytest.mark.parametrize("lock", ["fail-secure", "fail-safe"])
async def test_a_strike_on_a_board_releases_and_secures(
    line: Line, relay_on: Relays, until: Until, lock: str
) -> None:
    """fail-safe: secured = energised."""
    relay, board = relay_on(line), Board(line)
    strike = relay.strike(1, lock)
    async with running(relay):
        await _use(strike)
        secured, released = (OFF, ON) if lock == "fail-secure" else (ON, OFF)
        await until(lambda: board.settings() == [secured, released, secured])


async def test_a_fake_strike_releases_and_secures(clock: FakeClock) -> None:
    strike = FakeStrike(clock)
    await _use(strike)
    assert strike.log == [(1000.0, "on"), (1000.0, "off")]


async def test_a_strike_that_is_missing_says_so_and_comes_back_secured(
    line: Line, relay_on: Relays, until: Until
) -> None:
    relay = relay_on(line)
    strike = relay.strike(1, "fail-secure")
    async with running(relay):
        await strike.release()
        line.unplug()
        await until(lambda: not relay.present)
        with pytest.raises(DeviceError, match="relay: not connected"):
            await strike.release()
        board = Board(line)
        line.plug()
        await until(lambda: relay.present)
        await strike.release()
        await until(lambda: board.settings() == [OFF, ON])


async def test_a_fake_strike_that_is_missing_says_so_and_comes_back_secured(
    clock: FakeClock,
) -> None:
    strike = FakeStrike(clock)
    strike.absent = True
    with pytest.raises(DeviceError):
        await strike.release()
    strike.absent = False
    strike.failing = True
    with pytest.raises(DeviceError):
        await strike.secure()
    assert strike.commands == ["off"]


async def _use(strike: Strike) -> None:
    await strike.release()
    await strike.secure()


# What an LCUS board hears


async def test_every_strike_is_secured_before_the_board_counts_as_present(
    line: Line, relay_on: Relays, until: Until
) -> None:
    relay, board = relay_on(line), Board(line)
    relay.strike(1, "fail-secure")
    relay.strike(2, "fail-safe")
    async with running(relay) as there:
        assert there
        await until(lambda: board.settings() == [OFF, (2, True)])


async def test_loss_and_return_release_nothing(line: Line, relay_on: Relays, until: Until) -> None:
    relay = relay_on(line)
    relay.strike(1, "fail-secure")
    heard: list[tuple[int, bool]] = []
    async with running(relay):
        for _ in range(3):
            board = Board(line)
            line.unplug()
            await until(lambda: not relay.present)
            line.plug()
            await until(lambda: relay.present)
            await until(lambda board=board: bool(board.settings()))  # type: ignore[misc]
            heard += board.log
    assert heard == [OFF, OFF, OFF]


async def test_a_release_that_does_not_get_out_is_an_error_and_never_comes_late(
    pty: SimulatedPty, relay_on: Relays, until: Until, watch: FakeWatch
) -> None:
    """The board takes no bytes: the link is dropped with what the kernel held, and secured."""
    relay, board = relay_on(pty), Board(pty)
    strike = relay.strike(1, "fail-secure")
    async with running(relay):
        await until(lambda: board.settings() == [OFF])
        _fill(pty)
        with pytest.raises(DeviceError, match="took no bytes in time"):
            await strike.release()
        await until(lambda: watch.events == [("lost", "relay"), ("back", "relay")])
        await until(lambda: len(board.settings()) == 2)
        assert board.settings() == [OFF, OFF]


async def test_two_releases_behind_a_full_line_both_end(
    pty: SimulatedPty, relay_on: Relays, until: Until
) -> None:
    relay, board = relay_on(pty), Board(pty)
    strikes = [relay.strike(1, "fail-secure"), relay.strike(2, "fail-secure")]
    async with running(relay):
        await until(lambda: len(board.settings()) == 2)
        _fill(pty)
        results = await asyncio.gather(
            *(strike.release() for strike in strikes), return_exceptions=True
        )
    assert [type(result) for result in results] == [DeviceError, DeviceError]


async def test_a_board_that_cannot_be_secured_is_not_present(
    pty: SimulatedPty, relay_on: Relays, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.serial_open.OpenPort.write", _no_room)
    relay = relay_on(pty)
    strike = relay.strike(1, "fail-secure")
    async with running(relay) as there:
        assert not there
        with pytest.raises(DeviceError, match="not connected"):
            await strike.release()


async def test_a_missing_board_is_reported_and_its_strike_says_so(
    pty: SimulatedPty, relay_on: Relays, watch: FakeWatch
) -> None:
    pty.unplug()
    relay = relay_on(pty)
    strike = relay.strike(1, "fail-secure")
    async with running(relay) as there:
        assert not there
        with pytest.raises(DeviceError):
            await strike.secure()
    assert watch.reasons == [f"{pty.port}: not there; plug the device in, or correct its port"]


@pytest.mark.parametrize(
    ("channel", "lock", "says"),
    [(0, "fail-secure", "use 1 to 16"), (3, "fail-save", "use one of"), (1, "fail-safe", "twice")],
)
def test_a_strike_that_cannot_be_is_refused(
    pty: SimulatedPty, relay_on: Relays, channel: int, lock: str, says: str
) -> None:
    relay = relay_on(pty)
    relay.strike(1, "fail-secure")
    with pytest.raises(ConfigError, match=says):
        relay.strike(channel, lock)


def _no_room(*_: object) -> int:
    raise BlockingIOError


def _fill(pty: SimulatedPty) -> None:
    """Leave no room on the way to the board, with bytes that mean nothing to it."""
    beside = os.open(pty.port, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    room = select.poll()
    room.register(beside, select.POLLOUT)
    full = 0
    while full < 3:  # the kernel moves bytes on meanwhile and so makes room again
        full = 0 if _write_what_goes(beside, 4096) + _write_what_goes(beside, 1) else full + 1
        room.poll(20)
    os.close(beside)


def _write_what_goes(descriptor: int, size: int) -> int:
    written = 0
    with suppress(BlockingIOError):
        while True:
            written += os.write(descriptor, b"\x00" * size)
    return written


# Without the daemon


def test_at_boot_each_strike_is_secured_once(line: Line) -> None:
    board = Board(line)
    secure_at_boot(line.port, 9600, [(1, "fail-secure"), (2, "fail-safe")])
    assert _arrived(board, 2) == [OFF, (2, True)]


async def test_securing_works_while_the_daemon_has_the_port_open(
    pty: SimulatedPty, relay_on: Relays, until: Until
) -> None:
    relay, board = relay_on(pty), Board(pty)
    strike = relay.strike(1, "fail-secure")
    async with running(relay):
        await strike.release()
        await asyncio.to_thread(secure_at_boot, pty.port, 9600, [(1, "fail-secure")])
        await until(lambda: board.settings() == [OFF, ON, OFF])
        assert relay.present


def test_securing_a_missing_board_says_so(pty: SimulatedPty) -> None:
    pty.unplug()
    with pytest.raises(DeviceError, match="not there; plug the device in"):
        secure_at_boot(pty.port, 9600, [(1, "fail-secure")])


def test_securing_a_board_that_takes_no_bytes_does_not_hang(pty: SimulatedPty) -> None:
    _fill(pty)
    with pytest.raises(DeviceError, match="took no bytes in time"):
        secure_at_boot(pty.port, 9600, [(1, "fail-secure")])


def test_the_boot_module_imports_nothing_heavy() -> None:
    heavy = "{'asyncio', 'sqlalchemy', 'argon2', 'cryptography', 'msgspec', 'rich'}"
    code = f"import sys, drivers.lcus_boot; sys.exit(bool({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", code], check=False)
    assert done.returncode == 0


@given(st.integers(1, 16))
def test_the_secure_frame_is_never_a_release(channel: int) -> None:
    assert secure_frame(channel, "fail-secure") == frame(channel, energised=False)
    assert secure_frame(channel, "fail-safe") == frame(channel, energised=True)


def _arrived(board: Board, settings: int) -> list[tuple[int, bool]]:
    """What the board was set to, once that many settings came; loopback takes a moment."""
    for _ in range(100_000):
        if len(board.settings()) >= settings:
            break
    return board.settings()
