"""What a Koha export may hold, and what is said of one that may not be loaded."""

import io
import json
import traceback
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.errors import InputError
from sync.hub.imports import koha_rows
from sync.hub.imports.koha import FORMAT, STALE
from sync.hub.imports.koha_formats import FORMATS, koha_parser
from sync.hub.imports.koha_rows import KEYS
from sync.hub.imports.rows import Parser, PersonRow
from sync.hub.imports.source import Source
from sync.hub.model import KohaConfig
from tests.koha.exported import BCRYPT, HEADER, RULES, TODAY, Read, export, patron

KIND = RestrictionKind


def test_a_patron_of_the_export_is_a_person_of_the_hub(read: Read) -> None:
    (row,) = read(export(patron(17))).rows
    assert isinstance(row, PersonRow)
    assert (row.line, row.card, row.identity) == (2, "167A000017", "17")


def test_an_export_that_was_cut_off_is_refused(read: Read) -> None:
    whole = export(patron(1), patron(2))
    lines = whole.splitlines(keepends=True)
    for cut in ("".join(lines[:-1]), "".join(lines[:2]), lines[0], whole[: len(whole) // 2]):
        with pytest.raises(InputError, match="is cut off"):
            read(cut)


def test_an_export_with_another_count_or_after_its_end_is_refused(read: Read) -> None:
    with pytest.raises(InputError, match="has 1 patrons and was sent with 2"):
        read(export(patron(1), count=2))
    with pytest.raises(InputError, match="two exports"):
        read(export(patron(1)) + export(patron(2)))
    first_without_end = "".join(export(patron(1)).splitlines(keepends=True)[:-1])
    with pytest.raises(InputError, match="a second header"):
        read(first_without_end + export(patron(2)))


@pytest.mark.parametrize("text", ["", "\n", "ERROR 1045 (28000): Access denied\n", "<html>", "[]"])
def test_what_has_no_header_is_refused(read: Read, text: str) -> None:
    with pytest.raises(InputError, match=r"is empty|does not begin with the header"):
        read(text)


def test_other_attributes_than_the_hub_knows_refuse_the_export(read: Read) -> None:
    for key in ("ban_attribute", "terms_attribute", "consent_attribute"):
        with pytest.raises(InputError, match=key):
            read(export(header={**HEADER, key: "OTHER"}))
    read.config = KohaConfig(ban_attribute="OTHER")
    assert read(export(header={**HEADER, "ban_attribute": "OTHER"})).rows == []


def test_unknown_and_personal_keys_refuse_the_file_each_by_name(read: Read) -> None:
    debarment = {"type": "MANUAL", "until": None, "comment": "Salaisuus"}
    text = export(
        patron(1),
        patron(2, surname="Salaisuus"),
        patron(3, email="Salaisuus", **{"x\x1b[2J": "Salaisuus"}),
        patron(4, debarments=[debarment]),
    )
    with pytest.raises(InputError) as refused:
        read(text)
    said = str(refused.value)
    for expected in ("line 3: surname", "line 4: email", "line 5: debarments.comment", "x?[2J"):
        assert expected in said
    assert "Salaisuus" not in said
    assert "\x1b" not in said


@pytest.mark.parametrize("key", [key for key in KEYS if key != "card"])
def test_a_key_that_is_missing_leaves_the_card_out(read: Read, key: str) -> None:
    short = {name: value for name, value in patron(1).items() if name != key}
    outcome = read(export(short, patron(2)))
    assert [(bad.line, bad.card, bad.why.split(":")[0]) for bad in outcome.bad()] == [
        (2, "167A000001", key)
    ]
    assert outcome.person("167A000002").card


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("born", "29.2.2012"),
        ("born", "20120229"),
        ("born", "9990-01-01"),
        ("expires", "0000-00-00"),
        ("expires", "2026-02-30"),
        ("ref", "010180-999X"),
        ("ref", "1" * 21),
        ("ref", ""),
        ("lost", "no"),
        ("consent", ["a b"]),
        ("consent", ["B"] * 65),
        ("blocks", [{"branch": "E I", "until": "2026-12-31"}]),
        ("blocks", [{"branch": "ESI", "until": "2026-12-31"}] * 257),
        ("debarments", [{"type": "MANUAL", "until": "soon"}]),
        ("debarments", "MANUAL"),
        ("hash", 5),
    ],
)
def test_a_value_that_cannot_be_taken_is_named_and_not_repeated(
    read: Read, key: str, value: object
) -> None:
    (bad,) = read(export(patron(1, **{key: value}))).bad()
    assert bad.card == "167A000001"
    assert bad.why.startswith(f"{key}:")
    assert "010180" not in bad.why
    assert "2012" not in bad.why


