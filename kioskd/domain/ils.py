"""What a library system answers, in words of ours: patrons, loans, returns, renewals.

A refusal is a value, not an error; what an ILS writes for people to read decides nothing.
Deliberately not here: how it was asked (sync), and what is shown of it (kioskd.words).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from kioskd.domain.credential import Restriction


class Standing(StrEnum):
    """The outcome of a verification. Everything but OK keeps the door shut."""

    OK = "ok"
    WRONG = "wrong"  # the PIN is wrong, or the ILS did not say that it is right
    UNKNOWN = "unknown"  # no such card
    DENIED = "denied"  # the PIN is right, and the patron may not enter


class Hindrance(StrEnum):
    """What an ILS holds against a patron."""

    NO_ACCESS = "NO_ACCESS"  # the field that tells who may enter says no
    ACCESS_NOT_SAID = "ACCESS_NOT_SAID"  # that field is missing
    CARD_LOST = "CARD_LOST"
    CARD_UNUSABLE = "CARD_UNUSABLE"  # lost, or the address is not known: the ILS tells no more
    EXPIRED = "EXPIRED"
    BARRED = "BARRED"  # debarred, expired or fees: the ILS tells no more
    RENEWALS_DENIED = "RENEWALS_DENIED"
    RECALLS_DENIED = "RECALLS_DENIED"
    HOLDS_DENIED = "HOLDS_DENIED"
    TOO_MANY_LOANS = "TOO_MANY_LOANS"
    TOO_MANY_OVERDUE = "TOO_MANY_OVERDUE"
    TOO_MANY_RENEWALS = "TOO_MANY_RENEWALS"
    TOO_MANY_CLAIMS = "TOO_MANY_CLAIMS"
    TOO_MANY_LOST = "TOO_MANY_LOST"
    FEES = "FEES"
    RECALL_OVERDUE = "RECALL_OVERDUE"
    TOO_MANY_BILLED = "TOO_MANY_BILLED"


class Refusal(StrEnum):
    """Why an item was not lent, renewed or taken back."""

    UNKNOWN_ITEM = "UNKNOWN_ITEM"
    UNKNOWN_PATRON = "UNKNOWN_PATRON"
    PATRON_HINDERED = "PATRON_HINDERED"  # see the hindrances of the patron
    FEE_UNCONFIRMED = "FEE_UNCONFIRMED"  # costs something: ask, then once more with consent
    ON_LOAN = "ON_LOAN"  # to somebody else
    RESERVED = "RESERVED"  # for somebody else
    IN_TRANSIT = "IN_TRANSIT"
    NOT_FOR_LOAN = "NOT_FOR_LOAN"  # on order, in process, being mended
    LOST_ITEM = "LOST_ITEM"  # known as lost, missing or claimed returned: staff want it
    RENEWAL_LIMIT = "RENEWAL_LIMIT"  # no more renewals, or reserved: the ILS tells no more
    NOT_ON_LOAN = "NOT_ON_LOAN"
    REFUSED = "REFUSED"  # the ILS says no and not why
    UNAVAILABLE = "UNAVAILABLE"  # the ILS was not asked, or says that it is off-line
    IN_DOUBT = "IN_DOUBT"  # it may have been done; whoever asks again must look first


class Hold(StrEnum):
    """What awaits an item that came back."""

    NONE = "none"
    HERE = "here"  # reserved, to be picked up at this branch
    ELSEWHERE = "elsewhere"  # reserved, to be picked up at another branch
    INTERLIBRARY = "interlibrary"
    TRANSFER = "transfer"  # belongs to another branch
    OTHER = "other"  # staff must look at it


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as the ILS wrote it, `12.50`, and its currency, `EUR` or empty."""

    amount: str
    currency: str = ""


@dataclass(frozen=True, slots=True)
class PatronVerdict:
    """What the ILS says of a card and its PIN.

    door: what keeps this patron out, first of all the reason; lending: what keeps loans from
    them. restrictions: the same as a cache keeps it. access: the access field's value, where the
    dialect has one. expires: the last day of the membership. language: of three digits [SIP2].
    Everything but `standing` is empty unless the PIN was right.
    """

    standing: Standing
    door: tuple[Hindrance, ...] = ()
    lending: tuple[Hindrance, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    access: str | None = None
    expires: date | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class Recheck:
    """What the ILS says of a card alone, with no word about a PIN."""

    known: bool
    door: tuple[Hindrance, ...] = ()
    restrictions: tuple[Restriction, ...] = ()


@dataclass(frozen=True, slots=True)
class Loan:
    """An item on loan. due: None where it was not said in a form that we read; then due_text."""

    item: str
    title: str = ""
    due: datetime | None = None
    due_text: str = ""
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation. ready: it waits at `pickup`, until `until` where that was said."""

    item: str
    title: str = ""
    ready: bool = False
    pickup: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class PatronSummary:
    """What a patron sees of themselves. whole: every list could be asked for in time."""

    loans: tuple[Loan, ...] = ()
    reservations: tuple[Reserved, ...] = ()
    fees: Money | None = None
    lending: tuple[Hindrance, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Lent:
    """A checkout or a renewal. refused: None when it was done.

    security_off: the item's security is to be switched off (only ever when it was done).
    renewed: it was the patron's own loan already. settled: the answer was lost, and what became
    of it was found out afterwards. fee: what it costs or would cost. message: allowed screen text.
    """

    item: str
    refused: Refusal | None = None
    title: str = ""
    due: datetime | None = None
    due_text: str = ""
    renewed: bool = False
    security_off: bool = False
    fee: Money | None = None
    media: str = ""
    settled: bool = False
    message: str = ""

    @property
    def done(self) -> bool:
        return self.refused is None


@dataclass(frozen=True, slots=True)
class Returned:
    """A return. refused: None when the ILS took it. hold, destination, sort_bin: where it goes."""

    item: str
    refused: Refusal | None = None
    title: str = ""
    hold: Hold = Hold.NONE
    destination: str = ""
    sort_bin: str = ""
    security_on: bool = False
    media: str = ""
    settled: bool = False
    message: str = ""

    @property
    def done(self) -> bool:
        return self.refused is None


@dataclass(frozen=True, slots=True)
class RenewedAll:
    """Renewal of everything. renewed, unrenewed: items by number, as far as the ILS named them."""

    renewed: tuple[str, ...] = ()
    unrenewed: tuple[str, ...] = ()
    refused: Refusal | None = None
    settled: bool = False
    message: str = ""
