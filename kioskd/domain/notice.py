"""What the person at the door may be told. Several reasons share one notice."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Notice(StrEnum):
    """One thing to say at a door; its words are in kioskd.words."""

    IDLE = "idle"
    ENTER_PIN = "enter-pin"
    WAIT = "wait"
    GRANTED = "granted"
    DENIED = "denied"
    WRONG_CARD_OR_PIN = "wrong-card-or-pin"
    NOT_KNOWN_OFFLINE = "not-known-offline"
    TRY_LATER = "try-later"
    CLOSED = "closed"
    LOCKDOWN = "lockdown"
    CARD_LOST = "card-lost"
    EXPIRED = "expired"
    USE_BAN = "use-ban"
    SELF_SERVICE_BLOCK = "self-service-block"
    TERMS_NOT_ACCEPTED = "terms-not-accepted"
    CATEGORY_NOT_ALLOWED = "category-not-allowed"
    UNDER_AGE = "under-age"
    FULL = "full"
    PIN_TIMEOUT = "pin-timeout"
    FAULT = "fault"
    NOT_A_LIBRARY_CODE = "not-a-library-code"


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice with what its words need, and nothing else about anybody.

    code: short fault code, with FAULT. until: last day of a block or ban, when it has one.
    minutes: with TRY_LATER. opens: next opening, with CLOSED. digits: PIN keys typed so far.
    standing: how the door stands while nobody uses it; no answer to anybody, so no sound.
    """

    notice: Notice
    code: str = ""
    until: date | None = None
    minutes: int = 0
    opens: datetime | None = None
    digits: int = 0
    standing: bool = False