def test_a_card_that_fits_no_pattern_is_a_bad_row_of_nobody(read: Read) -> None:
    (bad,) = read(export(patron(1, card="STAFF-1"))).bad()
    assert bad.card == ""
    assert "STAFF" not in bad.why


def test_a_line_that_is_too_long_or_no_text_is_bad_alone(read: Read) -> None:
    text = export(patron(1), patron(2, category="x" * 70_000), patron(3)).encode()
    text = text.replace(b"167A000003", b"167A\xff\xff")
    outcome = read(text)
    assert [bad.line for bad in outcome.bad()] == [3, 4]
    assert outcome.person().card


@pytest.mark.parametrize(
    "hashed",
    [
        "other",
        "$2x$08$" + BCRYPT[7:],
        "$2a$31$" + BCRYPT[7:],
        BCRYPT[:-1],
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
    ],
)
def test_only_bcrypt_is_a_verifier(read: Read, hashed: str) -> None:
    outcome = read(export(patron(1, hash=hashed)))
    assert outcome.person().verifier is None
    assert outcome.warnings == {koha_rows.OTHER_HASH: 1}


@pytest.mark.parametrize("letter", ["a", "b", "y"])
def test_bcrypt_of_each_letter_is_a_verifier(read: Read, letter: str) -> None:
    hashed = BCRYPT.replace("$2a$", f"$2{letter}$")
    assert read(export(patron(1, hash=hashed))).person().verifier is not None


def test_restrictions_end_after_their_last_day(read: Read) -> None:
    blocks = [{"branch": "ESI", "until": until} for until in ("2026-11-22", "2026-11-23")]
    person = read(export(patron(1, debarred="2026-11-22", blocks=blocks))).person()
    assert person.restrictions == (Restriction(KIND.SELF_SERVICE_BLOCK, TODAY, "ESI"),)


def test_an_open_end_outlasts_every_day(read: Read) -> None:
    debarments = [{"type": "MANUAL", "until": day} for day in ("2027-01-01", None, "2099-01-01")]
    person = read(export(patron(1, debarred="2027-01-01", debarments=debarments))).person()
    assert person.restrictions == (Restriction(KIND.DEBARRED),)
    assert read(export(patron(1, expires="9999-12-31"))).person().expires is None


def test_an_endless_use_ban_is_taken_and_counted(read: Read) -> None:
    ban = {"type": "use_ban ", "until": None}
    short = {"type": "USE_BAN", "until": "2026-12-01"}
    outcome = read(export(patron(1, debarments=[ban]), patron(2, debarments=[short])))
    assert outcome.person().restrictions == (Restriction(KIND.USE_BAN),)
    assert outcome.warnings == {koha_rows.ENDLESS_USE_BAN: 1}


def test_a_category_that_no_branch_could_name_is_left_out_and_counted(read: Read) -> None:
    outcome = read(export(patron(1, category="AIKU 1")))
    assert outcome.person().category is None
    assert outcome.warnings == {koha_rows.ODD_CATEGORY: 1}


@pytest.mark.parametrize(
    ("lang", "language"),
    [("fi-FI", "fi"), ("sv_SE", "sv"), ("en", "en"), ("default", None), ("", None), (None, None)],
)
def test_the_language_is_its_first_part(read: Read, lang: str | None, language: str | None) -> None:
    assert read(export(patron(1, lang=lang))).person().language == language


@pytest.mark.parametrize("kind", ["I", "X"])
def test_a_card_of_an_institution_is_no_persons(read: Read, kind: str) -> None:
    assert read(export(patron(1, category_type=kind))).person().institution


def test_an_old_export_is_taken_and_counted(read: Read) -> None:
    outcome = read(export(header={**HEADER, "exported": "2026-11-20T23:00:00Z"}))
    assert outcome.warnings == {STALE: 1}


