"""Keeps a contact that bounces from filling the journal.

A burst of rows is written as it comes, then one every few seconds. What is left out is counted in
the next row of its kind, and the newest of each kind is written as soon as there is room again, so
the journal ends with how the door stands.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kioskd.domain.record import NO_DETAIL, Kind

log = logging.getLogger("kioskd.entry")
BURST = 40  # rows at once; a class that goes in by one grant each makes two rows a person
EVERY_SECONDS = 5.0  # then one row: 17,280 a day at most, some 6 MB


@dataclass(slots=True)
class RowLimit:
    """Rows of one door. write: takes a kind and its detail. Times are monotonic seconds."""

    door: str
    write: Callable[[Kind, Mapping[str, object]], None]
    _room: float = BURST
    _at: float = float("-inf")
    _waiting: dict[Kind, tuple[Mapping[str, object], int]] = field(default_factory=dict)

    def note(self, kind: Kind, now: float, detail: Mapping[str, object] = NO_DETAIL) -> None:
        """Write it now, or let it wait for the next of its kind."""
        self.beat(now)
        if self._room >= 1:  # then nothing waits
            self._room -= 1
            self.write(kind, detail)
            return
        if not self._waiting:
            log.warning("door.flapping", extra={"door": self.door, "why": "see to its contact"})
        _, left_out = self._waiting.pop(kind, (NO_DETAIL, -1))
        self._waiting[kind] = (detail, left_out + 1)  # the newest kind stands last

    def beat(self, now: float) -> None:
        """Write what waits, as far as there is room."""
        self._room = min(BURST, self._room + max(0.0, now - self._at) / EVERY_SECONDS)
        self._at = now
        while self._waiting and self._room >= 1:
            kind = next(iter(self._waiting))
            detail, left_out = self._waiting.pop(kind)
            self._room -= 1
            self.write(kind, {**detail, "left_out": left_out} if left_out else detail)
