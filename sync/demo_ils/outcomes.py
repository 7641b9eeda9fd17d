"""What the demo's library answers, as values. Pure.

Deliberately not here: the rules that lead to them, and how they are said over SIP2 (saying).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sync.demo_ils.catalogue import FREE, Item


class Why(StrEnum):
    """OK, or why it was not done; the text is for people to read."""

    OK = ""
    UNKNOWN_PATRON = "Korttia ei tunneta"
    UNKNOWN_ITEM = "Nidettä ei tunneta"
    BARRED = "Lainausoikeutta ei ole"
    TOO_MANY = "Lainoja on jo enimmäismäärä"
    OWN_LOAN = "Niteellä on jo sinulle laina"
    ON_LOAN = "Nide on toisella lainassa"
    RESERVED = "Nide on varattu toiselle"
    IN_TRANSIT = "Nide on matkalla"
    REFERENCE = "Nidettä ei lainata"
    LOST = "Nide on merkitty kadonneeksi"
    FEE = "Laina maksaa; hyväksy maksu"
    RENEWALS = "Laina on uusittu jo liian monta kertaa"
    NOT_ON_LOAN = "Nide ei ole lainassa"
    NOT_RESERVED = "Varausta ei ole"
    WRONG_PIN = "Väärä tunnusluku"
    TOO_MUCH = "Maksuja ei ole niin paljon"


class Place(StrEnum):
    """Where an item is."""

    SHELF = "shelf"
    LOAN = "loan"
    HOLD_SHELF = "hold shelf"
    TRANSIT = "transit"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Loan:
    """Who has it and until when. renewals: how often it was renewed."""

    card: str
    due: datetime
    renewals: int = 0


@dataclass(frozen=True, slots=True)
class Lent:
    """A checkout or a renewal. due: when it was done. renewed: it was a loan of theirs before."""

    why: Why
    item: Item | None = None
    due: datetime | None = None
    renewed: bool = False

    @property
    def done(self) -> bool:
        return self.why is Why.OK


@dataclass(frozen=True, slots=True)
class Returned:
    """A return. card: who had it. to: the branch it must travel to. held: it is reserved."""

    why: Why
    item: Item | None = None
    card: str = ""
    to: str = ""
    held: bool = False

    @property
    def done(self) -> bool:
        return self.why is Why.OK


@dataclass(frozen=True, slots=True)
class RenewedAll:
    """Renewal of everything, item by item."""

    why: Why
    renewed: tuple[str, ...] = ()
    unrenewed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PatronView:
    """What the library says of a card. flags: positions of patron_status that are set.

    pin_right: None where no PIN was given. Lists hold item numbers.
    """

    known: bool = False
    pin_right: bool | None = None
    name: str = ""
    flags: frozenset[int] = frozenset()
    fees: Decimal = FREE
    loans: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    queued: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemView:
    """What the library says of an item. queue: how many have reserved it; branch: where it is."""

    item: Item
    place: Place
    branch: str
    queue: int = 0
    due: datetime | None = None
    waits_until: datetime | None = None
