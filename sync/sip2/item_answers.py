"""What 12, 30, 10, 66 and 18 say of items, and 64 of a patron's lists. Pure.

A refusal comes out as REFUSED, or as a fee that nobody agreed to yet; why it was refused is not in
these answers (whys). Deliberately not here: the patron of a reservation (CY, DA).
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from kioskd.domain.ils import Hold, Lent, Refusal, RenewedAll, Returned
from kioskd.errors import RegisterError
from sync.sip2.dates import due
from sync.sip2.dialect import Dialect
from sync.sip2.fields import (
    clean,
    code,
    done,
    has_owner,
    is_answer,
    is_for_card,
    is_for_item,
    message,
    money,
    same,
    text,
)
from sync.sip2.messages import Message
from sync.sip2.requests import Summary
from sync.sip2.settings import SipSettings

MOST_LISTED: Final = 500  # entries of one list; no patron has as many

# circulation_status of 18. Recalled (07), claimed returned, lost and missing (11 to 13) are in
# none: some systems say so of an item that is still on somebody's account.
_WITH_THE_LIBRARY: Final = frozenset({"03", "06", "08", "09", "10"})
_SHELVED: Final = frozenset({"03", "09"})
_HOLD_SHELF: Final = "08"
# What servers say, without a title, of an item that they do not know.
_NO_SUCH_ITEM: Final = frozenset({"00", "01", "13"})

_LISTS: Final = {
    Summary.HOLDS: ("AS", "hold_items_count"),
    Summary.CHARGED: ("AU", "charged_items_count"),
    Summary.UNAVAILABLE: ("CD", "unavailable_holds_count"),
}


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What an 18 says. status: circulation_status, of two digits."""

    known: bool
    status: str
    title: str = ""
    due: datetime | None = None
    due_text: str = ""
    location: str = ""
    pickup_until: str = ""
    queue: int | None = 0  # how many wait for it; None: said, and not to be read

    @property
    def with_library(self) -> bool:
        """Nobody has it on loan, without a doubt."""
        return not self.known or self.status in _WITH_THE_LIBRARY

    @property
    def as_returned(self) -> bool:
        """It stands as a return at its own branch leaves it."""
        return self.status == _HOLD_SHELF or (self.status in _SHELVED and self.queue == 0)


@dataclass(frozen=True, slots=True)
class Listed:
    """One list of a 64, of MOST_LISTED at most. whole: it has as many as the answer counts."""

    items: tuple[str, ...]
    whole: bool

    def has(self, item: str) -> bool:
        """Whether this number stands in it."""
        return any(same(item, one) for one in self.items)


def lent(request: Message, answer: Message, settings: SipSettings) -> Lent:
    """A 12 to an 11, a 30 to a 29. RegisterError: it is no answer to it, or names no item."""
    renewal = request.code == "29"
    is_answer(answer, "30" if renewal else "12")
    is_for_item(request, answer)
    is_for_card(request, answer, settings.dialect)
    ok, fee = done(answer), money(answer)
    return Lent(
        item=request.first("AB") or "",
        refused=None if ok else _refusal(request, fee is not None),
        title=text(answer, "AJ"),
        due=_due(answer, settings) if ok else None,
        due_text=text(answer, "AH") if ok else "",
        renewed=ok and (renewal or answer.fixed["renewal_ok"] == "Y"),
        security_off=ok and answer.fixed["desensitize"] == "Y",
        fee=fee,
        media=code(answer, "CK"),
        message=message(answer, settings.dialect),
    )


def returned(request: Message, answer: Message, dialect: Dialect) -> Returned:
    """A 10 to a 09. Where it goes is said of a refused item too. RegisterError as above."""
    is_answer(answer, "10")
    is_for_item(request, answer)
    ok = done(answer)
    hold, destination = _route(request, answer, dialect)
    return Returned(
        item=request.first("AB") or "",
        refused=None if ok else Refusal.REFUSED,
        title=text(answer, "AJ"),
        hold=hold,
        destination=destination,
        sort_bin=code(answer, "CL"),
        security_on=ok and answer.fixed["resensitize"] == "Y",
        media=code(answer, "CK"),
        message=message(answer, dialect),
    )


