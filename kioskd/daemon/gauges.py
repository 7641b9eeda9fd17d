"""What is counted and remembered along the way, so that a look at the site costs little.

Deliberately not here: the look itself (overview), and what is made of it (kioskd.health).
"""

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from kioskd.daemon.last_resort import done_within
from kioskd.domain.record import Record
from kioskd.health.alerts import Disk
from kioskd.health.metrics import Tally
from kioskd.health.ticks import LoopLag, Ticks
from kioskd.health.writing import Writing
from kioskd.ports import Clock, DeviceWatch

DISK_SECONDS: Final = 2.0  # a file system that takes longer to be asked is ill


class DeviceNews(DeviceWatch):
    """Hands on which devices go and come back, and remembers since when and why."""

    def __init__(self, then: DeviceWatch, clock: Clock) -> None:
        self._then = then
        self._clock = clock
        self._begun = clock.moment().wall
        self._last: dict[str, tuple[datetime, str]] = {}

    def lost(self, device: str, why: str) -> None:
        """A device is gone."""
        self._last[device] = (self._clock.moment().wall, why)
        self._then.lost(device, why)

    def back(self, device: str) -> None:
        """A device is there."""
        self._last[device] = (self._clock.moment().wall, "")
        self._then.back(device)

    def dropped(self, device: str) -> None:
        """Its link ended, which is no news by itself."""
        self._then.dropped(device)

    def since(self, device: str) -> tuple[datetime, str]:
        """Since when it is as it is (the start, where nothing happened), and why it is gone."""
        return self._last.get(device, (self._begun, ""))


class DiskGauge:
    """Asks for the room on a file system. A disk that hangs is asked once, not again and again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._asking = False
        self._found: Disk | None = None

    async def look(self) -> Disk | None:
        """Its room; None when it cannot be asked or does not answer."""
        if self._asking:
            return None
        self._asking = True
        return self._found if await done_within(DISK_SECONDS, self._ask) else None

    def _ask(self) -> None:
        try:
            self._found = disk_of(self._directory)
        finally:
            self._asking = False


def disk_of(directory: Path) -> Disk | None:
    """A directory's file system; blocking. None when it cannot be asked."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return Disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


@dataclass(slots=True)
class Gauges:
    """What is counted along the way, for one daemon. since: its start, monotonic seconds."""

    since: float
    ticks: Ticks
    lag: LoopLag
    writing: Writing
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def begun(cls, clock: Clock) -> "Gauges":
        """Nothing counted yet."""
        now = clock.monotonic
        return cls(now(), Ticks(now), LoopLag(now), Writing(now))

    def happened(self, record: Record) -> None:
        """A row that is about to be written."""
        self.writing.happened(record)
        self.tally.observe(record)
