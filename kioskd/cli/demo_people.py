"""The people of the demo's town and the feed that their register exports.

Cards and PINs are made up, and are constants so that every demo is the same day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

PIN: Final = "4711"  # everybody's, in this town
OTHER_PIN: Final = "1234"
STAFF_PIN: Final = "8052"
BOOK: Final = "9789510000008"

ARGON2ID = "167A006001"
BCRYPT = "167A006002"
FORGETFUL = "167A006003"
UNKNOWN = "167A006099"
WITHOUT_PIN = "167A006004"
BLOCKED = "167A006005"
BANNED = "167A006006"
CODE_39 = "167A006007"
EXPIRED = "167A006008"
TOO_YOUNG = "167A006009"
WITH_CONSENT = "167A006010"
LOST = "167A006011"
WITHOUT_TERMS = "167A006012"
OTHER_CATEGORY = "167A006013"
DEBARRED = "167A006014"
WITH_FEES = "167A006015"
EXPIRING = "167A006016"
MISTAKEN = "167A006017"
SLOW = "2600104874"
SOON_BLOCKED = "2600104875"
CLEANER = "2600109001"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a card. note: what is to be expected; number: never shown, never sent."""

    id: str
    number: str
    title: str
    note: str
    pin: str = PIN


PEOPLE: Final = (
    Person("aino", ARGON2ID, "Aino, argon2id", "is let in"),
    Person("bertta", BCRYPT, "Bertta, bcrypt", "is let in"),
    Person("cecilia", FORGETFUL, "Cecilia, forgets her PIN", "try a wrong one first"),
    Person("daniel", UNKNOWN, "Daniel, not in the register", "unknown card"),
    Person("eino", WITHOUT_PIN, "Eino, has no PIN", "looks like a wrong PIN"),
    Person("fanny", BLOCKED, "Fanny, self-service block", "until a date"),
    Person("gustav", BANNED, "Gustav, use ban", "use ban"),
    Person("helmi", CODE_39, "Helmi, Code 39 card", "is let in"),
    Person("iivari", EXPIRED, "Iivari, expired card", "expired yesterday"),
    Person("jenny", TOO_YOUNG, "Jenny, under age", "no consent"),
    Person("kaapo", WITH_CONSENT, "Kaapo, under age", "his guardian agreed"),
    Person("liisa", LOST, "Liisa, lost card", "reported lost"),
    Person("matti", WITHOUT_TERMS, "Matti, no terms", "has not accepted the rules"),
    Person("nelli", OTHER_CATEGORY, "Nelli, other category", "category JUVENILE"),
    Person("olavi", DEBARRED, "Olavi, debarred", "no bar to this door, unless it is turned on"),
    Person("pia", WITH_FEES, "Pia, has fees", "no bar to this door, unless it is turned on"),
    Person("raimo", EXPIRING, "Raimo, card expires", "tomorrow is its last day"),
    Person("sanni", MISTAKEN, "Sanni, right PIN", "is let in"),
    Person("taavi", SLOW, "Taavi, slow typist", "is let in; 0 first for more time"),
    Person("ulla", SOON_BLOCKED, "Ulla, right PIN", "is let in"),
    Person("vilma", CLEANER, "Vilma, cleaner", "allow-listed, enrolled here", STAFF_PIN),
)
CARDS: Final = tuple(person.number for person in PEOPLE)

_ADULT: Final = "ADULT"
_WELL: Final = (ARGON2ID, FORGETFUL, CODE_39, MISTAKEN, SLOW, SOON_BLOCKED)


def row(card: str, *kinds: str, **more: object) -> dict[str, object]:
    """A row of the feed with everybody's PIN. kinds: of restrictions without a date."""
    restrictions: list[dict[str, Any]] = [{"kind": kind} for kind in kinds]
    usual = {"restrictions": restrictions, "pin_hash": _argon2id(), "category": _ADULT}
    return {"card": card, **usual, **more}


def full_feed(today: date) -> list[Mapping[str, object]]:
    """Everybody whom the register knows."""
    day = timedelta(days=1)
    block = {"kind": "self-service-block", "until": (today + 30 * day).isoformat()}
    return [
        *(row(card) for card in _WELL),
        row(BCRYPT, pin_hash=_bcrypt()),
        row(WITHOUT_PIN, pin_hash=""),
        row(BLOCKED, restrictions=[block]),
        row(BANNED, "use-ban"),
        row(EXPIRED, expires=(today - day).isoformat()),
        row(EXPIRING, expires=(today + day).isoformat()),
        row(TOO_YOUNG, "under-age"),
        row(WITH_CONSENT, "under-age", consent=True),
        row(LOST, "lost"),
        row(WITHOUT_TERMS, "terms-missing"),
        row(OTHER_CATEGORY, category="JUVENILE"),
        row(DEBARRED, "debarred"),
        row(WITH_FEES, "fees"),
    ]


@cache
def _argon2id() -> str:
    from kioskd.vault.kdf import hash_pin
    from kioskd.vault.verifiers import to_text

    return to_text(hash_pin(PIN))


@cache
def _bcrypt() -> str:
    from kioskd.vault.kdf import hash_pin_bcrypt
    from kioskd.vault.verifiers import to_text

    return to_text(hash_pin_bcrypt(PIN))
