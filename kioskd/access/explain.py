"""Why a rule came out as it did, in words for staff. Pure; the outcome itself is policy's."""

from collections.abc import Callable
from datetime import timedelta

from kioskd.access.facts import Facts
from kioskd.access.rules import AT_SCAN, restriction
from kioskd.domain.credential import RestrictionKind
from kioskd.domain.decision import Reason

_KIND = {
    Reason.USE_BAN: RestrictionKind.USE_BAN,
    Reason.SELF_SERVICE_BLOCK: RestrictionKind.SELF_SERVICE_BLOCK,
    Reason.TERMS_NOT_ACCEPTED: RestrictionKind.TERMS_MISSING,
    Reason.DEBARRED: RestrictionKind.DEBARRED,
    Reason.FEES: RestrictionKind.FEES,
}
_WAIVED = frozenset(
    {
        Reason.LOCKDOWN,
        Reason.CLOCK_UNTRUSTED,
        Reason.CLOSED,
        Reason.CACHE_TOO_OLD,
        Reason.EXPIRED,
        Reason.SELF_SERVICE_BLOCK,
        Reason.TERMS_NOT_ACCEPTED,
        Reason.CATEGORY_NOT_ALLOWED,
        Reason.UNDER_AGE,
        Reason.DEBARRED,
        Reason.FEES,
        Reason.FULL,
    }
)


def detail(reason: Reason, facts: Facts) -> str:
    """What the rule looked at, in one phrase; empty where the rule's name says it all."""
    if facts.allow_listed and reason in _WAIVED:
        return "waived: on the allow-list"
    if facts.enrolled_only and reason is Reason.UNKNOWN_CARD:
        return "enrolled, but on no list and in no feed: opens nothing until it is allow-listed"
    if reason in _KIND:
        return _restriction(facts, _KIND[reason])
    told = _TOLD.get(reason)
    if told is None or (facts.credential is None and reason not in _ABOUT_THE_PLACE):
        return ""
    return told(facts)


def _restriction(facts: Facts, kind: RestrictionKind) -> str:
    found = restriction(facts, kind)
    if found is None:
        return ""
    until = f"until {found.until}" if found.until else "no end date"
    where = f"branch {found.branch}" if found.branch else "every branch"
    return ", ".join(filter(None, (until, where, found.code)))


def _expiry(facts: Facts) -> str:
    expires = facts.credential.expires if facts.credential else None
    return f"valid through {expires}" if expires else "no expiry date"


def _age(facts: Facts) -> str:
    if facts.door.minimum_age == 0:
        return "no age limit at this door"
    if facts.credential and facts.credential.consents(facts.door.branch):
        return "guardian consent for this branch"
    eligible = facts.credential.eligible_from if facts.credential else None
    return f"of age from {eligible}" if eligible else f"limit {facts.door.minimum_age} years"


def _category(facts: Facts) -> str:
    category = facts.credential.category if facts.credential else None
    if told := _restriction(facts, RestrictionKind.CATEGORY_NOT_ALLOWED):
        return f"the register says so for this card: {told}"
    if not facts.door.categories:
        return "every category is allowed"
    return (
        f"category {category or 'not known'}; allowed: {', '.join(sorted(facts.door.categories))}"
    )


def _cache_age(facts: Facts) -> str:
    if facts.cache_age is None:
        return "no feed was imported, or its time lies in the future: import one"
    return f"{_hours(facts.cache_age)} old, good for {_hours(facts.door.max_credential_age)}"


def _hours(time: timedelta) -> str:
    return f"{time.total_seconds() / 3600:.1f} h"


def _locked(facts: Facts) -> str:
    left = facts.locked_for.total_seconds()
    return f"{left / 60:.1f} minutes left" if left > 0 else ""


def _full(facts: Facts) -> str:
    if facts.door.capacity is None or facts.inside is None:
        return "nobody is counted"
    return f"{facts.inside} inside, room for {facts.door.capacity}"


_TOLD: dict[Reason, Callable[[Facts], str]] = {
    Reason.CLOSED: lambda f: f.hours.value,
    Reason.CLOCK_UNTRUSTED: lambda f: "trusted" if f.clock_trusted else "not trusted",
    Reason.LOCKED_OUT: _locked,
    Reason.CACHE_UNREADABLE: lambda f: "" if f.cache_readable else "the cache cannot be read",
    Reason.WRONG_PIN: lambda f: "taken as right; a PIN is never asked for here",
    Reason.CACHE_TOO_OLD: _cache_age,
    Reason.EXPIRED: _expiry,
    Reason.CATEGORY_NOT_ALLOWED: _category,
    Reason.UNDER_AGE: _age,
    Reason.FULL: _full,
}
_ABOUT_THE_PLACE = AT_SCAN | {Reason.CACHE_UNREADABLE, Reason.CACHE_TOO_OLD, Reason.FULL}
