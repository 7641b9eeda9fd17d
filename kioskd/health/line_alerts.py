"""When the line to the hub is something for staff: conditions of alerts, pure.

That it is down is none for a day: libraries have storms and excavators, and doors go on. The
alerts for an old feed say it then.

Deliberately not here: the rules' names and words (alerts).
"""

from datetime import datetime, timedelta
from typing import Final

from kioskd.domain.line import LineView

UNDELIVERED: Final = timedelta(days=7)  # SECURITY: "alert from day 7"
CERTIFICATE_DAYS: Final = 14
SKEW_SECONDS: Final = 60.0


def refused(line: LineView | None) -> bool:
    """The hub does not take this device's token."""
    return line is not None and line.refused


def undelivered(line: LineView | None, now: datetime, raised: bool) -> bool:
    """Events have waited for a week."""
    if line is None or not line.waiting:
        return False
    if line.up:
        return False
    return raised if line.pulled is None else now - line.pulled > UNDELIVERED


def rejected(line: LineView | None) -> bool:
    """The hub has refused events for good."""
    return line is not None and line.dead > 0


def certificate_ends(line: LineView | None) -> bool:
    """The hub's certificate ends soon."""
    days = line.certificate_days if line is not None else None
    return days is not None and days < CERTIFICATE_DAYS


def skewed(line: LineView | None) -> bool:
    """This clock and the hub's differ."""
    skew = line.skew_seconds if line is not None else None
    return skew is not None and abs(skew) > SKEW_SECONDS


def not_in_force(line: LineView | None) -> bool:
    """What the hub published cannot be put into force here."""
    return line is not None and bool(line.config_why)


def held(line: LineView | None) -> bool:
    """The cache was dropped and nobody is let in."""
    return line is not None and line.held
