"""What a branch's devices may know of a person, and what they never get."""

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kioskd.domain.card import CodePatterns
from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.vault.verifiers import pack_verifier, to_text
from sync.feed_json import JsonRows
from sync.feed_rows import FeedRow, RestrictionFields, RowRules
from sync.hub.imports.rows import ParserRules
from sync.hub.model import ANY_AGE, AgeState, Branch, Person
from sync.hub.rights import (
    DOOR_KINDS,
    fields,
    may_be_restricted,
    restrictions_alone,
    restrictions_of,
    tells_all,
    turned,
    turns,
    urgent_differs,
)
from sync.hub_wire import RestrictionLine
from tests.hub_core.people import NEAR, branches, persons
from tests.hub_core.world import BCRYPT, ESI, TODAY, TOI, VERIFIER, blocked, person_of

K = RestrictionKind
CHILD = person_of(1, ages={15: AgeState.UNDER})


def kinds(person: Person, branch: Branch = ESI) -> list[RestrictionKind]:
    return [r.kind for r in restrictions_of(person, branch, TODAY, NEAR)]


def test_a_patron_without_restrictions_is_a_card_a_verifier_and_a_reference() -> None:
    row = msgspec.to_builtins(fields(person_of(1), "r" * 22, ESI, TODAY, NEAR))
    given = {name: value for name, value in row.items() if value is not None}
    assert given == {"card": "167A000001", "pin_hash": to_text(VERIFIER), "ref": "r" * 22}


def test_a_block_of_this_branch_or_of_all_goes_out_without_the_branch() -> None:
    for branch in (None, "ESI", "esi"):
        row = fields(blocked(person_of(1), TODAY, branch), "r", ESI, TODAY, NEAR)
        assert row.restrictions == [RestrictionFields(K.SELF_SERVICE_BLOCK, TODAY)]
    assert kinds(blocked(person_of(1), branch="TOI")) == []
    assert kinds(blocked(person_of(1), TODAY - timedelta(days=1))) == []


def test_an_open_end_stays_open_and_the_longest_of_a_kind_counts() -> None:
    person = blocked(blocked(person_of(1), TODAY, "ESI"), date(2027, 5, 31))
    found = restrictions_of(person, ESI, TODAY, NEAR)
    assert found == [RestrictionFields(K.SELF_SERVICE_BLOCK, date(2027, 5, 31))]
    found = restrictions_of(blocked(person), ESI, TODAY, NEAR)
    assert found == [RestrictionFields(K.SELF_SERVICE_BLOCK)]


def test_kinds_of_a_desk_only_where_they_are_evaluated() -> None:
    every = person_of(1, restrictions=tuple(Restriction(kind) for kind in K))
    assert set(kinds(every)) == DOOR_KINDS
    desk = replace(ESI, send_kinds=("fees", "loan-ban"))
    assert set(kinds(every, desk)) == DOOR_KINDS | {K.FEES, K.LOAN_BAN}


@pytest.mark.parametrize(
    ("columns", "branch", "found"),
    [
        ({"terms": False}, TOI, [K.TERMS_MISSING]),
        ({"terms": False}, ESI, []),
        ({"terms": None}, TOI, []),
        ({"ages": {}}, ESI, [K.UNDER_AGE]),
        ({"ages": {}}, replace(ESI, minimum_age=0), []),
        ({"ages": {18: AgeState.REACHED}}, ESI, [K.UNDER_AGE]),
        ({"ages": {ANY_AGE: AgeState.REACHED}}, ESI, []),
        ({"ages": {ANY_AGE: AgeState.REACHED, 15: AgeState.UNDER}}, ESI, [K.UNDER_AGE]),
        ({"ages": {15: TODAY}}, ESI, []),
        ({"ages": {15: TODAY + timedelta(days=NEAR)}}, ESI, []),
        ({"ages": {15: TODAY + timedelta(days=NEAR + 1)}}, ESI, [K.UNDER_AGE]),
        ({"ages": {15: AgeState.UNDER}, "consent": True}, ESI, []),
        ({"ages": {15: AgeState.UNDER}, "consent": ("esi",)}, ESI, []),
        ({"ages": {15: AgeState.UNDER}, "consent": ("TOI",)}, ESI, [K.UNDER_AGE]),
        ({"category": "S"}, replace(ESI, categories=("ST",)), [K.CATEGORY_NOT_ALLOWED]),
        ({"category": None}, replace(ESI, categories=("ST",)), [K.CATEGORY_NOT_ALLOWED]),
        ({"category": "ST"}, replace(ESI, categories=("S", "ST")), []),
        ({"institution": True}, ESI, [K.CATEGORY_NOT_ALLOWED]),
        (
            {"institution": True, "category": "ST"},
            replace(ESI, categories=("ST",)),
            [K.CATEGORY_NOT_ALLOWED],
        ),
        ({"restrictions": (Restriction(K.UNDER_AGE),), "consent": True}, ESI, []),
        ({"restrictions": (Restriction(K.UNDER_AGE),)}, ESI, [K.UNDER_AGE]),
    ],
)
def test_rules_of_a_branch(
    columns: dict[str, Any], branch: Branch, found: list[RestrictionKind]
) -> None:
    assert kinds(person_of(1, **columns), branch) == found


