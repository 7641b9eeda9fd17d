"""Dates as messages carry them, and as library systems write due dates. Pure.

A due date is free text by the specification; the forms below are those seen on running servers.
Deliberately not here: 07/12/2026, which is December in one country and July in another.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

_ZONES: Final = {"blanks": "    ", "zeros": "0000", "utc": "   Z"}

_DAY: Final = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
_TIME: Final = r"(?:[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?)?"
_ZONE: Final = r"(?: ?(?P<zone>[A-Za-z]{1,4}|[+-]\d\d:?\d\d))?"
_PLAIN_DAY: Final = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
_PLAIN_TIME: Final = r"(?:(?P<zone>.{4})(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d))?"
_FORMS: Final = (
    re.compile(_PLAIN_DAY + _PLAIN_TIME, re.ASCII),  # 20261207    235900
    re.compile(_DAY + _TIME + _ZONE, re.ASCII),  # 2026-12-07 23:59:00 EET, and less of it
    # 7.12.2026: with dots, the day is first everywhere
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", re.ASCII),
)
_LONGEST: Final = 64  # characters; no form has more
_END_OF_DAY: Final = (23, 59, 59)  # a day without a time is due by its end

# Hours ahead of UTC. Words that two countries use for two times (BST, IST) are left out.
_WORDS: Final = {
    "Z": 0,
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "WEST": 1,
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
}
_OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)


def stamp(at: datetime, zone: str, site: str) -> str:
    """The 18 characters of a date. at: aware. zone: blanks | zeros | utc. site: zone's name."""
    place: tzinfo = UTC if zone == "utc" else ZoneInfo(site)
    local = at.astimezone(place)
    return f"{local:%Y%m%d}{_ZONES[zone]}{local:%H%M%S}"


def due(text: str, site: str) -> datetime | None:
    """A due date in the site's zone; None for a form that is not one of ours."""
    if len(text) > _LONGEST:
        return None
    for form in _FORMS:
        found = form.fullmatch(text.strip())
        if found:
            return _moment(found.groupdict(), ZoneInfo(site))
    return None


def day(text: str) -> date | None:
    """The day that a text begins with, YYYYMMDD or YYYY-MM-DD; None for anything else."""
    found = re.match(r"(\d{4})(-?)(\d\d)\2(\d\d)(?!\d)", text.strip(), re.ASCII)
    if not found:
        return None
    try:
        return date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return None


def _moment(parts: dict[str, str | None], site: ZoneInfo) -> datetime | None:
    zone = _zone((parts.get("zone") or "").strip(), site)
    if zone is None:
        return None
    year, month, of_month = (int(parts[name] or 0) for name in ("year", "month", "day"))
    hour, minute, second = _time(parts)
    try:
        said = datetime(year, month, of_month, hour, minute, second, tzinfo=zone)
        return said.astimezone(site)
    except (ValueError, OverflowError):
        return None


def _time(parts: dict[str, str | None]) -> tuple[int, int, int]:
    if parts.get("hour") is None:
        return _END_OF_DAY
    return int(parts["hour"] or 0), int(parts["minute"] or 0), int(parts["second"] or 0)


def _zone(word: str, site: ZoneInfo) -> tzinfo | None:
    if word in ("", "0000"):
        return site
    if word.upper() in _WORDS:
        return timezone(timedelta(hours=_WORDS[word.upper()]))
    found = _OFFSET.fullmatch(word)
    if not found or int(found[2]) > 14:
        return None
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(ahead if found[1] == "+" else -ahead)
