"""One reading of all clocks."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """Wall time in UTC, seconds since boot (suspend included), and which boot that was."""

    wall: datetime
    boot: float
    boot_id: str


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds and Z, as rows and exports write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
