"""simulated-inputs: contacts and buttons played by a program at the other end of a serial line.

For demonstrations and tests. A byte a level, as drivers.codecs.input_bytes has it; asked for all
levels each time the link is made. Deliberately not here: boards that exist.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable

from drivers.codecs.input_bytes import ASK, LINES, Debounce, Settled, levels
from drivers.inbox import Newest
from drivers.serial_link import SerialLink
from kioskd.config.model import DeviceConfig
from kioskd.domain.reading import InputChange
from kioskd.errors import ConfigError
from kioskd.ports import Clock, DeviceWatch

_ACTIVE = {"low": False, "high": True}


class SimulatedInputs(SerialLink):
    """A Device that gives an InputLine for each line."""

    def __init__(self, config: DeviceConfig, clock: Clock, watch: DeviceWatch) -> None:
        super().__init__(config, clock, watch)
        self._lines: dict[int, SimulatedLine] = {}
        self._debounce = Debounce()
        self._moved = asyncio.Event()

    def line(self, number: int, active: str = "low") -> "SimulatedLine":
        """A line; active: the level that means closed, or pressed.

        One listener a line: a door that begins anew asks again, and is told how it stands now.
        ConfigError: no such line or level.
        """
        if number not in LINES:
            raise ConfigError([f"{self.name}: line {number}: use {LINES[0]} to {LINES[-1]}"])
        if active not in _ACTIVE:
            raise ConfigError([f"{self.name}: active {active!r}: use {' or '.join(_ACTIVE)}"])
        line = self._lines[number] = SimulatedLine(_ACTIVE[active])
        known = self._debounce.level(number)
        if known is not None:
            self._tell(Settled(number, known, self._clock.monotonic(), first=True))
        return line

    async def run(self) -> None:
        """Hold the link, and tell of lines as they settle, until cancelled."""
        settling = asyncio.create_task(self._settle(), name=f"{self.name} settling")
        try:
            await super().run()
        finally:
            settling.cancel()
            await asyncio.gather(settling, return_exceptions=True)

    def _opened(self) -> Iterable[bytes]:
        self._debounce.forget()
        return (ASK,)

    def _received(self, data: bytes, at: float) -> None:
        for line, high in levels(data):
            self._debounce.saw(line, high, at)
        self._moved.set()

    async def _settle(self) -> None:
        while True:
            due = self._debounce.next_due
            if due == float("inf"):
                self._moved.clear()
                await self._moved.wait()
                continue
            await self._clock.sleep_until(due)
            for settled in self._debounce.settle(self._clock.monotonic()):
                self._tell(settled)

    def _tell(self, settled: Settled) -> None:
        # What was on its way when the device went says nothing of how things are now.
        line = self._lines.get(settled.line)
        if line is not None and self.present:
            active = settled.high is line.active_high
            change = InputChange(self.name, settled.line, active, settled.at, settled.first)
            line.found.put(change)


class SimulatedLine:
    """An InputLine; for one listener."""

    def __init__(self, active_high: bool) -> None:
        self.active_high = active_high
        self.found: Newest[InputChange] = Newest()

    def changes(self) -> AsyncIterator[InputChange]:
        """How the line was found, then each change."""
        return self.found
