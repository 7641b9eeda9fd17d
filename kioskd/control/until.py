"""Until when a card is on a list: a day, through its end, or a time; never for ever.

Pure: the time of now and the zone of the site are given.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kioskd.domain.staff import Which
from kioskd.errors import InputError

# POLICY: entries need an end. The register is who bans, so that its rights of appeal hold.
LONGEST: Final[Mapping[Which, timedelta]] = {
    Which.ALLOW: timedelta(days=366),
    Which.DENY: timedelta(days=14),
}
_WHY: Final[Mapping[Which, str]] = {
    Which.ALLOW: "the allow-list takes at most 366 days; add the card anew then",
    Which.DENY: "the deny-list takes at most 14 days: a ban is the register's business",
}
_YEARS: Final = range(1970, 2201)  # beyond, arithmetic with zones overflows


def until_of(text: str, which: Which, now: datetime, zone: ZoneInfo) -> datetime:
    """The moment from which an entry holds no more, in the zone of the site. InputError.

    A date counts through that local day; a time without an offset is local. The limit goes by
    local days, which have 23 or 25 hours now and then.
    """
    end, local = _end(text, zone), now.astimezone(zone)
    if end.astimezone(UTC) <= now:  # of one zone, times would be compared as on the wall
        raise InputError(f"until: {text} is over; here it is {local:%Y-%m-%d %H:%M}")
    latest = local + LONGEST[which]
    # Naive on purpose: fourteen days are fourteen days over a change of clocks too.
    if end.replace(tzinfo=None) > latest.replace(tzinfo=None):
        last = latest.date() - timedelta(days=1)
        raise InputError(f"until: {_WHY[which]}; {last} is the last day that can be given")
    return end


def _end(text: str, zone: ZoneInfo) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _time(text, zone)
    _check_year(day)
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _time(text: str, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"until: {text!r} is neither a date nor a time; write 2026-11-23 or 2026-11-23T18:00"
        ) from None
    _check_year(at)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(zone)


def _check_year(at: date) -> None:
    if at.year not in _YEARS:
        raise InputError(f"until: the year {at.year} cannot be used")
