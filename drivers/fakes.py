"""Devices, a panel, a watch and a clock that need no hardware. For tests, demos and development.

They keep the same promises as the real ones, under the same contract tests. Deliberately not
here: bytes on a wire; drivers.simulated plays the other end of a real port.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from drivers.inbox import Inbox, Newest
from kioskd.domain.face import Light, Tone
from kioskd.domain.moment import Moment
from kioskd.domain.notice import Shown
from kioskd.domain.reading import InputChange, KeyPress, Scan
from kioskd.errors import DeviceError
from kioskd.ports import Clock, DeviceWatch

MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
_TURNS = 25  # of the loop; enough for a chain of tasks that wake each other


async def settle() -> None:
    """Let every task run that can run without time passing."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class FakeClock:
    """A Clock that stands still until it is told to go on.

    wall: settable at will, as a clock that was set wrong. Monotonic and boot seconds start at
    1000 and never jump, except that `reboot` starts another boot.
    """

    def __init__(self, wall: datetime = MORNING) -> None:
        self.wall = wall
        self.boot = 1000.0
        self.boot_id = "boot-1"
        self._monotonic = 1000.0
        self._ids = count()
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._order = count()

    def moment(self) -> Moment:
        return Moment(self.wall, self.boot, self.boot_id)

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep_until(self, monotonic: float) -> None:
        """Sleep until the clock is advanced that far; a time that has passed only gives way."""
        if monotonic <= self._monotonic:
            await asyncio.sleep(0)
            return
        sleeper = (monotonic, next(self._order), asyncio.Event())
        heapq.heappush(self._sleepers, sleeper)
        try:
            await sleeper[2].wait()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)
                heapq.heapify(self._sleepers)

    def new_id(self) -> str:
        """A UUIDv7 of the fake time; the same sequence in every run."""
        milliseconds = int(self.wall.timestamp() * 1000)
        number = (milliseconds << 80) | (7 << 76) | (2 << 62) | next(self._ids)
        return str(UUID(int=number))

    async def advance(self, seconds: float) -> None:
        """Let time pass: each sleeper wakes at its own time, in order, and runs before the next."""
        end = self._monotonic + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, woken = heapq.heappop(self._sleepers)
            self._move_to(at)
            woken.set()
            await settle()
        self._move_to(end)
        await settle()

    async def jump(self, seconds: float) -> None:
        """Time passes at once, as for a process that was stopped: whoever slept wakes up late."""
        self._move_to(self._monotonic + seconds)
        await self.advance(0)

    def reboot(self, off: timedelta = timedelta(seconds=30)) -> None:
        """Another boot: boot seconds start again, and the wall clock went on meanwhile."""
        self.wall += off
        self.boot = 5.0
        self.boot_id = f"boot-{int(self.boot_id.removeprefix('boot-')) + 1}"

    def _move_to(self, monotonic: float) -> None:
        passed = max(0.0, monotonic - self._monotonic)
        self._monotonic += passed
        self.boot += passed
        self.wall += timedelta(seconds=passed)


class FakeWatch:
    """A DeviceWatch that remembers: ("lost" or "back", device), in order, and the reasons.

    drops: the devices whose links ended, in order, news or not.
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.reasons: list[str] = []
        self.drops: list[str] = []

    def lost(self, device: str, why: str) -> None:
        self.events.append(("lost", device))
        self.reasons.append(why)

    def back(self, device: str) -> None:
        self.events.append(("back", device))

    def dropped(self, device: str) -> None:
        self.drops.append(device)


class FakeDevice:
    """A Device that is plugged in and unplugged by hand."""

    def __init__(
        self, name: str, clock: Clock, watch: DeviceWatch | None = None, *, plugged: bool = True
    ) -> None:
        self._name = name
        self._clock = clock
        self._watch = watch or FakeWatch()
        self._plugged = plugged
        self._running = False
        self._tried = asyncio.Event()
        self._reported_lost = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def present(self) -> bool:
        return self._plugged and self._running

    async def tried(self) -> bool:
        await self._tried.wait()
        return self.present

    async def run(self) -> None:
        """Present while this runs and it is plugged in."""
        self._running = True
        self._tell()
        self._tried.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._running = False

    def unplug(self) -> None:
        self._plugged = False
        self._tell()

    def plug(self) -> None:
        self._plugged = True
        self._tell()

    def _tell(self) -> None:
        if not self._running or self._plugged is not self._reported_lost:
            return
        self._reported_lost = not self._plugged
        if self._plugged:
            self._watch.back(self._name)
        else:
            self._watch.lost(self._name, f"{self._name}: unplugged")
            self._watch.dropped(self._name)


class FakeReader(FakeDevice):
    """A CardReader that scans what it is told."""

    def __init__(
        self, name: str, clock: Clock, watch: DeviceWatch | None = None, *, plugged: bool = True
    ) -> None:
        super().__init__(name, clock, watch, plugged=plugged)
        self._scans: Inbox[Scan] = Inbox()

    def scan(self, text: str) -> None:
        """A patron holds a code before the reader; nothing happens while it is not present."""
        if self.present:
            self._scans.put(Scan(self.name, text, self._clock.monotonic()))

    def scans(self) -> AsyncIterator[Scan]:
        return self._scans


class FakeKeypad(FakeDevice):
    """A Keypad that presses what it is told."""

    def __init__(
        self, name: str, clock: Clock, watch: DeviceWatch | None = None, *, plugged: bool = True
    ) -> None:
        super().__init__(name, clock, watch, plugged=plugged)
        self._presses: Inbox[KeyPress] = Inbox()

    def press(self, keys: str) -> None:
        """Keys of "0123456789#*", one after another; nothing while it is not present."""
        if self.present:
            for key in keys:
                self._presses.put(KeyPress(self.name, key, self._clock.monotonic()))

    def keys(self) -> AsyncIterator[KeyPress]:
        return self._presses


class FakeStrike:
    """A Strike that writes down (monotonic seconds, "on" or "off"): "on" releases the lock.

    absent: as if unplugged; coming back it is secured first, as the port demands.
    failing: present, but no frame gets out.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._absent = False
        self.failing = False
        self.log: list[tuple[float, str]] = []

    @property
    def absent(self) -> bool:
        return self._absent

    @absent.setter
    def absent(self, absent: bool) -> None:
        came_back = self._absent and not absent
        self._absent = absent
        if came_back:
            self._write("off")

    @property
    def commands(self) -> list[str]:
        """The log without its times."""
        return [command for _, command in self.log]

    async def release(self) -> None:
        self._send("on")

    async def secure(self) -> None:
        self._send("off")

    def _send(self, command: str) -> None:
        if self._absent or self.failing:
            raise DeviceError("fake strike: no frame got out; set it present and not failing")
        self._write(command)

    def _write(self, command: str) -> None:
        self.log.append((self._clock.monotonic(), command))


