"""What policy grants, against an oracle that is plain words and no table.

A patron with nothing against them is the ground; each name in FAULTS is one thing that may be
wrong, and a case is any set of them, with or without the allow-list.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from kioskd.access.facts import DoorPolicy, Facts, PinOutcome
from kioskd.access.notices import notice_of
from kioskd.access.policy import decide, evaluate, refused_at_scan
from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.domain.decision import Reason
from kioskd.domain.hours import HoursState
from kioskd.domain.notice import Notice

TODAY = date(2026, 11, 23)
DOOR = DoorPolicy(
    "ESI",
    categories=frozenset({"ADULT"}),
    debarred_blocks=True,
    fees_block=True,
    capacity=40,
)
PATRON = Credential(verifier=b"packed", expires=date(2028, 12, 31), category="ADULT")
GOOD = Facts(
    now=datetime(2026, 11, 23, 10, tzinfo=UTC),
    today=TODAY,
    door=DOOR,
    hours=HoursState.SELF_SERVICE,
    lockdown=False,
    clock_trusted=True,
    cache_age=timedelta(hours=1),
    credential=PATRON,
    pin=PinOutcome.RIGHT,
    inside=0,
)
Change = Callable[[Facts], Facts]


def fact(**changes: object) -> Change:
    return lambda f: replace(f, **changes)  # type: ignore[arg-type]


def card(**changes: object) -> Change:
    def change(f: Facts) -> Facts:
        if f.credential is None:
            return f
        return replace(f, credential=replace(f.credential, **changes))  # type: ignore[arg-type]

    return change


def restricted(kind: RestrictionKind) -> Change:
    def change(f: Facts) -> Facts:
        if f.credential is None:
            return f
        more = (*f.credential.restrictions, Restriction(kind))
        return replace(f, credential=replace(f.credential, restrictions=more))

    return change


FAULTS: dict[str, Change] = {
    "deny-listed": fact(deny_listed=True),
    "lockdown": fact(lockdown=True),
    "clock": fact(clock_trusted=False),
    "closed": fact(hours=HoursState.CLOSED),
    "locked out": fact(locked_for=timedelta(seconds=1)),
    "no keys": fact(keys_usable=False, credential=None),
    "no cache": fact(cache_readable=False, credential=None),
    "unknown": fact(credential=None),
    "wrong PIN": fact(pin=PinOutcome.WRONG),
    "no PIN set": fact(pin=PinOutcome.NOT_SET),
    "not verifiable": fact(pin=PinOutcome.UNVERIFIABLE),
    "not asked": fact(pin=PinOutcome.NOT_ASKED),
    "timed out": fact(pin=PinOutcome.TIMED_OUT),
    "cancelled": fact(pin=PinOutcome.CANCELLED),
    "lost": restricted(RestrictionKind.LOST),
    "old cache": fact(cache_age=timedelta(hours=121)),
    "expired": card(expires=TODAY - timedelta(days=1)),
    "banned": restricted(RestrictionKind.USE_BAN),
    "blocked": restricted(RestrictionKind.SELF_SERVICE_BLOCK),
    "terms": restricted(RestrictionKind.TERMS_MISSING),
    "category": card(category="INSTITUTION"),
    "category says the register": restricted(RestrictionKind.CATEGORY_NOT_ALLOWED),
    "under age": restricted(RestrictionKind.UNDER_AGE),
    "not yet of age": card(eligible_from=TODAY + timedelta(days=1)),
    "debarred": restricted(RestrictionKind.DEBARRED),
    "fees": restricted(RestrictionKind.FEES),
    "full": fact(inside=40),
}
PIN_STEPS = frozenset(
    {"wrong PIN", "no PIN set", "not verifiable", "not asked", "timed out", "cancelled"}
)
# What an entry on the allow-list is let in with all the same. Nothing else is ever let in with.
ALLOW_LISTED_MAY = frozenset(
    {"lockdown", "clock", "closed", "old cache", "expired", "blocked", "terms", "category"}
    | {"category says the register"}
    | {"under age", "not yet of age", "debarred", "fees", "full"}
)


def build(wrong: frozenset[str], *, allowed: bool) -> Facts:
    """Facts with these things wrong, in the order of FAULTS: the last PIN step stands."""
    facts = replace(GOOD, allow_listed=allowed)
    for name, change in FAULTS.items():
        if name in wrong:
            facts = change(facts)
    return facts


def expected(wrong: frozenset[str], *, allowed: bool) -> Reason:  # noqa: C901 -- plain words
    """The first reason in the words of the policy."""
    steps = [name for name in FAULTS if name in wrong & PIN_STEPS]
    if "deny-listed" in wrong:
        return Reason.DENY_LISTED
    if not allowed:
        if "lockdown" in wrong:
            return Reason.LOCKDOWN
        if "clock" in wrong:
            return Reason.CLOCK_UNTRUSTED
        if "closed" in wrong:
            return Reason.CLOSED
    if "locked out" in wrong:
        return Reason.LOCKED_OUT
    if wrong & {"no keys", "no cache"}:
        return Reason.CACHE_UNREADABLE
    if "unknown" in wrong:
        return Reason.UNKNOWN_CARD
    if steps:
        return pin_reason(steps[-1])
    if "lost" in wrong:
        return Reason.CARD_LOST
    return right_of_use(wrong, allowed=allowed)


def pin_reason(step: str) -> Reason:
    if step == "wrong PIN":
        return Reason.WRONG_PIN
    if step == "no PIN set":
        return Reason.PIN_NOT_SET
    if step == "not verifiable":
        return Reason.NOT_KNOWN_OFFLINE
    return Reason.CANCELLED if step == "cancelled" else Reason.PIN_TIMEOUT


def right_of_use(wrong: frozenset[str], *, allowed: bool) -> Reason:  # noqa: C901 -- plain words
    if allowed:
        return Reason.USE_BAN if "banned" in wrong else Reason.OK
    if "old cache" in wrong:
        return Reason.CACHE_TOO_OLD
    if "expired" in wrong:
        return Reason.EXPIRED
    if "banned" in wrong:
        return Reason.USE_BAN
    if "blocked" in wrong:
        return Reason.SELF_SERVICE_BLOCK
    if "terms" in wrong:
        return Reason.TERMS_NOT_ACCEPTED
    if wrong & {"category", "category says the register"}:
        return Reason.CATEGORY_NOT_ALLOWED
    if wrong & {"under age", "not yet of age"}:
        return Reason.UNDER_AGE
    if "debarred" in wrong:
        return Reason.DEBARRED
    if "fees" in wrong:
        return Reason.FEES
    return Reason.FULL if "full" in wrong else Reason.OK


wrongs = st.frozensets(st.sampled_from(sorted(FAULTS)), max_size=6)
few = st.frozensets(st.sampled_from(sorted(ALLOW_LISTED_MAY | {"banned", "lost"})), max_size=4)


def test_only_the_listed_combinations_of_up_to_three_faults_grant() -> None:
    granted = {
        (frozenset(wrong), allowed)
        for size in range(4)
        for wrong in combinations(FAULTS, size)
        for allowed in (False, True)
        if decide(build(frozenset(wrong), allowed=allowed)).granted
    }
    waived = {
        (frozenset(wrong), True)
        for size in range(4)
        for wrong in combinations(ALLOW_LISTED_MAY, size)
    }
    assert granted == waived | {(frozenset(), False)}


@given(st.one_of(wrongs, few), st.booleans())
def test_the_first_reason_is_the_one_that_the_policy_says(
    wrong: frozenset[str], allowed: bool
) -> None:
    facts = build(wrong, allowed=allowed)
    assert decide(facts).reason is expected(wrong, allowed=allowed)


@given(st.one_of(wrongs, few), st.sampled_from(sorted(FAULTS)), st.booleans())
def test_adding_a_failing_fact_never_grants(
    wrong: frozenset[str], more: str, allowed: bool
) -> None:
    facts = build(wrong, allowed=allowed)
    worse = FAULTS[more](facts)
    if not decide(facts).granted:
        assert not decide(worse).granted
        assert not decide(replace(facts, allow_listed=False)).granted
    if more not in ALLOW_LISTED_MAY or not allowed:
        assert not decide(worse).granted


@given(wrongs, st.booleans())
def test_decide_and_explain_agree(wrong: frozenset[str], allowed: bool) -> None:
    facts = build(wrong, allowed=allowed)
    failed = [result.reason for result in evaluate(facts) if result.passed is False]
    assert decide(facts).reason is (failed[0] if failed else Reason.OK)


@given(wrongs, st.booleans(), st.one_of(st.none(), st.just(PATRON)))
def test_what_is_told_at_the_scan_does_not_depend_on_the_patron(
    wrong: frozenset[str], allowed: bool, other: Credential | None
) -> None:
    facts = build(wrong, allowed=allowed)
    assert refused_at_scan(facts) is refused_at_scan(replace(facts, credential=other))
    assert refused_at_scan(facts) is refused_at_scan(replace(facts, deny_listed=True))


without_right_pin = st.sampled_from(
    [PinOutcome.WRONG, PinOutcome.NOT_SET, PinOutcome.TIMED_OUT, PinOutcome.CANCELLED]
)


@given(wrongs.map(lambda wrong: wrong - {"no cache"}), without_right_pin, st.booleans())
def test_without_the_right_pin_every_card_is_shown_what_an_unknown_one_is(
    wrong: frozenset[str], pin: PinOutcome, silent: bool
) -> None:
    facts = replace(build(wrong, allowed=False), pin=pin, register_silent=silent)
    unknown = replace(facts, credential=None, deny_listed=False)
    assert notice_of(decide(facts), facts) is notice_of(decide(unknown), unknown)


@given(wrongs, st.booleans())
def test_granted_is_shown_only_to_who_is_let_in(wrong: frozenset[str], allowed: bool) -> None:
    facts = build(wrong, allowed=allowed)
    decision = decide(facts)
    assert decision.granted == (notice_of(decision, facts) is Notice.GRANTED)