def test_a_locked_account_is_a_use_ban_with_its_code() -> None:
    found = restrictions_of(person_of(1, locked=True), ESI, TODAY, NEAR)
    assert found == [RestrictionFields(K.USE_BAN, code="account-locked")]
    real = person_of(1, locked=True, restrictions=(Restriction(K.USE_BAN, code="R7"),))
    assert restrictions_of(real, ESI, TODAY, NEAR) == [RestrictionFields(K.USE_BAN, code="R7")]


def test_consent_lifts_the_near_day_as_well_and_is_not_sent() -> None:
    soon = person_of(1, ages={15: TODAY + timedelta(days=2)})
    assert fields(soon, "r", ESI, TODAY, NEAR).eligible_from == TODAY + timedelta(days=2)
    row = fields(replace(soon, consent=("ESI",)), "r", ESI, TODAY, NEAR)
    assert (row.eligible_from, row.restrictions, row.consent) == (None, None, None)


def test_category_and_language_stop_here_unless_a_branch_needs_them() -> None:
    person = person_of(1, category="ST", language="sv")
    row = fields(person, "r", ESI, TODAY, NEAR)
    assert (row.category, row.language) == (None, None)
    needs = replace(ESI, categories=("ST",), send_language=True)
    row = fields(person, "r", needs, TODAY, NEAR)
    assert (row.category, row.language) == ("ST", "sv")


def test_plain_bcrypt_and_what_nobody_understands_never_leave() -> None:
    for verifier in (BCRYPT, b"", b"\x09", None):
        assert fields(person_of(1, verifier=verifier), "r", ESI, TODAY, NEAR).pin_hash is None


@given(persons, branches)
def test_nothing_beyond_card_password_and_right_of_use(person: Person, branch: Branch) -> None:
    row = fields(person, "r" * 22, branch, TODAY, NEAR)
    found = row.restrictions or []
    assert {r.kind for r in found} <= DOOR_KINDS | set(branch.send_kinds)
    assert len({r.kind for r in found}) == len(found)
    assert all(r.branch is None and (r.until is None or r.until >= TODAY) for r in found)
    assert row.consent is None
    assert row.deleted is None
    assert row.pin_hash in (None, to_text(VERIFIER))
    assert row.category in (None, person.category if branch.categories else None)
    assert row.language in (None, person.language if branch.send_language else None)
    if row.eligible_from is not None:
        assert TODAY < row.eligible_from <= TODAY + timedelta(days=NEAR)
        assert row.eligible_from in person.ages.values()
    told = {d.isoformat() for d in (row.expires, row.eligible_from, *(r.until for r in found)) if d}
    assert set(re.findall(r"\d{4}-\d\d-\d\d", msgspec.json.encode(row).decode())) == told


@given(persons, branches)
def test_a_device_reads_every_line_and_binds_the_same(person: Person, branch: Branch) -> None:
    row = fields(person, "r" * 22, branch, TODAY, NEAR)
    rules = RowRules(CodePatterns([re.compile("167A[0-9]{6}")]), pack_verifier, TODAY)
    read = JsonRows(rules).parse(1, msgspec.json.encode(row))
    assert isinstance(read, FeedRow)
    credential = read.credential
    assert isinstance(credential, Credential)
    bound = {r.kind for r in credential.restrictions if r.holds(TODAY, branch.code)}
    assert bound == {r.kind for r in row.restrictions or []}
    assert credential.eligible_from == row.eligible_from


@given(persons, branches)
def test_who_is_restricted_is_marked_so(person: Person, branch: Branch) -> None:
    everybody = bool(branch.categories) or branch.minimum_age not in (0, *person.ages)
    if restrictions_alone(person, branch, TODAY, NEAR) and not everybody:
        assert may_be_restricted(person)
    if restrictions_alone(person, branch, TODAY, NEAR) and tells_all(branch):
        assert may_be_restricted(person)


