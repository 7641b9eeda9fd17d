"""What one hub takes in at most: bodies in memory, rows of one device, a disk that fills.

    with budget.holding("door-1") as held:      held.grow(len(piece))
    await intake.check("door-1", rows, size)    Refused when it is too much

A device that was away brings a whole journal at once, and a stolen token must not fill the disk:
each device may send BURST rows in one go and PER_SECOND after that, counted by each hub alone.

Deliberately not here: connections (sockets), and guessing (slowing).
"""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from kioskd.errors import StoreFull
from sync.hub.database import Database
from sync.hub.problems import RETRY_SECONDS, Refused
from sync.hub_wire import MAX_BODY

BODIES: Final = 64 * 1024 * 1024  # bytes of all bodies in hand
BODIES_EACH: Final = 2 * MAX_BODY  # of one device; and of all who join, together
BURST: Final = 200_000  # rows: two journals that nobody had fetched
PER_SECOND: Final = 200.0
ROW: Final = 1024  # bytes of a body that count as a row at least
RESERVE: Final = 256 * 1024 * 1024  # bytes of disk that housekeeping and imports need
_TENTH: Final = 10  # of a small disk the reserve is this part


class Budget:
    """Memory for bodies, shared by all requests; a part of it for each device."""

    def __init__(self, most: int = BODIES, each: int = BODIES_EACH) -> None:
        self._most = most
        self._each = each
        self._held: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Bytes in hand."""
        return self._held.total()

    @contextlib.contextmanager
    def holding(self, owner: str) -> Iterator["Held"]:
        """Room for one body, given back with the block. owner: empty for all without a token."""
        held = Held(self, owner)
        try:
            yield held
        finally:
            self._held[owner] -= held.size
            if not self._held[owner]:
                del self._held[owner]

    def take(self, owner: str, size: int) -> None:
        """Refused (503) when there is no room for so much more."""
        if self._held[owner] + size > self._each or self.held + size > self._most:
            raise Refused(503, "too many bodies at once", retry_after=RETRY_SECONDS)
        self._held[owner] += size


class Held:
    """What one body takes of the budget."""

    def __init__(self, budget: Budget, owner: str) -> None:
        self._budget = budget
        self._owner = owner
        self.size = 0

    def grow(self, size: int) -> None:
        """So many bytes more; Refused (503): no room for them."""
        self._budget.take(self._owner, size)
        self.size += size


@dataclass(frozen=True, slots=True)
class Allowed:
    """Rows of one device: in one go, and each second after that."""

    burst: int = BURST
    per_second: float = PER_SECOND


class Intake:
    """Lets rows of devices in. clock: seconds, of any beginning."""

    def __init__(
        self,
        database: Database,
        allowed: Allowed | None = None,
        *,
        reserve: int = RESERVE,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._file = file_of(database)
        self._allowed = allowed or Allowed()
        self._reserve = reserve
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}  # rows, as of when; of devices that exist

    async def check(self, device: str, rows: int, size: int) -> None:
        """Take so many rows of `size` bytes. Refused (429): later; StoreFull: no disk for them."""
        if self._file is not None:
            await asyncio.to_thread(check_disk, self._file, self._reserve)
        cost = max(rows, -(-size // ROW))
        wait = self._take(device, cost)
        if wait:
            raise Refused(429, "this device sent very many rows; more later", retry_after=wait)

    def _take(self, device: str, cost: int) -> float:
        """How long it is to wait; 0.0: they were taken."""
        now, most = self._clock(), float(self._allowed.burst)
        left, at = self._left.get(device, (most, now))
        left = min(most, left + (now - at) * self._allowed.per_second)
        # What is more than a whole bucket would wait for ever.
        short = min(cost, most) - left
        self._left[device] = (left if short > 0 else max(0.0, left - cost)), now
        return short / self._allowed.per_second if short > 0 else 0.0


def file_of(database: Database) -> Path | None:
    """The file of a SQLite database; None where the disk is another machine's."""
    name = database.engine.url.database
    return None if database.is_postgresql or not name else Path(name)


def check_disk(file: Path, reserve: int) -> None:
    """StoreFull when less than `reserve` bytes, or a tenth of a small disk, are free there."""
    try:
        seen = os.statvfs(file.parent)
    except OSError:
        return  # the database will say what is wrong
    free, whole = seen.f_bavail * seen.f_frsize, seen.f_blocks * seen.f_frsize
    if free < min(reserve, whole // _TENTH):
        raise StoreFull(f"{file}: {free >> 20} MB are free; rows of devices wait, make room there")
