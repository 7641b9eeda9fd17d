"""What answers have in common: whose they are, and their fields as clean values. Pure.

Deliberately not here: AF as anything but a whole text that the site allowed; CY and DA, which name
the patron of a reservation and are never read; AE, BD, BE and BF, which name this one.
"""

import re
from typing import Final

from kioskd.domain.ils import Money
from kioskd.errors import RegisterError
from sync.sip2.dialect import STATUS_FLAGS, Dialect
from sync.sip2.messages import Message

MAX_TEXT: Final = 255  # characters of a text that is shown
_MAX_CODE: Final = 32

_AMOUNT: Final = re.compile(r"\d{1,9}(?:[.,]\d{1,4})?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def is_answer(answer: Message, code: str) -> None:
    """RegisterError where it is another message."""
    if answer.code != code:
        raise RegisterError(f"the library system answered with another message than {code}")


def is_for_item(request: Message, answer: Message) -> None:
    """RegisterError where the answer names another item than the request."""
    if not _echoes("AB", request, answer):
        raise RegisterError("the library system answered for another item")


def is_for_card(request: Message, answer: Message, dialect: Dialect) -> None:
    """RegisterError where the answer names another card, in a dialect that repeats it."""
    if dialect.echoes_card and not _echoes("AA", request, answer):
        raise RegisterError("the library system answered for another card")


def other_institution(answer: Message, ours: str) -> bool:
    """Whether the answer names another institution; blanks around it are some servers' habit."""
    said = (answer.first("AO") or "").strip()
    return bool(said) and bool(ours) and said != ours.strip()


def names_card(answer: Message) -> bool:
    """Whether the answer says whose it is."""
    return any(value.strip() for value in answer.every("AA"))


def same(one: str, other: str) -> bool:
    """Whether two numbers are one, case and surrounding blanks apart."""
    return one.strip().casefold() == other.strip().casefold()


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
    seen = "".join(sign if sign.isprintable() else " " for sign in value)
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


def _echoes(field: str, request: Message, answer: Message) -> bool:
    asked = request.first(field) or ""
    return all(same(asked, said) for said in answer.every(field) if said.strip())
