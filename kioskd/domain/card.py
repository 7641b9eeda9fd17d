"""Card numbers as scanned, as compared and as shown to staff."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

MAX_SCAN = 64  # characters; the longest library code in the field has 14

_AIM_IDENTIFIER = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_BOOK_NUMBER = re.compile(r"97[89]\d{10}|\d{9}[\dX]")  # ISBN-13 and ISBN-10
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_ASCII_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


class CodeKind(Enum):
    """What a scanned code is to this site."""

    PATRON = auto()
    ITEM = auto()
    PATRON_OR_ITEM = auto()
    BOOK_NUMBER = auto()
    FOREIGN = auto()


def canonical(text: str) -> str:
    """The one form in which a card number is compared: `]A0*167a006007*` -> `167A006007`."""
    text = text.strip()
    if _AIM_IDENTIFIER.match(text):
        text = text[3:].strip()
    if len(text) > 2 and text[0] == text[-1] == "*":
        text = text[1:-1].strip()
    return text.translate(_ASCII_UPPER)


def masked(number: str) -> str:
    """A card number as staff may see it: the last three characters."""
    return "…" + number[-3:] if len(number) > 6 else "…"


@dataclass(frozen=True, slots=True)
class CodePatterns:
    """The site's patterns for patron cards and items, each matched whole."""

    patron: Sequence[re.Pattern[str]]
    item: Sequence[re.Pattern[str]] = ()

    def classify(self, number: str) -> CodeKind:
        """What a canonical number is; bounded and printable before any pattern sees it."""
        if not 0 < len(number) <= MAX_SCAN or not _PRINTABLE.fullmatch(number):
            return CodeKind.FOREIGN
        is_patron = _fits(self.patron, number)
        is_item = _fits(self.item, number)
        if is_patron:
            return CodeKind.PATRON_OR_ITEM if is_item else CodeKind.PATRON
        if is_item:
            return CodeKind.ITEM
        return CodeKind.BOOK_NUMBER if _BOOK_NUMBER.fullmatch(number) else CodeKind.FOREIGN


def _fits(patterns: Sequence[re.Pattern[str]], number: str) -> bool:
    # A plain loop: an import asks this a million times, and a generator would cost more than it.
    for pattern in patterns:  # noqa: SIM110
        if pattern.fullmatch(number):
            return True
    return False
