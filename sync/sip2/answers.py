"""What 64 and 24 say of a patron. Pure: a request, its answer, and a dialect.

1. The answer is to this request and for this card, or it is a fault and no verdict.
2. BL is not Y: the card is unknown.
3. The request had no PIN, or CQ is not Y: the PIN is not right. What else it says is not read.
4. The door: the access field and its value, then the expiry, then the flags that close it. Where a
   dialect has neither field nor flag that could say no, nobody enters.

A field that comes twice says yes only if it says so twice. Deliberately not here: names, addresses,
texts for people, and any yes from BL alone.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.domain.ils import Hindrance, PatronVerdict, Recheck, Standing
from kioskd.errors import RegisterError
from sync.sip2.dates import day
from sync.sip2.dialect import Access, Dialect
from sync.sip2.fields import clean, flags, has_owner, is_answer, is_for_card
from sync.sip2.messages import Message

_MAX_CODE: Final = 64
_MOST_DAYS: Final = 16  # different ones of one membership that are read; more are no answer

# A cached restriction must close what its hindrance closed, no less and no more: every one of the
# door is a kind that closes doors, or the same patron would enter as soon as the network is down.
_DOOR_KINDS: Final[Mapping[Hindrance, RestrictionKind | None]] = {
    Hindrance.CARD_LOST: RestrictionKind.LOST,
    Hindrance.EXPIRED: None,  # kept as the day it ends on
}
_LENDING_KINDS: Final[Mapping[Hindrance, RestrictionKind]] = {
    Hindrance.BARRED: RestrictionKind.DEBARRED,
    Hindrance.FEES: RestrictionKind.FEES,
}

# A hindrance and what the library system calls it.
Said = tuple[Hindrance, str]


def verdict(request: Message, answer: Message, dialect: Dialect) -> PatronVerdict:
    """What a 64 says of the card and the PIN of a 63. RegisterError: it is no answer to it."""
    is_answer(answer, "64")
    is_for_card(request, answer, dialect)
    if not _yes(answer, "BL"):
        return PatronVerdict(Standing.UNKNOWN)
    if not pin_confirmed(request, answer):
        return PatronVerdict(Standing.WRONG)
    has_owner(answer, dialect)
    return _known(request, answer, dialect)


def recheck(request: Message, answer: Message, dialect: Dialect) -> Recheck:
    """What a 24 says of a card alone; no word of it about a PIN is read.

    RegisterError: it is no answer, or says neither that it knows the card nor that it does not. A
    24 need not carry the access field: only where it does, its value counts.
    """
    is_answer(answer, "24")
    is_for_card(request, answer, dialect)
    if not any(said in ("Y", "N") for said in answer.every("BL")):
        raise RegisterError("the library system did not say whether it knows the card")
    if not _yes(answer, "BL"):
        return Recheck(known=False)
    said = tuple(value for value in _access_values(answer, dialect) if value)
    access = _access(said, dialect) if said else ()
    closed = (*_no_rule(dialect), *access, *_flagged(answer, dialect))
    return Recheck(True, _hindrances(closed), _restrictions(closed, lending(answer, dialect)))


def door(request: Message, answer: Message, dialect: Dialect) -> tuple[Said, ...]:
    """What keeps the patron of a 64 from the door. Counts only where the verdict says anything."""
    said = _access_values(answer, dialect)
    _, outdated = _expiry(request, answer, dialect)
    return (*_no_rule(dialect), *_access(said, dialect), *outdated, *_flagged(answer, dialect))


def lending(answer: Message, dialect: Dialect) -> tuple[Said, ...]:
    """The flags of a 64 or 24 that keep loans from the patron."""
    return tuple(_set(answer, dialect, dialect.lending))


def pin_confirmed(request: Message, answer: Message) -> bool:
    """Whether CQ says yes to a PIN that was asked about. Without one it is not read."""
    asked = request.every("AD")
    return bool(asked) and all(pin.strip() for pin in asked) and _yes(answer, "CQ")


def _known(request: Message, answer: Message, dialect: Dialect) -> PatronVerdict:
    said = _access_values(answer, dialect)
    expires, _ = _expiry(request, answer, dialect)
    closed, kept = door(request, answer, dialect), lending(answer, dialect)
    return PatronVerdict(
        Standing.DENIED if closed else Standing.OK,
        door=_hindrances(closed),
        lending=_hindrances(kept),
        restrictions=_restrictions(closed, kept),
        access=clean(said[0], _MAX_CODE) if said else None,
        expires=expires,
        language=_language(answer),
    )


def _yes(answer: Message, field: str) -> bool:
    said = answer.every(field)
    return bool(said) and all(value == "Y" for value in said)


def _no_rule(dialect: Dialect) -> Iterator[Said]:
    if not dialect.access.field and not dialect.door:
        yield Hindrance.NO_ACCESS, "no rule"


def _access_values(answer: Message, dialect: Dialect) -> tuple[str, ...]:
    if not dialect.access.field:
        return ()
    return _different(answer, dialect.access.field)


def _different(answer: Message, field: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in answer.every(field)))


def _access(said: tuple[str, ...], dialect: Dialect) -> Iterator[Said]:
    field = dialect.access.field
    if not field:
        return
    if not said or not all(said):
        yield Hindrance.ACCESS_NOT_SAID, f"{field} missing"
    no = next((value for value in said if value and not _allows(value, dialect.access)), "")
    if no:
        yield Hindrance.NO_ACCESS, clean(f"{field}={no}", _MAX_CODE)


def _allows(value: str, access: Access) -> bool:
    if access.numeric and not _counts(value):
        return False
    return value in access.allowed if access.allowed is not None else value not in access.denied


def _counts(value: str) -> bool:
    """Whether it is a number above 0. Never made one: a very long one would raise."""
    return value.isascii() and value.isdigit() and bool(value.strip("0"))


def _expiry(
    request: Message, answer: Message, dialect: Dialect
) -> tuple[date | None, tuple[Said, ...]]:
    """The last day, and what it hinders on the request's own day. No field: no end.

    Of days that differ the first one counts; one that cannot be read may have been before it.
    """
    field = dialect.expiry_field
    said = _different(answer, field) if field else ()
    if not any(said):
        return None, ()
    days = [last for text in said[:_MOST_DAYS] if (last := day(text))]
    expires, today = min(days, default=None), day(request.fixed["transaction_date"][:8])
    hinders: list[Said] = []
    if len(days) < len(said):
        hinders.append((Hindrance.ACCESS_NOT_SAID, f"{field} unreadable"))
    if expires and (today is None or today > expires):
        hinders.append((Hindrance.EXPIRED, field))
    return expires, tuple(hinders)


def _flagged(answer: Message, dialect: Dialect) -> Iterator[Said]:
    return _set(answer, dialect, dialect.door)


def _set(answer: Message, dialect: Dialect, which: frozenset[str]) -> Iterator[Said]:
    for flag in flags(answer):
        if flag in which:
            # A flag that a dialect forgot to explain still closes what it was put on.
            yield dialect.status.get(flag, Hindrance.BARRED), flag


def _hindrances(said: tuple[Said, ...]) -> tuple[Hindrance, ...]:
    return tuple(dict.fromkeys(hindrance for hindrance, _ in said))


def _restrictions(closed: tuple[Said, ...], kept: tuple[Said, ...]) -> tuple[Restriction, ...]:
    kinds = [
        (_DOOR_KINDS.get(hindrance, RestrictionKind.SELF_SERVICE_BLOCK), word)
        for hindrance, word in closed
    ]
    kinds += [
        (_LENDING_KINDS.get(hindrance, RestrictionKind.LOAN_BAN), word) for hindrance, word in kept
    ]
    return tuple(Restriction(kind, code=word) for kind, word in dict.fromkeys(kinds) if kind)


def _language(answer: Message) -> str:
    said = answer.fixed["language"]
    return said if said.isascii() and said.isdigit() and said != "000" else ""
