"""First reasons and notices of hand-written cases, against golden_entries.json.

Each case is what differs from an adult with a valid card and the right PIN, on Monday
2026-11-23 in self-service hours, at a door of the branch ESI.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kioskd.access.facts import DoorPolicy, Facts, PinOutcome
from kioskd.access.notices import notice_of
from kioskd.access.policy import decide, evaluate
from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.domain.decision import Reason
from kioskd.domain.hours import HoursState
from kioskd.domain.notice import Notice

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "golden_entries.json").read_text("utf-8")
)
OF_A_CREDENTIAL = {"restrictions", "expires", "eligible_from", "consent", "category"}
AS_THEY_ARE = {
    "lockdown", "clock_trusted", "deny_listed", "allow_listed", "keys_usable", "cache_readable",
    "recently_granted", "register_silent", "inside",
}  # fmt: skip


def restriction(text: str) -> Restriction:
    """`kind[@branch][:until]`, as in a CSV feed."""
    where, _, until = text.partition(":")
    kind, _, branch = where.partition("@")
    last = date.fromisoformat(until) if until else None
    return Restriction(RestrictionKind(kind), last, branch or None)


def credential(case: Mapping[str, Any]) -> Credential | None:
    if "credential" in case:
        return None
    consent = case.get("consent", False)
    return Credential(
        verifier=b"packed",
        restrictions=tuple(map(restriction, case.get("restrictions", ()))),
        expires=date.fromisoformat(case.get("expires", "2028-12-31")),
        eligible_from=date.fromisoformat(case["eligible_from"])
        if "eligible_from" in case
        else None,
        consent=consent if isinstance(consent, bool) else tuple(consent),
        category=case.get("category"),
    )


def facts(case: Mapping[str, Any]) -> Facts:
    known = AS_THEY_ARE | OF_A_CREDENTIAL
    known |= {"door", "hours", "pin", "credential", "locked_for_seconds", "cache_age_hours"}
    assert case.keys() <= known
    door = dict(case.get("door", {}))
    door["categories"] = frozenset(door.get("categories", ()))
    age = case.get("cache_age_hours", 1)
    good = {"lockdown": False, "clock_trusted": True}
    return Facts(
        now=datetime(2026, 11, 23, 10, tzinfo=UTC),
        today=date(2026, 11, 23),
        door=DoorPolicy(branch="ESI", **door),
        hours=HoursState(case.get("hours", "self-service")),
        locked_for=timedelta(seconds=case.get("locked_for_seconds", 0)),
        cache_age=None if age is None else timedelta(hours=age),
        credential=credential(case),
        pin=PinOutcome(case.get("pin", "right")),
        **{**good, **{key: case[key] for key in AS_THEY_ARE & case.keys()}},
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_first_reason_and_the_notice_are_those_of_the_golden_file(case: dict[str, Any]) -> None:
    given = facts(case["facts"])
    decision = decide(given)
    assert decision.reason is Reason(case["reason"])
    assert decision.granted == (case["reason"] == "OK")
    assert notice_of(decision, given) is Notice(case["notice"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_explain_finds_the_reason_of_the_golden_file_first(case: dict[str, Any]) -> None:
    failed = [result.reason for result in evaluate(facts(case["facts"])) if result.passed is False]
    assert Reason(case["reason"]) is next(iter(failed), Reason.OK)


def test_every_reason_of_the_policy_has_a_case() -> None:
    assert len(CASES) >= 60
    named = {case["reason"] for case in CASES}
    assert named == set(Reason) - {Reason.STORE_FAILED}  # decided by the entry, not by policy
