"""What was decided about one entry, and why."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why an entry was decided as it was. Journalled; never shown to a patron as it is."""

    OK = "OK"
    DENY_LISTED = "DENY_LISTED"
    LOCKDOWN = "LOCKDOWN"
    CLOCK_UNTRUSTED = "CLOCK_UNTRUSTED"
    CLOSED = "CLOSED"
    LOCKED_OUT = "LOCKED_OUT"
    CACHE_UNREADABLE = "CACHE_UNREADABLE"
    UNKNOWN_CARD = "UNKNOWN_CARD"
    WRONG_PIN = "WRONG_PIN"
    PIN_NOT_SET = "PIN_NOT_SET"
    NOT_KNOWN_OFFLINE = "NOT_KNOWN_OFFLINE"
    PIN_TIMEOUT = "PIN_TIMEOUT"
    CANCELLED = "CANCELLED"
    CARD_LOST = "CARD_LOST"
    CACHE_TOO_OLD = "CACHE_TOO_OLD"
    EXPIRED = "EXPIRED"
    USE_BAN = "USE_BAN"
    SELF_SERVICE_BLOCK = "SELF_SERVICE_BLOCK"
    TERMS_NOT_ACCEPTED = "TERMS_NOT_ACCEPTED"
    CATEGORY_NOT_ALLOWED = "CATEGORY_NOT_ALLOWED"
    UNDER_AGE = "UNDER_AGE"
    DEBARRED = "DEBARRED"
    FEES = "FEES"
    FULL = "FULL"
    STORE_FAILED = "STORE_FAILED"


class DecidedBy(StrEnum):
    """On whose word: the device's cache, the register's live answer, a list kept by staff."""

    CACHE = "cache"
    REGISTER = "register"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of `decide`: granted exactly when the reason is OK."""

    reason: Reason

    @property
    def granted(self) -> bool:
        return self.reason is Reason.OK
