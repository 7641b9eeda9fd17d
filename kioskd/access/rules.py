"""The rules of a door, in order. The order is the policy: the first that fails decides.

A rule passes (True), fails (False) or does not apply (None). Rules 2 to 5 are told at the scan,
known or unknown card alike; what is known of a patron comes after the PIN, so that nobody
without the PIN learns anything. The allow-list waives what its rules say here and never the
deny-list, a lockout, a wrong PIN, a lost card or a use ban.

Deliberately not here: what is shown (kioskd.access.notices) and where facts come from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from kioskd.access.facts import Facts, PinOutcome
from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.domain.decision import Reason
from kioskd.domain.hours import HoursState

Outcome = bool | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason to deny, and the check that fails when it holds."""

    reason: Reason
    check: Callable[[Facts], Outcome]


def _unless_allowed(check: Callable[[Facts], Outcome]) -> Callable[[Facts], Outcome]:
    return lambda f: None if f.allow_listed else check(f)


def restriction(facts: Facts, kind: RestrictionKind) -> Restriction | None:
    """The restriction of that kind that binds here today."""
    if facts.credential is None:
        return None
    return facts.credential.restriction(kind, facts.today, facts.door.branch)


def _free_of(kind: RestrictionKind) -> Callable[[Facts], Outcome]:
    return lambda f: None if f.credential is None else restriction(f, kind) is None


def _clock(f: Facts) -> Outcome:
    return None if f.door.allow_when_clock_untrusted else f.clock_trusted


def _cache_readable(f: Facts) -> Outcome:
    return f.keys_usable and (f.cache_readable or f.credential is not None)


def _not_lost(f: Facts) -> Outcome:
    # A lost card is lost at every branch, whatever branch the row names.
    if f.credential is None:
        return None
    return not any(
        r.kind is RestrictionKind.LOST and (r.until is None or f.today <= r.until)
        for r in f.credential.restrictions
    )


def _cache_fresh(f: Facts) -> Outcome:
    if f.cache_age is not None and f.cache_age <= f.door.max_credential_age:
        return True
    return f.door.allow_recent_when_stale and f.recently_granted


def _not_expired(f: Facts) -> Outcome:
    if f.credential is None or f.credential.expires is None:
        return None
    return f.today <= f.credential.expires


def _category(f: Facts) -> Outcome:
    if f.credential is None:
        return None
    # A hub that knows the categories of a branch says so, instead of sending everybody's.
    if restriction(f, RestrictionKind.CATEGORY_NOT_ALLOWED) is not None:
        return False
    if not f.door.categories:
        return None
    return f.credential.category in f.door.categories


def _of_age(f: Facts) -> Outcome:
    if f.door.minimum_age == 0 or f.credential is None:
        return None
    if f.credential.consents(f.door.branch):
        return True
    eligible = f.credential.eligible_from is None or f.credential.eligible_from <= f.today
    return eligible and restriction(f, RestrictionKind.UNDER_AGE) is None


def _where_site_says(
    says: Callable[[Facts], bool], kind: RestrictionKind
) -> Callable[[Facts], Outcome]:
    free = _free_of(kind)
    return lambda f: free(f) if says(f) else None


def _room(f: Facts) -> Outcome:
    if f.door.capacity is None or f.inside is None:
        return None
    return f.inside < f.door.capacity


_UNTIL_PIN = frozenset({PinOutcome.NOT_ASKED, PinOutcome.TIMED_OUT})

RULES: tuple[Rule, ...] = (
    Rule(Reason.DENY_LISTED, lambda f: not f.deny_listed),
    Rule(Reason.LOCKDOWN, _unless_allowed(lambda f: not f.lockdown)),
    Rule(Reason.CLOCK_UNTRUSTED, _unless_allowed(_clock)),
    Rule(Reason.CLOSED, _unless_allowed(lambda f: f.hours is not HoursState.CLOSED)),
    Rule(Reason.LOCKED_OUT, lambda f: f.locked_for <= timedelta(0)),
    Rule(Reason.CACHE_UNREADABLE, _cache_readable),
    Rule(Reason.UNKNOWN_CARD, lambda f: f.credential is not None),
    Rule(Reason.WRONG_PIN, lambda f: f.pin is not PinOutcome.WRONG),
    Rule(Reason.PIN_NOT_SET, lambda f: f.pin is not PinOutcome.NOT_SET),
    Rule(Reason.NOT_KNOWN_OFFLINE, lambda f: f.pin is not PinOutcome.UNVERIFIABLE),
    Rule(Reason.PIN_TIMEOUT, lambda f: f.pin not in _UNTIL_PIN),
    Rule(Reason.CANCELLED, lambda f: f.pin is not PinOutcome.CANCELLED),
    Rule(Reason.CARD_LOST, _not_lost),
    Rule(Reason.CACHE_TOO_OLD, _unless_allowed(_cache_fresh)),
    Rule(Reason.EXPIRED, _unless_allowed(_not_expired)),
    Rule(Reason.USE_BAN, _free_of(RestrictionKind.USE_BAN)),
    Rule(Reason.SELF_SERVICE_BLOCK, _unless_allowed(_free_of(RestrictionKind.SELF_SERVICE_BLOCK))),
    Rule(Reason.TERMS_NOT_ACCEPTED, _unless_allowed(_free_of(RestrictionKind.TERMS_MISSING))),
    Rule(Reason.CATEGORY_NOT_ALLOWED, _unless_allowed(_category)),
    Rule(Reason.UNDER_AGE, _unless_allowed(_of_age)),
    Rule(
        Reason.DEBARRED,
        _unless_allowed(
            _where_site_says(lambda f: f.door.debarred_blocks, RestrictionKind.DEBARRED)
        ),
    ),
    Rule(
        Reason.FEES,
        _unless_allowed(_where_site_says(lambda f: f.door.fees_block, RestrictionKind.FEES)),
    ),
    Rule(Reason.FULL, _unless_allowed(_room)),
)

AT_SCAN = frozenset({Reason.LOCKDOWN, Reason.CLOCK_UNTRUSTED, Reason.CLOSED, Reason.LOCKED_OUT})
"""Told before any PIN, for every card alike."""
