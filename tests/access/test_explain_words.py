"""What staff read beside each rule."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from kioskd.access.explain import detail
from kioskd.access.facts import DoorPolicy, Facts, PinOutcome
from kioskd.access.policy import evaluate
from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.domain.decision import Reason
from kioskd.domain.hours import HoursState

CREDENTIAL = Credential(expires=date(2026, 12, 31), category="ADULT")
DOOR = DoorPolicy("ESI", categories=frozenset({"STAFF", "ADULT"}), capacity=40)
FACTS = Facts(
    now=datetime(2026, 11, 23, 8, tzinfo=UTC),
    today=date(2026, 11, 23),
    door=DOOR,
    hours=HoursState.SELF_SERVICE,
    lockdown=False,
    clock_trusted=True,
    cache_age=timedelta(hours=30),
    credential=CREDENTIAL,
    pin=PinOutcome.RIGHT,
    inside=12,
)


def with_restriction(kind: RestrictionKind, **more: object) -> Facts:
    found = Restriction(kind, **more)  # type: ignore[arg-type]
    return replace(FACTS, credential=replace(CREDENTIAL, restrictions=(found,)))


@pytest.mark.parametrize(
    ("reason", "facts", "words"),
    [
        (Reason.CLOSED, FACTS, "self-service"),
        (Reason.CLOCK_UNTRUSTED, replace(FACTS, clock_trusted=False), "not trusted"),
        (Reason.LOCKED_OUT, replace(FACTS, locked_for=timedelta(seconds=90)), "1.5 minutes left"),
        (Reason.LOCKED_OUT, FACTS, ""),
        (Reason.CACHE_TOO_OLD, FACTS, "30.0 h old, good for 120.0 h"),
        (
            Reason.CACHE_TOO_OLD,
            replace(FACTS, cache_age=None),
            "no feed was imported, or its time lies in the future: import one",
        ),
        (Reason.EXPIRED, FACTS, "valid through 2026-12-31"),
        (Reason.CATEGORY_NOT_ALLOWED, FACTS, "category ADULT; allowed: ADULT, STAFF"),
        (Reason.FULL, FACTS, "12 inside, room for 40"),
        (Reason.FULL, replace(FACTS, inside=None), "nobody is counted"),
        (
            Reason.USE_BAN,
            with_restriction(RestrictionKind.USE_BAN, until=date(2027, 1, 8), branch="ESI"),
            "until 2027-01-08, branch ESI",
        ),
        (
            Reason.USE_BAN,
            with_restriction(RestrictionKind.USE_BAN, code="account-locked"),
            "no end date, every branch, account-locked",
        ),
        (
            Reason.CATEGORY_NOT_ALLOWED,
            with_restriction(RestrictionKind.CATEGORY_NOT_ALLOWED),
            "the register says so for this card: no end date, every branch",
        ),
        (
            Reason.SELF_SERVICE_BLOCK,
            with_restriction(RestrictionKind.SELF_SERVICE_BLOCK),
            "no end date, every branch",
        ),
    ],
)
def test_the_words_beside_a_rule(reason: Reason, facts: Facts, words: str) -> None:
    assert detail(reason, facts) == words


@pytest.mark.parametrize("reason", list(Reason))
def test_an_unknown_card_has_no_words_about_a_person(reason: Reason) -> None:
    nobody = replace(FACTS, credential=None)
    assert detail(reason, nobody) in ("", detail(reason, replace(FACTS, credential=Credential())))


def test_staff_are_told_why_a_card_that_they_enrolled_is_unknown() -> None:
    enrolled = replace(FACTS, credential=None, enrolled_only=True, pin=PinOutcome.WRONG)
    told = {reason: detail(reason, enrolled) for reason in Reason}
    assert "opens nothing until it is allow-listed" in told.pop(Reason.UNKNOWN_CARD)
    assert told == {
        reason: detail(reason, replace(enrolled, enrolled_only=False)) for reason in told
    }


def test_waived_is_said_of_exactly_what_the_allow_list_takes_out_of_force() -> None:
    strict = replace(DOOR, debarred_blocks=True, fees_block=True)
    ordinary = replace(FACTS, door=strict)
    listed = replace(ordinary, allow_listed=True)
    taken_out = {
        before.reason
        for before, after in zip(evaluate(ordinary), evaluate(listed), strict=True)
        if before.passed is not None and after.passed is None
    }
    said = {reason for reason in Reason if detail(reason, listed).startswith("waived")}
    assert said == taken_out
