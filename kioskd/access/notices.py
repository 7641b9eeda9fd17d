"""Which notice a decision shows: a table, and the few things that depend on more than a reason.

A reason that tells something of a patron is shown only after the right PIN. Unknown card, wrong
PIN and PIN not set share one notice; so does a deny-listed card with a wrong PIN.
"""

from kioskd.access.facts import Facts, PinOutcome
from kioskd.access.policy import refused_at_scan
from kioskd.domain.decision import Decision, Reason
from kioskd.domain.notice import Notice

NOTICE_OF: dict[Reason, Notice] = {
    Reason.OK: Notice.GRANTED,
    Reason.DENY_LISTED: Notice.DENIED,
    Reason.LOCKDOWN: Notice.LOCKDOWN,
    Reason.CLOCK_UNTRUSTED: Notice.FAULT,
    Reason.CLOSED: Notice.CLOSED,
    Reason.LOCKED_OUT: Notice.TRY_LATER,
    Reason.CACHE_UNREADABLE: Notice.FAULT,
    Reason.UNKNOWN_CARD: Notice.WRONG_CARD_OR_PIN,
    Reason.WRONG_PIN: Notice.WRONG_CARD_OR_PIN,
    Reason.PIN_NOT_SET: Notice.WRONG_CARD_OR_PIN,
    Reason.NOT_KNOWN_OFFLINE: Notice.NOT_KNOWN_OFFLINE,
    Reason.PIN_TIMEOUT: Notice.PIN_TIMEOUT,
    Reason.CANCELLED: Notice.IDLE,
    Reason.CARD_LOST: Notice.CARD_LOST,
    Reason.CACHE_TOO_OLD: Notice.FAULT,
    Reason.EXPIRED: Notice.EXPIRED,
    Reason.USE_BAN: Notice.USE_BAN,
    Reason.SELF_SERVICE_BLOCK: Notice.SELF_SERVICE_BLOCK,
    Reason.TERMS_NOT_ACCEPTED: Notice.TERMS_NOT_ACCEPTED,
    Reason.CATEGORY_NOT_ALLOWED: Notice.CATEGORY_NOT_ALLOWED,
    Reason.UNDER_AGE: Notice.UNDER_AGE,
    Reason.DEBARRED: Notice.DENIED,
    Reason.FEES: Notice.DENIED,
    Reason.FULL: Notice.FULL,
    Reason.STORE_FAILED: Notice.FAULT,
}

FAULT_CODE: dict[Reason, str] = {
    Reason.CLOCK_UNTRUSTED: "11",
    Reason.CACHE_TOO_OLD: "21",
    Reason.CACHE_UNREADABLE: "22",
    Reason.STORE_FAILED: "31",
}
STRIKE_FAULT_CODE = "41"  # granted, and the relay did not take the frame

_FAILED_PIN = frozenset({Reason.UNKNOWN_CARD, Reason.WRONG_PIN, Reason.PIN_NOT_SET})
_RIGHT = frozenset({PinOutcome.RIGHT, PinOutcome.NOT_REQUIRED})
_BY_PIN = {
    PinOutcome.NOT_ASKED: Notice.PIN_TIMEOUT,
    PinOutcome.TIMED_OUT: Notice.PIN_TIMEOUT,
    PinOutcome.CANCELLED: Notice.IDLE,
}


def notice_of(decision: Decision, facts: Facts) -> Notice:
    """What the person sees; never more than the PIN that they gave entitles them to."""
    at_scan = refused_at_scan(facts)
    if at_scan is not None:
        return NOTICE_OF[at_scan]
    # How the PIN step ended shows the same whether or not the card is known.
    if facts.pin in _BY_PIN:
        return _BY_PIN[facts.pin]
    reason = decision.reason
    if reason is Reason.DENY_LISTED and facts.pin not in _RIGHT:
        reason = Reason.WRONG_PIN
    if facts.register_silent and reason in _FAILED_PIN:
        reason = Reason.NOT_KNOWN_OFFLINE
    return NOTICE_OF[reason]
