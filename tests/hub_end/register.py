"""A library system that changes: seeded patrons of several registers, as feed files for its hub.

    esi, yht    what the branch ESI may know; some cards are in both, and the first counts there
    naa         another branch's; many of its cards are in esi too, with other PINs and rights

Deliberately not here: the import, and what comes of it.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final, TypeVar

from kioskd.vault.kdf import hash_pin_bcrypt
from kioskd.vault.verifiers import to_text
from tests.faults.proxy import Chance

T = TypeVar("T")
Row = dict[str, object]

FEEDS: Final = ("esi", "yht", "naa")
CARDS: Final = {"esi": range(40), "yht": range(30, 60), "naa": range(20, 70)}
VISITORS: Final = range(5)  # of esi, never removed: days of use are owed of them
MARKER: Final = 990001  # a card of naa alone; its PIN is known here
MARKER_PIN: Final = "marker"
PIECE: Final = 8  # rows of a delta at most
_BCRYPT: Final = tuple(to_text(hash_pin_bcrypt(pin, cost=4)) for pin in ("1111", "2222", "3333"))
_RESTRICTIONS: Final[Sequence[Row]] = (
    {"kind": "self-service-block"},
    {"kind": "self-service-block", "branch": "ESI"},
    {"kind": "self-service-block", "branch": "NAA"},
    {"kind": "use-ban", "code": "R7"},
    {"kind": "loan-ban"},
    {"kind": "fees"},
    {"kind": "lost"},
    {"kind": "terms-missing"},
    {"kind": "under-age"},
)
_CATEGORIES: Final = ("ADULT", "ADULT", "CHILD", "FIRM")


def card_of(number: int) -> str:
    """A card's number as the register writes it."""
    return f"167A{number:06}"


def pin_hash(of: str) -> str:
    """A well-formed argon2id hash that no PIN has: made of the text, at no cost."""
    digest = hashlib.sha512(of.encode()).digest()
    salt, key = (base64.b64encode(part).decode().rstrip("=") for part in (digest[:16], digest[32:]))
    return f"$argon2id$v=19$m=19456,t=2,p=1${salt}${key}"


def one_of(chance: Chance, choices: Sequence[T]) -> T:
    """One of these."""
    return choices[chance.below(len(choices))]


class Register:
    """Every patron as the library system has them now. today: of the local calendar."""

    def __init__(self, chance: Chance, today: date) -> None:
        self._chance = chance
        self._today = today
        self.rows: dict[str, dict[int, Row]] = {
            feed: {n: self._row(n) for n in CARDS[feed] if n in VISITORS or chance.below(3)}
            for feed in FEEDS
        }
        self.rows["naa"][MARKER] = {"card": card_of(MARKER), "pin_hash": pin_hash(MARKER_PIN)}

    def full(self, feed: str) -> bytes:
        """All of a register, in no particular order."""
        return lines(self.rows[feed].values())

    def changed(self, feed: str) -> bytes:
        """Some cards come, go and change; the lines of a delta that says so."""
        told: list[Row] = []
        for _ in range(1 + self._chance.below(PIECE)):
            number = one_of(self._chance, CARDS[feed])
            told.append(self._changed(feed, number))
        return lines(told)

    def lost(self, feed: str) -> None:
        """Some cards go without a tombstone: only a full feed tells of it."""
        for number in [n for n in self.rows[feed] if n not in VISITORS and n != MARKER]:
            if not self._chance.below(8):
                del self.rows[feed][number]

    def _changed(self, feed: str, number: int) -> Row:
        row = self.rows[feed].get(number)
        if row is None or not self._chance.below(3):
            row = self._row(number)
        elif number not in VISITORS and not self._chance.below(3):
            del self.rows[feed][number]
            return {"card": card_of(number), "deleted": True}
        elif self._chance.below(2):
            row = {**row, "restrictions": self._restrictions()}
        else:
            row = {**row, "pin_hash": self._pin_hash()}
        self.rows[feed][number] = row
        return row

    def _row(self, number: int) -> Row:
        chance = self._chance
        row: Row = {"card": card_of(number), "ref": f"b{number}", "pin_hash": self._pin_hash()}
        row["category"] = one_of(chance, _CATEGORIES)
        row["restrictions"] = self._restrictions() if chance.below(2) else []
        if chance.below(2):
            row["language"] = one_of(chance, ("fi", "sv"))
        if not chance.below(3):
            row["expires"] = self._day(-30, 400)
        if not chance.below(4):
            row["eligible_from"] = self._day(1, 10)  # some so near that devices are told
        if not chance.below(4):
            row["consent"] = one_of(chance, (True, ["ESI"], ["NAA"]))
        return row

    def _restrictions(self) -> list[Row]:
        found = [dict(one_of(self._chance, _RESTRICTIONS)) for _ in range(self._chance.below(3))]
        for restriction in found:
            if self._chance.below(2):
                restriction["until"] = self._day(-3, 60)
        return found

    def _pin_hash(self) -> str:
        if not self._chance.below(6):
            return one_of(self._chance, (*_BCRYPT, ""))
        return pin_hash(str(self._chance.below(1 << 30)))

    def _day(self, first: int, last: int) -> str:
        days = first + self._chance.below(last - first)
        return (self._today + timedelta(days=days)).isoformat()


def lines(rows: Iterable[Row]) -> bytes:
    """Rows as the lines of a feed."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
