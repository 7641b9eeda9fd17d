"""Times and dates as options name them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from kioskd.errors import InputError


def instant(text: str, zone: str) -> datetime:
    """An ISO 8601 time; without an offset in the site's zone. InputError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{text!r} is no time; write it as 2026-11-23T18:00 or 2026-11-23T16:00Z"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))


def day(text: str) -> date:
    """An ISO 8601 date. InputError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no date; write it as 2026-11-23") from None
