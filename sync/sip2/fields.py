"""What answers have in common: whose they are, and their fields as clean values. Pure.

Deliberately not here: AF as anything but a whole text that the site allowed; CY and DA, which name
the patron of a reservation and are never read; AE, BD, BE and BF, which name this one.
"""

import re
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from kioskd.domain.ils import Money
from kioskd.errors import RegisterError
from sync.sip2.dialect import STATUS_FLAGS, Dialect
from sync.sip2.messages import Message

MAX_TEXT: Final = 255  # characters of a text that is shown
_MAX_CODE: Final = 32
_SLACK: Final = 4  # times what is shown is looked at: the rest would be blanks, or is cut off

_AMOUNT: Final = re.compile(r"\d{1,9}(?:[.,]\d{1,4})?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_UPPER: Final = str.maketrans(ascii_lowercase, ascii_uppercase)


def is_answer(answer: Message, code: str) -> None:
    """RegisterError where it is another message."""
    if answer.code != code:
        raise RegisterError(f"the library system answered with another message than {code}")


def is_for_item(request: Message, answer: Message) -> None:
    """RegisterError where the answer names another item than the request, or none."""
    if not _names("AB", answer):
        raise RegisterError("the library system did not say which item it answered for")
    if not _echoes("AB", request, answer):
        raise RegisterError("the library system answered for another item")


def is_for_card(request: Message, answer: Message, dialect: Dialect) -> None:
    """RegisterError where the answer names another card, in a dialect that repeats it."""
    if dialect.echoes_card and not _echoes("AA", request, answer):
        raise RegisterError("the library system answered for another card")


def has_owner(answer: Message, dialect: Dialect) -> None:
    """RegisterError where the answer names no card, in a dialect that repeats it."""
    if dialect.echoes_card and not _names("AA", answer):
        raise RegisterError("the library system did not say whose answer it gave")


def other_institution(answer: Message, ours: str) -> bool:
    """Whether the answer names another institution; blanks around it are some servers' habit."""
    said = (answer.first("AO") or "").strip()
    return bool(said) and bool(ours) and said != ours.strip()


def same(one: str, other: str) -> bool:
    """Whether two numbers are one, surrounding blanks and the case of ASCII letters apart."""
    # Folded any further, signs that are no letters of a number become some: the Kelvin sign a k.
    return one.strip().translate(_UPPER) == other.strip().translate(_UPPER)


def done(answer: Message) -> bool:
    """Whether `ok` says that it was done."""
    return answer.fixed["ok"] in ("1", "Y")


def flags(answer: Message) -> tuple[str, ...]:
    """The names of the patron_status flags that are set: any sign but a blank sets one."""
    said = answer.fixed["patron_status"]
    return tuple(name for name, sign in zip(STATUS_FLAGS, said, strict=True) if sign != " ")


def text(answer: Message, field: str, most: int = MAX_TEXT) -> str:
    """The first such field, cleaned; empty without one."""
    return clean(answer.first(field) or "", most)


def code(answer: Message, field: str) -> str:
    """The first such field where a short code is expected, cleaned."""
    return text(answer, field, _MAX_CODE)


def clean(value: str, most: int = MAX_TEXT) -> str:
    """One line without anything that cannot be seen, bounded."""
    start = value[: most * _SLACK]
    seen = "".join(sign if sign.isprintable() else " " for sign in start)
    return " ".join(seen.split())[:most].rstrip()


def money(answer: Message) -> Money | None:
    """BV and BH; None where nothing is owed, or where it cannot be read."""
    amount = (answer.first("BV") or "").strip()
    if not _AMOUNT.fullmatch(amount) or not amount.strip("0.,"):
        return None
    currency = (answer.first("BH") or "").strip().upper()
    return Money(amount, currency if _CURRENCY.fullmatch(currency) else "")


def message(answer: Message, dialect: Dialect) -> str:
    """The first screen message that the site allowed, whole and to the letter; else empty."""
    return next((said for said in answer.every("AF") if said in dialect.screen_messages), "")


def _names(field: str, answer: Message) -> bool:
    return any(value.strip() for value in answer.every(field))


def _echoes(field: str, request: Message, answer: Message) -> bool:
    asked = request.first(field) or ""
    return all(same(asked, said) for said in answer.every(field) if said.strip())