@given(persons, persons, branches, st.booleans())
def test_what_is_not_urgent_changes_no_restriction(
    before: Person, other: Person, branch: Branch, swap: bool
) -> None:
    after = replace(before, expires=other.expires, verifier=other.verifier, language=other.language)
    assert not urgent_differs(before, after)
    assert restrictions_of(after, branch, TODAY, NEAR) == restrictions_of(
        before, branch, TODAY, NEAR
    )
    one, two = (other, before) if swap else (before, other)
    if restrictions_of(one, branch, TODAY, NEAR) != restrictions_of(two, branch, TODAY, NEAR):
        assert urgent_differs(one, two)


def test_urgent_is_what_must_not_wait() -> None:
    urgent: list[dict[str, Any]] = [
        {"restrictions": (Restriction(K.LOST),)},
        {"consent": True},
        {"ages": {15: AgeState.UNDER}},
        {"terms": False},
        {"category": "S"},
        {"locked": True},
        {"institution": True},
    ]
    for columns in urgent:
        assert urgent_differs(person_of(1), person_of(1, **columns))
    assert urgent_differs(None, person_of(1))
    assert urgent_differs(person_of(1), None)
    assert not urgent_differs(None, None)


@given(persons, branches, st.integers(0, 900))
def test_turning_takes_what_is_over_and_nothing_else(
    person: Person, branch: Branch, later: int
) -> None:
    day = TODAY + timedelta(days=later)
    after = turned(person, day)
    following = turns(after, day)
    assert following is None or following > day
    assert fields(after, "r", branch, day, NEAR) == fields(person, "r", branch, day, NEAR)
    assert all(r.until is None or r.until >= day for r in after.restrictions)
    assert turned(after, day) == after
    if after != person:
        assert turns(person, day) == day


def test_a_restriction_lasts_through_its_last_day() -> None:
    person = blocked(person_of(1, ages={15: TODAY + timedelta(days=1)}), TODAY)
    assert turned(person, TODAY) == person
    assert turns(person, TODAY) == TODAY + timedelta(days=1)
    assert turned(person, TODAY + timedelta(days=1)) == person_of(1)


@given(persons, branches)
def test_until_it_turns_a_row_says_the_same_every_day(person: Person, branch: Branch) -> None:
    person = turned(person, TODAY)
    last = turns(person, TODAY)
    days = ((last or TODAY + timedelta(days=20)) - TODAY).days
    rows = {
        msgspec.json.encode(fields(person, "r", branch, TODAY + timedelta(days=n), NEAR))
        for n in range(min(days, 20))
    }
    assert len(rows) == 1


def imported(born: date | None, **columns: Any) -> Person:
    rules = ParserRules(("167A[0-9]{6}",), (13, 15, 18), TODAY, NEAR)
    return person_of(1, ages=rules.age_states(born), **columns)


@given(st.dates(date(1930, 1, 1), TODAY), st.dates(date(1930, 1, 1), TODAY), branches)
def test_two_birth_dates_that_are_not_near_look_the_same(
    one: date, other: date, branch: Branch
) -> None:
    """Whoever has all that a branch gets cannot tell them apart, so no one can compute them."""
    first, second = (imported(born) for born in (one, other))
    limit = branch.minimum_age if branch.minimum_age in (13, 15, 18) else 0
    near = [isinstance(person.ages.get(limit), date) for person in (first, second)]
    assume(not any(near))
    assume(first.ages.get(limit) == second.ages.get(limit))
    assert fields(first, "r", branch, TODAY, NEAR) == fields(second, "r", branch, TODAY, NEAR)
    assert restrictions_alone(first, branch, TODAY, NEAR) == restrictions_alone(
        second, branch, TODAY, NEAR
    )


def test_birth_dates_cannot_be_computed_from_a_whole_cache() -> None:
    """Born on every day of 30 years: any date in a row, moved back by any limit, is tried.

    Those who come of age within the next days are the exception that an offline door needs.
    """
    computed = []
    for back in range(30 * 365):
        born = TODAY - timedelta(days=back)
        person = imported(born)
        lines = [
            fields(person, "r", ESI, TODAY, NEAR),
            RestrictionLine("1", restrictions_alone(person, ESI, TODAY, NEAR)),
        ]
        if born in tried(msgspec.json.encode(lines).decode()):
            computed.append(back)
    near = [TODAY.replace(year=TODAY.year - 15) + timedelta(days=n) for n in range(1, NEAR + 1)]
    assert computed == sorted((TODAY - born).days for born in near)


def tried(lines: str) -> set[date]:
    told = [date.fromisoformat(day) for day in re.findall(r"\d{4}-\d\d-\d\d", lines)]
    return {day.replace(year=day.year - years) for day in told for years in (0, 13, 15, 18)}