def renewed_all(request: Message, answer: Message, dialect: Dialect) -> RenewedAll:
    """A 66 to a 65. Refused only where it names no item: else each item tells."""
    is_answer(answer, "66")
    is_for_card(request, answer, dialect)
    yes, no = (_numbers(answer, field)[:MOST_LISTED] for field in ("BM", "BN"))
    told = done(answer) or yes or no
    return RenewedAll(yes, no, None if told else Refusal.REFUSED, message=message(answer, dialect))


def item_facts(request: Message, answer: Message, settings: SipSettings) -> ItemFacts:
    """An 18 to a 17. RegisterError as above."""
    is_answer(answer, "18")
    is_for_item(request, answer)
    status, title = answer.fixed["circulation_status"], text(answer, "AJ")
    return ItemFacts(
        known=bool(title) or status not in _NO_SUCH_ITEM,
        status=status,
        title=title,
        due=_due(answer, settings),
        due_text=text(answer, "AH"),
        location=text(answer, "AP"),
        pickup_until=_until(answer, settings),
        queue=_queue(answer),
    )


def listed(request: Message, answer: Message, kind: Summary, dialect: Dialect) -> Listed:
    """One list of the 64 to a 63 that asked for it. RegisterError: no answer, or no such card."""
    is_answer(answer, "64")
    is_for_card(request, answer, dialect)
    has_owner(answer, dialect)
    if "Y" not in answer.every("BL"):
        raise RegisterError("the library system does not know the card")
    field, count = _LISTS[kind]
    items, counted = _numbers(answer, field), answer.fixed[count].strip()
    whole = counted.isascii() and counted.isdigit() and int(counted) == len(items)
    return Listed(items[:MOST_LISTED], whole and len(items) <= MOST_LISTED)


def _due(answer: Message, settings: SipSettings) -> datetime | None:
    # As it came: cleaning takes the blanks that tell a zone from a time.
    return due(answer.first("AH") or "", settings.timezone)


def _until(answer: Message, settings: SipSettings) -> str:
    """The day until which a reservation waits: ISO where it can be read, else as it came."""
    until = due(answer.first("CM") or "", settings.timezone)
    return until.date().isoformat() if until else text(answer, "CM")


def _queue(answer: Message) -> int | None:
    said = [length for value in answer.every("CF") if (length := value.strip())]
    if not all(length.isascii() and length.isdigit() and len(length) <= 4 for length in said):
        return None
    return max(map(int, said), default=0)


def _refusal(request: Message, costs: bool) -> Refusal:
    asked = costs and "Y" not in request.every("BO")
    return Refusal.FEE_UNCONFIRMED if asked else Refusal.REFUSED


def _numbers(answer: Message, field: str) -> tuple[str, ...]:
    said = (number for value in answer.every(field) if (number := clean(value)))
    return tuple(islice(said, MOST_LISTED + 1))


def _route(request: Message, answer: Message, dialect: Dialect) -> tuple[Hold, str]:
    """What awaits the item, and the branch that it goes to.

    CV and CT before the alert, which some sites switch off.
    """
    here, goes_to = request.first("AP") or "", text(answer, "CT")
    kind = code(answer, "CV")
    elsewhere = goes_to if goes_to and not same(goes_to, here) else ""
    if kind:
        hold = dialect.holds.get(kind, Hold.OTHER)
        if hold is Hold.NONE and elsewhere:
            return Hold.TRANSFER, elsewhere
        return hold, goes_to or _home(answer, here, dialect, hold)
    if elsewhere:
        return Hold.TRANSFER, elsewhere
    if answer.fixed["alert"] != "Y":
        return Hold.NONE, ""
    home = _home(answer, here, dialect, Hold.TRANSFER)
    return (Hold.TRANSFER, home) if home else (Hold.OTHER, "")


def _home(answer: Message, here: str, dialect: Dialect, hold: Hold) -> str:
    """AQ as a destination, where the dialect has it so, of an item that belongs elsewhere."""
    home = text(answer, "AQ")
    known = dialect.home_is_destination and hold is Hold.TRANSFER
    return home if known and not same(home, here) else ""
