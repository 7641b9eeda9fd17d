"""Lines of contacts and buttons: settled, told as found, told again when the device is back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.input_bytes import ASK, LINES, SETTLE_SECONDS, Debounce, Settled, levels
from drivers.fakes import FakeClock, FakeDisplay, FakeIndicator, FakeInputs, FakeSwitch, FakeWatch
from drivers.inbox import CAPACITY
from drivers.simulated import SimulatedPty, SimulatedServer, running
from drivers.simulated_inputs import SimulatedInputs
from kioskd.config.model import DeviceConfig
from kioskd.domain.face import Light, Tone
from kioskd.domain.reading import InputChange
from kioskd.errors import ConfigError, DeviceError
from kioskd.ports import Device, InputLine

Until = Callable[[Callable[[], bool]], Awaitable[None]]
PATIENCE_SECONDS = 20.0  # only ever spent by a test that fails
CONTACT, BUTTON = 1, 16


class InputsDevice(Device, Protocol):
    """What a door needs of an inputs device."""

    def line(self, number: int, active: str = "low") -> InputLine: ...


class Plug(Protocol):
    """What is pulled out and put back."""

    def plug(self) -> None: ...
    def unplug(self) -> None: ...


class Board:
    """The other end: answers what it is asked, and tells each change."""

    def __init__(self, line: SimulatedPty | SimulatedServer) -> None:
        self.line = line
        self.high = dict.fromkeys(LINES, True)
        self.asked = 0

    def answer(self) -> None:
        """Answer each question that has come since."""
        for _ in range(self.line.received().count(ASK)):
            self.asked += 1
            self.line.send(b"".join(self._byte(n) for n in LINES))

    def was_asked(self) -> bool:
        self.answer()
        return self.asked > 0

    def set(self, number: int, *, high: bool) -> None:
        self.high[number] = high
        self.line.send(self._byte(number))

    def _byte(self, number: int) -> bytes:
        return bytes([(ord("A") if self.high[number] else ord("a")) + number - 1])


@dataclass
class Bench:
    """An inputs device, its plug, and how its lines are moved."""

    device: InputsDevice
    plug: Plug
    set: Callable[..., None]
    answer: Callable[[], None]
    clock: FakeClock
    until: Until

    async def next(self, line: InputLine) -> InputChange:
        """The next change, while time goes on and the board answers."""
        got = asyncio.ensure_future(anext(aiter(line.changes())))

        def came() -> bool:
            self.answer()
            return got.done()

        await self.until(came)
        return got.result()


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch()


@pytest.fixture(params=["pty", "tcp", "fake"])
def bench(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: FakeClock,
    watch: FakeWatch,
    until: Until,
) -> Iterator[Bench]:
    if request.param == "fake":
        fake = FakeInputs("lines", clock, watch)
        yield Bench(fake, fake, fake.set, lambda: None, clock, until)
        return
    line = SimulatedPty(tmp_path / "port") if request.param == "pty" else SimulatedServer()
    with line:
        board = Board(line)
        config = DeviceConfig("lines", "simulated-inputs", line.port)
        device = SimulatedInputs(config, clock, watch)
        yield Bench(device, line, board.set, board.answer, clock, until)


# Every inputs device


async def test_a_line_is_told_as_it_was_found_and_then_as_it_moves(bench: Bench) -> None:
    contact = bench.device.line(CONTACT, "low")
    bench.set(CONTACT, high=False)
    async with running(bench.device):
        found = await bench.next(contact)
        assert (found.device, found.line, found.active, found.first) == ("lines", 1, True, True)
        for high in (True, False):
            bench.set(CONTACT, high=high)
            change = await bench.next(contact)
            assert (change.active, change.first) == (not high, False)
        assert change.at <= bench.clock.monotonic()


async def test_active_is_what_the_wiring_says(bench: Bench) -> None:
    low, high = bench.device.line(CONTACT, "low"), bench.device.line(BUTTON, "high")
    async with running(bench.device):
        assert [(await bench.next(line)).active for line in (low, high)] == [False, True]
        bench.set(BUTTON, high=False)
        assert not (await bench.next(high)).active


async def test_a_device_that_comes_back_tells_how_it_finds_its_lines(
    bench: Bench, watch: FakeWatch
) -> None:
    contact = bench.device.line(CONTACT, "low")
    async with running(bench.device):
        first = await bench.next(contact)
        bench.plug.unplug()
        await bench.until(lambda: not bench.device.present)
        bench.plug.plug()
        again = await bench.next(contact)
    assert [first.first, again.first] == [True, True]
    assert watch.events == [("lost", "lines"), ("back", "lines")]


async def test_of_changes_that_nobody_takes_the_newest_are_kept(bench: Bench) -> None:
    contact = bench.device.line(CONTACT, "low")
    async with running(bench.device):
        await bench.next(contact)
        for number in range(2 * CAPACITY + 1):
            bench.set(CONTACT, high=bool(number % 2))
            await asyncio.sleep(0.002)
            await bench.clock.advance(SETTLE_SECONDS)
        got = [await bench.next(contact) for _ in range(CAPACITY)]
        assert got[-1].active


async def test_a_door_that_begins_anew_is_told_how_its_line_stands(bench: Bench) -> None:
    before = bench.device.line(CONTACT, "low")
    bench.set(CONTACT, high=False)
    async with running(bench.device):
        await bench.next(before)
        change = await bench.next(bench.device.line(CONTACT, "high"))
    assert (change.line, change.active, change.first) == (CONTACT, False, True)


# simulated-inputs


@pytest.fixture
async def wired(
    tmp_path: Path, clock: FakeClock, watch: FakeWatch
) -> AsyncIterator[tuple[SimulatedInputs, Board]]:
    with SimulatedPty(tmp_path / "port") as line:
        config = DeviceConfig("lines", "simulated-inputs", line.port)
        yield SimulatedInputs(config, clock, watch), Board(line)


async def test_a_board_is_asked_once_a_link(
    wired: tuple[SimulatedInputs, Board], until: Until
) -> None:
    inputs, board = wired
    async with running(inputs):
        for _ in range(2):
            await until(lambda: inputs.present)
            await until(board.was_asked)
            assert board.asked == 1
            board.asked = 0
            board.line.unplug()
            await until(lambda: not inputs.present)
            board.line.plug()


async def test_what_settles_after_the_device_went_is_not_told(
    wired: tuple[SimulatedInputs, Board], clock: FakeClock, until: Until
) -> None:
    inputs, board = wired
    board.line.unplug()
    contact = inputs.line(CONTACT)
    async with running(inputs):
        inputs._received(b"a", clock.monotonic())
        await clock.advance(1)
        assert inputs._debounce.level(CONTACT) is False
        assert contact.found._queue.empty()


async def test_lines_that_no_door_uses_and_noise_are_dropped(
    wired: tuple[SimulatedInputs, Board], clock: FakeClock, until: Until
) -> None:
    inputs, board = wired
    contact = inputs.line(CONTACT)
    async with running(inputs):
        board.line.send(b"\xff\x00?Bcd 01\x1b[2Ja")
        await until(lambda: not contact.found._queue.empty())
        assert (await anext(contact.changes())).active
        assert contact.found._queue.empty()


def test_a_line_that_cannot_be_is_refused_with_the_way_out(clock: FakeClock) -> None:
    inputs = SimulatedInputs(
        DeviceConfig("lines", "simulated-inputs", "/dev/none"), clock, FakeWatch()
    )
    for number, active, way_out in (
        (0, "low", "use 1 to 16"),
        (17, "low", "use 1 to 16"),
        (1, "up", "use low or high"),
    ):
        with pytest.raises(ConfigError, match=f"lines.*{way_out}"):
            inputs.line(number, active)


# The codec


@given(st.binary(max_size=200))
def test_any_bytes_are_levels_of_lines_or_nothing(data: bytes) -> None:
    found = levels(data)
    assert all(line in LINES for line, _ in found)
    assert len(found) == sum(byte in b"ABCDEFGHIJKLMNOPabcdefghijklmnop" for byte in data)


def test_each_byte_is_one_level() -> None:
    assert levels(b"Aap?P") == [(1, True), (1, False), (16, False), (16, True)]


def test_a_bounce_is_no_change_and_the_first_edge_is_its_time() -> None:
    debounce = Debounce()
    debounce.saw(1, True, 0.0)
    assert debounce.next_due == SETTLE_SECONDS
    assert debounce.settle(SETTLE_SECONDS) == [Settled(1, True, 0.0, first=True)]
    for at, high in ((1.0, False), (1.01, True), (1.02, False)):
        debounce.saw(1, high, at)
    assert debounce.settle(1.04) == []
    assert debounce.settle(1.05) == [Settled(1, False, 1.02, first=False)]
    debounce.saw(1, True, 2.0)
    debounce.saw(1, False, 2.02)
    assert debounce.next_due == float("inf")
    debounce.forget()
    debounce.saw(1, False, 3.0)
    assert debounce.settle(4.0) == [Settled(1, False, 3.0, first=True)]


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.booleans(), st.floats(0, 0.1)), min_size=1, max_size=60
    )
)
def test_a_line_settles_on_what_it_was_told_last_and_never_twice_on_the_same(
    told: list[tuple[int, bool, float]],
) -> None:
    debounce, now, last = Debounce(), 0.0, dict[int, bool]()
    settled: list[Settled] = []
    for line, high, later in told:
        now += later
        settled += debounce.settle(now)
        debounce.saw(line, high, now)
        last[line] = high
    settled += debounce.settle(now + 1)
    assert debounce.next_due == float("inf")
    for line, high in last.items():
        found = [s for s in settled if s.line == line]
        assert found[-1].high is high
        assert [s.first for s in found] == [True] + [False] * (len(found) - 1)
        assert all(a.high is not b.high for a, b in pairwise(found))


# The other fakes


async def test_fakes_of_what_a_door_shows_write_down_what_they_took() -> None:
    switch, indicator, display = FakeSwitch(), FakeIndicator(), FakeDisplay()
    assert display.size == (20, 4)
    await switch.turn(on=True)
    await indicator.indicate(Light.GREEN, Tone.GRANTED)
    await display.write(["a", "b"])
    switch.failing = indicator.failing = display.failing = True
    off = indicator.indicate(Light.OFF, Tone.NONE)
    for work in (switch.turn(on=False), off, display.write([])):
        with pytest.raises(DeviceError, match="failing"):
            await work
    assert (switch.turned, indicator.shown) == ([True], [(Light.GREEN, Tone.GRANTED)])
    assert display.pages == [("a", "b")]
