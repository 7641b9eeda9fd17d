"""Who has a card of the demo's library, what they have on loan and what waits for them. Pure.

They are those who come to the demo's door, with the same cards and the same PIN. Persons and
PINs are made up. Deliberately not here: what they may do with it (rules).
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from sync.demo_ils.catalogue import (
    AT_LIMIT,
    BROTHERS,
    FREE,
    HERE,
    ITEMS,
    LATE,
    OTHER,
    QUEUED,
    RAILWAY,
    RESERVED,
    RESERVED_THERE,
    SAGNER,
    TRAVELS,
    WAITING,
    Lending,
)

USER: Final = "kiosk"
PASSWORD: Final = "esittely"  # noqa: S105 - where nobody gives another: everybody may know it
PIN: Final = "4711"  # everybody's, in this town
MOST_RENEWALS: Final = 5

WITH_LOANS: Final = "167A006001"
WELL: Final = "167A006002"
OVERDUE: Final = "167A006003"
FULL: Final = "167A006007"
EXPIRED: Final = "167A006008"
BUSY: Final = "167A006010"
CARD_LOST: Final = "167A006011"
BLOCKED: Final = "167A006014"
WITH_FEES: Final = "167A006015"
AWAITED: Final = "167A006017"
NOBODY: Final = "167A006099"  # a card that the library does not know


@dataclass(frozen=True, slots=True)
class Patron:
    """note: what is to be expected. fees: owed, in euros. blocked: charges, renewals, holds."""

    card: str
    name: str
    note: str
    pin: str = field(default=PIN, repr=False)
    fees: Decimal = FREE
    blocked: bool = False
    lost: bool = False
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A loan as the demo begins. days: until it is due, less than 0 when it was due before."""

    item: str
    card: str
    days: int
    renewals: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody's turn. ready: the item waits at `pickup`."""

    item: str
    card: str
    pickup: str = HERE
    ready: bool = False


PATRONS: Final = (
    Patron(WITH_LOANS, "Aino Äijälä", "three loans, one renewed as often as may be"),
    Patron(WELL, "Bertta Öhman", "nothing on loan"),
    Patron(OVERDUE, "Cecilia Mäkelä", "two loans overdue"),
    Patron(FULL, "Helmi Hyvönen", "as many loans as may be"),
    Patron(EXPIRED, "Iivari Kääriäinen", "the card has expired", expired=True),
    Patron(BUSY, "Kaapo Sjöberg", "two loans, one of the other branch, one with a queue"),
    Patron(CARD_LOST, "Liisa Lehtelä", "the card was reported lost", lost=True),
    Patron(BLOCKED, "Olavi Åström", "blocked: no loans, no renewals", blocked=True),
    Patron(WITH_FEES, "Pia Pöntinen", "owes 12.50 EUR, more than may be", fees=Decimal("12.50")),
    Patron(AWAITED, "Sanni Säynäjärvi", "one hold waits here, one is in a queue"),
)

LOANS: Final = (
    Borrowed(BROTHERS, WITH_LOANS, 10),
    Borrowed(SAGNER, WITH_LOANS, 3, MOST_RENEWALS),
    Borrowed(RAILWAY, WITH_LOANS, 21, 1),
    Borrowed(LATE[0], OVERDUE, -12),
    Borrowed(LATE[1], OVERDUE, -3, 2),
    Borrowed(QUEUED, BUSY, 7),
    Borrowed(TRAVELS, BUSY, 14),
    Borrowed(RESERVED_THERE, BLOCKED, 5),
    *(Borrowed(item, FULL, 12) for item in AT_LIMIT),
)

HOLDS: Final = (
    Hold(RESERVED, BUSY),
    Hold(WAITING, AWAITED, ready=True),
    Hold(QUEUED, AWAITED),
    Hold(QUEUED, WELL),
    Hold(RESERVED_THERE, WITH_LOANS, pickup=OTHER),
)


def table() -> str:
    """The cards and items of the demo as two tables of Markdown; the PIN is everybody's."""
    cards = [f"| {one.card} | {one.name} | {one.note} |" for one in PATRONS]
    items = [f"| {one.number} | {one.title} | {_note(one.number)} |" for one in ITEMS]
    return "\n".join(
        (
            "| card | patron | what is to be expected |",
            "|---|---|---|",
            *cards,
            "",
            "| item | title | what is to be expected |",
            "|---|---|---|",
            *items,
            "",
        )
    )


def _note(number: str) -> str:
    item = next(one for one in ITEMS if one.number == number)
    notes = [f"of {item.home}"] if item.home != HERE else []
    notes += [f"a loan costs {item.fee} EUR"] if item.fee else []
    notes += [item.lending.value] if item.lending is not Lending.ALLOWED else []
    notes += [f"on loan to {_name(one.card)}" for one in LOANS if one.item == number]
    notes += [_reserved(one) for one in HOLDS if one.item == number]
    return "; ".join(notes)


def _reserved(hold: Hold) -> str:
    verb = "waits" if hold.ready else "is reserved"
    return f"{verb} for {_name(hold.card)} at {hold.pickup}"


def _name(card: str) -> str:
    return next(one.name.split()[0] for one in PATRONS if one.card == card)