def test_removals_are_taken_of_a_delta_only(read: Read) -> None:
    gone = {"card": "167A000005", "ref": "5", "deleted": True}
    (row,) = read(export(gone, header={**HEADER, "kind": "delta"}), full=False).rows
    assert row == PersonRow(2, "167A000005", "5", None)
    assert read(export(gone)).bad()[0].card == "167A000005"


def test_who_was_born_on_29_february_comes_of_age_on_1_march(read: Read) -> None:
    line = patron(1, born="2012-02-29")
    for day, ages in (
        (date(2027, 2, 26), date(2027, 3, 1)),
        (date(2027, 3, 1), "reached"),
        (date(2027, 2, 1), "under"),
    ):
        read.rules = replace(RULES, today=day)
        header = {**HEADER, "exported": f"{day}T01:00:00Z"}
        assert read(export(line, header=header)).person().ages[15] == ages


def test_a_birth_date_is_in_no_row_no_fault_and_no_trace(read: Read, tmp_path: Path) -> None:
    good = patron(1, born="2014-07-19")
    bad = patron(2, born="2014-07-19", debarred="x")
    outcome = read(export(good, bad))
    kept = repr(outcome) + repr(outcome.person().ages) + repr([tuple(r) for r in outcome.rows])
    assert "2014" not in kept
    assert "07-19" not in kept
    cut = export(good, count=7)
    del good, bad, outcome
    said = refusal(tmp_path, cut.encode())
    assert "InputError" in said
    assert "2014" not in said


def refusal(home: Path, text: bytes) -> str:
    """The trace of a refusal, with all that stood in the variables of the code that refused."""
    path = home / "cut"
    path.write_bytes(text)
    with koha_parser(FORMAT, Source.open(path), RULES, KohaConfig(), full=True) as parser:
        try:
            list(parser.rows())
        except InputError as fault:
            inner = fault.__traceback__.tb_next if fault.__traceback__ else None
            trace = traceback.TracebackException(type(fault), fault, inner, capture_locals=True)
            return "".join(trace.format())
    raise AssertionError("was not refused")


def test_each_parser_is_what_an_import_reads_and_closes_twice(tmp_path: Path) -> None:
    for form in FORMATS:
        path = tmp_path / form
        path.write_text("x", encoding="utf-8")
        parser: Parser = koha_parser(form, Source.open(path), RULES, KohaConfig(), full=True)
        assert (parser.size, parser.position) == (1, 0)
        parser.close()
        parser.close()


def test_a_format_that_nobody_knows_is_named_with_those_that_are(tmp_path: Path) -> None:
    source = Source("nothing", io.BytesIO())
    with pytest.raises(InputError, match="blocklist-mv-xml"):
        koha_parser("aurora", source, RULES, KohaConfig(), full=True)
    with pytest.raises(InputError, match="no such file"):
        Source.open(tmp_path / "x")
    with pytest.raises(InputError, match="is a directory"):
        Source.open(tmp_path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
DATES = st.sampled_from(
    [None, "", "2026-11-23", "9999-12-31", "0000-00-00", "0001-01-01", "x" * 10]
)
PATRONS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(KEYS, DATES | VALUES),
).map(lambda given: patron(1, **given))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(patrons=st.lists(PATRONS | VALUES, max_size=4))
def test_any_values_give_rows_or_refuse_the_file(tmp_path: Path, patrons: list[object]) -> None:
    try:
        outcome = Read(tmp_path)(export(*patrons))
    except InputError:
        return
    assert len(outcome.rows) == len(patrons)


HEADERS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(HEADER, VALUES)
    | {
        "exported": st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "x"])
    },
).map(lambda given: {**HEADER, **given})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(header=HEADERS)
def test_any_header_is_taken_or_refuses_the_file(tmp_path: Path, header: dict[str, object]) -> None:
    try:
        outcome = Read(tmp_path)(export(patron(1), header=header))
    except InputError:
        return
    assert outcome.person().card == "167A000001"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=300), after=st.booleans())
def test_any_bytes_give_rows_or_refuse_the_file(tmp_path: Path, data: bytes, after: bool) -> None:
    text = json.dumps(HEADER).encode() + b"\n" + data if after else data
    with pytest.raises(InputError):  # there is no end to it, so it can never be taken whole
        Read(tmp_path)(text)
