"""What every Device, CardReader and Keypad keeps: real ports over real bytes, and the fakes.

Open, use, unplug, back, garbage, late answer, close.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from drivers.fakes import FakeClock, FakeDevice, FakeInputs, FakeKeypad, FakeReader, FakeWatch
from drivers.inbox import CAPACITY
from drivers.lcus_relay import LcusRelay
from drivers.serial_display import SerialDisplay
from drivers.serial_keypad import SerialKeypad
from drivers.serial_link import READ_SIZE
from drivers.serial_scanner import SerialScanner
from drivers.simulated import SimulatedPty, SimulatedServer, running
from drivers.simulated_inputs import SimulatedInputs
from kioskd.config.model import DeviceConfig
from kioskd.domain.reading import KeyPress, Scan
from kioskd.ports import CardReader, Clock, Device, DeviceWatch, Keypad

Until = Callable[[Callable[[], bool]], Awaitable[None]]
T = TypeVar("T")
CARD = "167A006007"
PATIENCE_SECONDS = 20.0  # only ever spent by a test that fails


class Line(Protocol):
    """The other end of a real port."""

    port: str

    def plug(self) -> None: ...
    def unplug(self) -> None: ...
    def send(self, data: bytes) -> int: ...


class Plug(Protocol):
    """What is pulled out and put back, real or fake."""

    def plug(self) -> None: ...
    def unplug(self) -> None: ...


@dataclass
class Bench:
    """A device, its plug, and who was told."""

    device: Device
    plug: Plug
    watch: FakeWatch


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch()


LINES = ["pty", "tcp"]


def a_line(kind: str, directory: Path) -> SimulatedPty | SimulatedServer:
    return SimulatedPty(directory / "port") if kind == "pty" else SimulatedServer()


@pytest.fixture(params=LINES)
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Line]:
    with a_line(request.param, tmp_path) as found:
        yield found


class Driver(Protocol):
    def __call__(self, config: DeviceConfig, clock: Clock, watch: DeviceWatch) -> Device: ...


DRIVERS: dict[str, Driver] = {
    "scanner": SerialScanner,
    "keypad": SerialKeypad,
    "relay": LcusRelay,
    "inputs": SimulatedInputs,
    "display": SerialDisplay,
}
FAKES: dict[str, type[FakeDevice]] = {
    "fake reader": FakeReader,
    "fake keypad": FakeKeypad,
    "fake inputs": FakeInputs,
}
WIRED = [f"{driver} {kind}" for driver in DRIVERS for kind in LINES]


@pytest.fixture(params=[*WIRED, *FAKES])
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, watch: FakeWatch
) -> Iterator[Bench]:
    if request.param in FAKES:
        fake = FAKES[request.param]("front", clock, watch)
        yield Bench(fake, fake, watch)
        return
    driver, kind = request.param.split()
    with a_line(kind, tmp_path) as line:
        device = DRIVERS[driver](DeviceConfig("front", driver, line.port), clock, watch)
        yield Bench(device, line, watch)


# Every Device


async def test_a_device_that_is_there_is_present_after_one_try(bench: Bench) -> None:
    async with running(bench.device) as there:
        assert there
        assert bench.device.present
    assert bench.watch.events == []


async def test_a_device_that_is_missing_at_the_start_delays_nobody(
    bench: Bench, until: Until
) -> None:
    bench.plug.unplug()
    async with running(bench.device) as there:
        assert not there
        assert bench.watch.events == [("lost", "front")]
        bench.plug.plug()
        await until(lambda: bench.device.present)
    assert bench.watch.events == [("lost", "front"), ("back", "front")]


async def test_unplugged_and_back_three_times(bench: Bench, until: Until) -> None:
    async with running(bench.device):
        for _ in range(3):
            bench.plug.unplug()
            await until(lambda: not bench.device.present)
            bench.plug.plug()
            await until(lambda: bench.device.present)
            # Told a while later where it went again so soon.
            await until(lambda: bench.watch.events[-1] == ("back", "front"))
    assert bench.watch.events == [("lost", "front"), ("back", "front")] * 3
    assert bench.watch.drops == ["front"] * 3


async def test_closing_leaves_nothing_open(bench: Bench) -> None:
    assert not bench.device.present
    before = _open_descriptors()
    async with running(bench.device):
        pass
    assert not bench.device.present
    assert _open_descriptors() == before


async def test_a_device_replaced_behind_its_path_is_noticed(
    tmp_path: Path, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    """The old pseudo-terminal stays open and says nothing: only the path tells."""
    with SimulatedPty(tmp_path / "port") as line:
        scanner = SerialScanner(DeviceConfig("front", "any", line.port), clock, watch)
        async with running(scanner):
            line.plug()
            await until(lambda: watch.events == [("lost", "front"), ("back", "front")])
            line.send(b"167A006007\r")
            assert (await _next(scanner.scans())).text == CARD


# Every CardReader


class ReaderDevice(CardReader, Device, Protocol):
    """What a door needs of a reader."""


@dataclass
class ReaderBench:
    reader: ReaderDevice
    scan: Callable[[str], object]
    plug: Plug


@pytest.fixture(params=[*LINES, "fake"])
def at_reader(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, watch: FakeWatch
) -> Iterator[ReaderBench]:
    if request.param == "fake":
        fake = FakeReader("front", clock, watch)
        yield ReaderBench(fake, fake.scan, fake)
        return
    with a_line(request.param, tmp_path) as line:
        reader = SerialScanner(DeviceConfig("front", "serial-scanner", line.port), clock, watch)
        yield ReaderBench(reader, lambda text: line.send(text.encode() + b"\r"), line)


async def test_a_scan_is_read_with_its_device_and_time(
    at_reader: ReaderBench, clock: FakeClock
) -> None:
    async with running(at_reader.reader):
        await clock.advance(3)
        at_reader.scan(CARD)
        assert await _next(at_reader.reader.scans()) == Scan("front", CARD, clock.monotonic())


async def test_scans_go_on_after_unplugging(at_reader: ReaderBench, until: Until) -> None:
    async with running(at_reader.reader):
        at_reader.plug.unplug()
        await until(lambda: not at_reader.reader.present)
        at_reader.plug.plug()
        await until(lambda: at_reader.reader.present)
        at_reader.scan(CARD)
        assert (await _next(at_reader.reader.scans())).text == CARD


async def test_scans_that_nobody_takes_are_bounded_and_the_first_are_kept(
    at_reader: ReaderBench,
) -> None:
    async with running(at_reader.reader):
        for number in range(CAPACITY + 30):
            at_reader.scan(f"26{number:08}")
        await asyncio.sleep(0.05)  # whatever is still on its way may come
        scans = at_reader.reader.scans()
        got = [(await _next(scans)).text for _ in range(CAPACITY)]
        assert got == [f"26{number:08}" for number in range(CAPACITY)]


# Every Keypad


class KeypadDevice(Keypad, Device, Protocol):
    """What a door needs of a keypad."""


@dataclass
class KeypadBench:
    keypad: KeypadDevice
    press: Callable[[str], object]


@pytest.fixture(params=[*LINES, "fake"])
def at_keypad(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, watch: FakeWatch
) -> Iterator[KeypadBench]:
    if request.param == "fake":
        fake = FakeKeypad("front", clock, watch)
        yield KeypadBench(fake, fake.press)
        return
    with a_line(request.param, tmp_path) as line:
        keypad = SerialKeypad(DeviceConfig("front", "serial-keypad", line.port), clock, watch)
        yield KeypadBench(keypad, lambda keys: line.send(keys.encode()))


async def test_keys_come_one_by_one_in_order(at_keypad: KeypadBench, clock: FakeClock) -> None:
    async with running(at_keypad.keypad):
        at_keypad.press("*12#")
        keys = at_keypad.keypad.keys()
        got = [await _next(keys) for _ in range(4)]
    assert got == [KeyPress("front", key, clock.monotonic()) for key in "*12#"]


async def test_keys_that_nobody_takes_are_bounded(at_keypad: KeypadBench) -> None:
    async with running(at_keypad.keypad):
        at_keypad.press("1" * CAPACITY)
        await asyncio.sleep(0.05)
        at_keypad.press("9")
        await asyncio.sleep(0.05)
        keys = at_keypad.keypad.keys()
        assert {(await _next(keys)).key for _ in range(CAPACITY)} == {"1"}
        at_keypad.press("#")
        assert (await _next(keys)).key == "#"


# Over the wire: garbage and late answers


class Listening(SerialScanner):
    """A scanner that also says how much it has heard, so that a test need not guess."""

    heard = 0
    longest = 0

    def _received(self, data: bytes, at: float) -> None:
        super()._received(data, at)
        self.heard += len(data)
        self.longest = max(self.longest, len(data))


@pytest.fixture
async def listening(line: Line, clock: FakeClock, watch: FakeWatch) -> AsyncIterator[Listening]:
    scanner = Listening(DeviceConfig("front", "serial-scanner", line.port), clock, watch)
    async with running(scanner):
        yield scanner


async def test_a_scan_cut_in_two_by_50_ms_counts(
    listening: Listening, line: Line, clock: FakeClock
) -> None:
    await _pump(line, b"167A00", listening)
    await clock.advance(0.05)
    await _pump(line, b"6007\r", listening)
    assert (await _next(listening.scans())).text == CARD


async def test_a_scan_cut_off_is_forgotten_after_its_idle_time_out(
    listening: Listening, line: Line, clock: FakeClock
) -> None:
    await _pump(line, b"167A00", listening)
    await clock.advance(0.25)
    await _pump(line, b"167A006007\r", listening)
    assert (await _next(listening.scans())).text == CARD


async def test_a_half_scan_does_not_outlive_its_link(
    listening: Listening, line: Line, until: Until
) -> None:
    await _pump(line, b"167A00", listening)
    line.unplug()
    await until(lambda: not listening.present)
    line.plug()
    await until(lambda: listening.present)
    await _pump(line, b"6007\r", listening)
    assert (await _next(listening.scans())).text == "6007"


async def test_a_megabyte_of_garbage_comes_in_small_turns_and_the_next_scan_is_read(
    listening: Listening, line: Line, watch: FakeWatch
) -> None:
    await _pump(line, b"\xff\x00A1" * (1 << 18), listening)
    assert listening.longest <= READ_SIZE
    await _pump(line, b"\r167A006007\r", listening)
    assert (await _next(listening.scans())).text == CARD
    assert watch.events == []


async def _next(items: AsyncIterator[T]) -> T:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await anext(items)


async def _pump(line: Line, data: bytes, listening: Listening) -> None:
    """Send all of it, and wait until it was heard."""
    goal = listening.heard + len(data)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while listening.heard < goal:
            data = data[line.send(data) :] if data else data
            await asyncio.sleep(0)


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