class FakeInputs(FakeDevice):
    """An inputs device whose lines are set by hand; high until then, as with pull-ups.

    While it is not present nothing is told; each line is told as found when it is (back) there.
    """

    def __init__(
        self, name: str, clock: Clock, watch: DeviceWatch | None = None, *, plugged: bool = True
    ) -> None:
        super().__init__(name, clock, watch, plugged=plugged)
        self._lines: dict[int, FakeLine] = {}
        self._high: dict[int, bool] = {}

    def line(self, number: int, active: str = "low") -> "FakeLine":
        """One line, for one listener; active: the level that means closed, or pressed."""
        line = self._lines[number] = FakeLine(active == "high")
        self._put(number, first=True)
        return line

    def set(self, number: int, *, high: bool) -> None:
        """Give a line another level."""
        if self._high.get(number, True) is not high:
            self._high[number] = high
            self._put(number, first=False)

    def _tell(self) -> None:
        super()._tell()
        for number in self._lines:
            self._put(number, first=True)

    def _put(self, number: int, *, first: bool) -> None:
        line = self._lines.get(number)
        if line is not None and self.present:
            active = self._high.get(number, True) is line.active_high
            at = self._clock.monotonic()
            line.found.put(InputChange(self.name, number, active, at, first))


class FakeLine:
    """An InputLine of FakeInputs."""

    def __init__(self, active_high: bool) -> None:
        self.active_high = active_high
        self.found: Newest[InputChange] = Newest()

    def changes(self) -> AsyncIterator[InputChange]:
        return self.found


class FakeSwitch:
    """A Switch that writes down what it was turned to. failing: it takes nothing."""

    def __init__(self) -> None:
        self.turned: list[bool] = []
        self.failing = False

    async def turn(self, *, on: bool) -> None:
        _unless(self.failing, "fake switch")
        self.turned.append(on)


class FakeIndicator:
    """An Indicator that writes down what it showed. failing: it takes nothing."""

    def __init__(self) -> None:
        self.shown: list[tuple[Light, Tone]] = []
        self.failing = False

    async def indicate(self, light: Light, tone: Tone) -> None:
        _unless(self.failing, "fake indicator")
        self.shown.append((light, tone))


class FakeDisplay:
    """A Display that remembers its pages. failing: it takes nothing."""

    def __init__(self, columns: int = 20, rows: int = 4) -> None:
        self._size = (columns, rows)
        self.pages: list[tuple[str, ...]] = []
        self.failing = False

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    async def write(self, lines: Sequence[str]) -> None:
        _unless(self.failing, "fake display")
        self.pages.append(tuple(lines))


def _unless(failing: bool, name: str) -> None:
    if failing:
        raise DeviceError(f"{name}: takes nothing; set failing to False")


class FakePanel:
    """A Panel that remembers what it showed, and when if it was given a clock."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self.shown: list[Shown] = []
        self.times: list[float] = []

    def show(self, shown: Shown) -> None:
        self.shown.append(shown)
        if self._clock is not None:
            self.times.append(self._clock.monotonic())
