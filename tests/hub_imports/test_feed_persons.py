"""What a feed's row says of a person, and that no birth date is kept of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.errors import InputError
from sync.feed_rows import BadRow
from sync.hub.imports.feed import FeedParser, person_of
from sync.hub.imports.report import ImportRequest
from sync.hub.imports.rows import ParserRules, PersonRow
from sync.hub.imports.shrink import FEW, judged
from sync.hub.imports.staging import Compared, Pass, RowKind, StagedRow, Staging, StoredDigest
from sync.hub.model import ANY_AGE, AgeState
from tests.hub_imports.world import FEED, TODAY

NEAR = 5
DAY = timedelta(days=1)
UNDER_AGE = Restriction(RestrictionKind.UNDER_AGE)
TERMS = Restriction(RestrictionKind.TERMS_MISSING)
RULES = ParserRules(card_patterns=(r"[0-9]{8}",), ages=(15,), today=TODAY, near_days=NEAR)


def age(credential: Credential) -> AgeState | date:
    return person_of("20000001", credential, TODAY, NEAR).ages[ANY_AGE]


def test_ages() -> None:
    assert age(Credential()) is AgeState.REACHED
    assert age(Credential(restrictions=(UNDER_AGE,))) is AgeState.UNDER
    assert age(Credential(eligible_from=TODAY + DAY)) == TODAY + DAY
    assert age(Credential(eligible_from=TODAY)) is AgeState.REACHED
    assert age(Credential(eligible_from=TODAY + 6 * DAY)) is AgeState.UNDER
    both = Credential(restrictions=(UNDER_AGE,), eligible_from=TODAY + DAY)
    assert age(both) is AgeState.UNDER
    ends = replace(UNDER_AGE, until=TODAY)
    assert age(Credential(restrictions=(ends,))) == TODAY + DAY
    assert age(Credential(restrictions=(replace(UNDER_AGE, until=date.max),))) is AgeState.UNDER


def test_under_age_at_one_branch_stays_there() -> None:
    here = replace(UNDER_AGE, branch="ESI")
    person = person_of("20000001", Credential(restrictions=(here,)), TODAY, NEAR)
    assert person.restrictions == (here,)
    assert person.ages == {ANY_AGE: AgeState.REACHED}


def test_terms() -> None:
    def terms(*restrictions: Restriction) -> tuple[bool | None, tuple[Restriction, ...]]:
        person = person_of("20000001", Credential(restrictions=restrictions), TODAY, NEAR)
        return person.terms, person.restrictions

    assert terms() == (True, ())
    assert terms(TERMS) == (False, ())
    assert terms(replace(TERMS, code="new-2026")) == (False, ())
    here = replace(TERMS, branch="ESI")
    assert terms(here) == (True, (here,))


far = st.dates(TODAY + (NEAR + 1) * DAY, TODAY + timedelta(days=365 * 15))


@given(day=far, as_end=st.booleans(), branch=st.sampled_from([None, "ESI"]))
def test_a_far_day_of_coming_of_age_is_nowhere(day: date, as_end: bool, branch: str | None) -> None:
    until = replace(UNDER_AGE, until=day - DAY, branch=branch)
    credential = Credential(restrictions=(until,)) if as_end else Credential(eligible_from=day)
    told = repr(
        [(p.ages, p.restrictions) for p in (person_of("20000001", credential, TODAY, NEAR),)]
    )
    for near_it in (day - DAY, day):
        assert repr(near_it) not in told


def test_a_file_of_either_format(tmp_path: Path) -> None:
    csv, lines = tmp_path / "a.csv", tmp_path / "a.jsonl"
    csv.write_text("card,ref,deleted\n20000001,r-1,\n20000002,,true\nX,,\n")
    lines.write_text(
        '{"card":"20000001","ref":"r-1"}\n{"card":"20000002","deleted":true}\n{"card":"X"}\n'
    )
    for path in (csv, lines):
        with FeedParser.open(path, RULES) as parser:
            first, second, third = parser.rows()
            assert parser.position == parser.size == path.stat().st_size
        assert isinstance(first, PersonRow)
        assert (first.card, first.identity) == ("20000001", "r-1")
        assert isinstance(second, PersonRow)
        assert (second.person, second.identity) == (None, "20000002")
        assert isinstance(third, BadRow)
        assert third.card == ""


def test_a_personal_column_is_refused_at_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("card,email\n20000001,x\n")
    with pytest.raises(InputError, match="email: personal data"):
        FeedParser.open(path, RULES)


# What of a file counts, against a plain model of it.

cards = st.integers(0, 6).map(lambda n: bytes([n]) * 16)
sources = st.integers(0, 2).map(lambda n: bytes([n]) * 16)
staged = st.builds(
    StagedRow,
    card=cards,
    kind=st.sampled_from([RowKind.PERSON, RowKind.DELETED, RowKind.PATCH, RowKind.BAD]),
    urgent=st.booleans(),
    source=sources,
    sealed=st.binary(max_size=3),
)
stored = st.dictionaries(cards, st.tuples(sources, st.booleans()))


@given(rows=st.lists(staged), held=stored, withdraw=st.booleans(), drop=st.booleans())
def test_what_is_to_be_done(
    rows: list[StagedRow],
    held: dict[bytes, tuple[bytes, bool]],
    withdraw: bool,
    drop: bool,
) -> None:
    staging = Staging()
    for row in rows:
        staging.add([row])
    staging.settle()
    staging.know(StoredDigest(c, source, deleted) for c, (source, deleted) in held.items())
    compared = staging.compare()
    if withdraw:
        staging.withdraw()
    if drop:
        staging.drop_missing()
    tasks = []
    while batch := staging.batch():
        assert len({task.turn for task in batch}) == 1
        tasks += batch
    staging.close()

    last = {row.card: row for row in rows}
    live = {c for c, (_, deleted) in held.items() if not deleted}
    expected = {}
    for c, row in last.items():
        wanted = {
            RowKind.PERSON: c not in live or held[c][0] != row.source,
            RowKind.DELETED: c in live,
            RowKind.PATCH: True,
            RowKind.BAD: withdraw and c in live,
        }[row.kind]
        if wanted:
            urgent = row.urgent or row.kind is RowKind.BAD
            expected[c] = (Pass.URGENT if urgent else Pass.OTHERS, row.kind, row.sealed)
    if drop:
        expected |= dict.fromkeys(live - set(last), (Pass.MISSING, RowKind.MISSING, b""))
    assert {t.card: (t.turn, t.kind, t.sealed) for t in tasks} == expected
    assert [t.turn for t in tasks] == sorted(t.turn for t in tasks)
    assert len(tasks) == len(expected)
    assert compared.live == len(live)
    assert compared.missing == len(live - set(last))
    good = [row for row in rows if row.kind is not RowKind.BAD]
    assert compared.duplicates == len(good) - len({row.card for row in good})


counts = st.integers(0, 200)


@given(
    live=counts,
    deleted=counts,
    withdrawn=counts,
    missing=counts,
    full=st.booleans(),
    confirm=st.booleans(),
    broken=st.booleans(),
    format_=st.sampled_from(["feed", "blocklist-csv"]),
)
def test_a_crowd_never_goes_by_itself(
    live: int,
    deleted: int,
    withdrawn: int,
    missing: int,
    full: bool,
    confirm: bool,
    broken: bool,
    format_: str,
) -> None:
    request = ImportRequest(FEED, format_, full=full, confirm_shrink=confirm)
    compared = Compared(0, 0, 0, live, deleted, withdrawn, missing)
    going = judged(request, compared, broken=broken)
    gone = (withdrawn if going.withdraw else 0) + (missing if going.drop else 0)
    if request.patches:
        assert gone == going.kept_back == 0
    elif full:
        assert gone + going.kept_back == withdrawn + missing
        if broken or (not confirm and 2 * (deleted + withdrawn + missing) > live):
            assert gone == 0
        else:
            assert going.kept_back == 0
    else:
        assert not going.drop
        assert gone + going.kept_back == withdrawn
        assert not (broken and gone > FEW)
