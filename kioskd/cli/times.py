"""Times and dates as options name them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from kioskd.errors import InputError

# No journal is older and no schedule reaches further; beyond, arithmetic with zones overflows.
FIRST_YEAR, LAST_YEAR = 1970, 2200


def instant(text: str, zone: str) -> datetime:
    """An ISO 8601 time; without an offset in the site's zone. InputError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{text!r} is no time; write it as 2026-11-23T18:00 or 2026-11-23T16:00Z"
        ) from None
    _check_year(text, at.year)
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))


def day(text: str) -> date:
    """An ISO 8601 date. InputError."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no date; write it as 2026-11-23") from None
    _check_year(text, found.year)
    return found


def _check_year(text: str, year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InputError(f"{text!r} is out of range; years {FIRST_YEAR} to {LAST_YEAR} can be used")
