"""The words of the demo's library over SIP2: dates, flags, amounts, statuses. Pure.

Deliberately not here: which message says which of them (patron_desk, loan_desk).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sync.demo_ils.catalogue import CURRENCY, FREE, Lending
from sync.demo_ils.outcomes import ItemView, PatronView, Place, Why

Now = Callable[[], datetime]
_STATUS_WIDTH: Final = 14
_UTC: Final = "   Z"
# circulation_status of 18 [spec]
_STATUS: Final[Mapping[Place, str]] = {
    Place.SHELF: "03",
    Place.LOAN: "04",
    Place.HOLD_SHELF: "08",
    Place.TRANSIT: "10",
    Place.LOST: "12",
}
_OTHER: Final = "01"  # for a reference book
# Position of `summary` in 63 -> the list of 64 that it asks for
_LISTS: Final = ("ready", "overdue", "loans", "", "", "queued")


def stamp(at: datetime) -> str:
    """A date of 18 characters, local time."""
    return f"{at:%Y%m%d}    {at:%H%M%S}"


def moment(text: str, now: datetime) -> datetime | None:
    """What such a date says, in the zone of `now`; None when it says none."""
    try:
        bare = datetime.strptime(text[:8] + text[12:], "%Y%m%d%H%M%S")  # noqa: DTZ007 - below
    except ValueError:
        return None
    if text[8:12] == _UTC:
        return bare.replace(tzinfo=UTC).astimezone(now.tzinfo)
    return bare.replace(tzinfo=now.tzinfo)


def yes(true: bool) -> str:
    """Y or N."""
    return "Y" if true else "N"


def patron_status(view: PatronView) -> str:
    """Fourteen flags; a blank is one that is not set."""
    return "".join("Y" if at in view.flags else " " for at in range(_STATUS_WIDTH))


def pin_right(view: PatronView) -> str | None:
    """CQ; None where no PIN was given."""
    return None if view.pin_right is None else yes(view.pin_right)


def item_status(view: ItemView) -> str:
    """Circulation status."""
    if view.place is Place.SHELF and view.item.lending is Lending.REFERENCE:
        return _OTHER
    return _STATUS[view.place]


def amount(text: str) -> Decimal:
    """What an amount of money says; 0 when it says none."""
    try:
        said = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return said if said.is_finite() else Decimal(0)


def money(value: Decimal) -> str:
    """An amount with its cents."""
    return f"{value:.2f}"


def price(value: Decimal) -> dict[str, Any]:
    """BH and BV of a message; neither where it costs nothing."""
    return {"currency_type": CURRENCY, "fee_amount": money(value)} if value > FREE else {}


def told(why: Why) -> tuple[str, ...]:
    """AF."""
    return (why.value,) if why.value else ()


def asked_list(
    view: PatronView, summary: str, start: str | None, end: str | None
) -> tuple[str, tuple[str, ...]]:
    """The name of the list that `summary` asks for, and of its items those from start to end.

    start, end: from 1; the whole list where they are missing.
    """
    at = summary.find("Y")
    name = _LISTS[at] if 0 <= at < len(_LISTS) else ""
    items: Sequence[str] = getattr(view, name) if name else ()
    first = int(start) if start and start.isdecimal() else 1
    last = int(end) if end and end.isdecimal() else len(items)
    return name, tuple(items[max(first - 1, 0) : last])
