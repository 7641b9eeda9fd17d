"""What a feed file may look like, and what is said of one that may not be loaded."""

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.card import CodePatterns, canonical
from kioskd.domain.codes import is_code
from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.errors import InputError
from sync.feed_csv import CsvRows
from sync.feed_file import MAX_LINE, FeedFile, parse_chunk, refuse_unknown
from sync.feed_json import JsonRows
from sync.feed_rows import COLUMNS, BadRow, FeedRow, RowRules

TODAY = date(2026, 11, 23)
PATTERNS = CodePatterns((re.compile(r"\d{3}[A-Z]\d{6}"), re.compile(r"26\d{8}")))


def pack(text: str) -> bytes:
    if not text.startswith("$argon2id$"):
        raise ValueError(text)
    return text.encode()


RULES = RowRules(PATTERNS, pack, TODAY)


def read(path: Path) -> list[FeedRow | BadRow]:
    """Every row of a feed file; InputError when the file is refused."""
    with FeedFile.open(path) as feed:
        parser = feed.format.parser(RULES)
        rows = [row for chunk in feed.chunks(lines=3) for row in parse_chunk(parser, chunk)]
        refuse_unknown(feed.name, parser.unknown)
    return rows


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "feed"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def credential_of(row: FeedRow | BadRow) -> Credential:
    assert isinstance(row, FeedRow), row
    assert row.credential is not None
    return row.credential


FULL_ROW = Credential(
    verifier=b"$argon2id$x",
    restrictions=(
        Restriction(RestrictionKind.USE_BAN, date(2026, 12, 31), "ESI"),
        Restriction(RestrictionKind.LOAN_BAN),
    ),
    expires=date(2027, 5, 31),
    eligible_from=date(2026, 11, 25),
    consent=("ESI", "POR"),
    category="LAPSI",
    language="sv",
    ref="abc-1",
)


def test_a_json_line_with_every_column_becomes_a_credential(tmp_path: Path) -> None:
    line = {
        "card": "]A0*167a006007*",
        "pin_hash": "$argon2id$x",
        "restrictions": [
            {"kind": "use-ban", "until": "2026-12-31", "branch": "ESI"},
            {"kind": "loan-ban"},
        ],
        "expires": "2027-05-31",
        "eligible_from": "2026-11-25",
        "consent": ["ESI", "POR"],
        "category": "LAPSI",
        "language": "sv",
        "ref": "abc-1",
        "deleted": False,
    }
    [row] = read(written(tmp_path, json.dumps(line)))
    assert row == FeedRow(1, "167A006007", FULL_ROW)


def test_a_csv_file_in_any_order_with_a_bom_says_the_same(tmp_path: Path) -> None:
    text = (
        "\ufeffref,restrictions,card,consent,language,category,expires,eligible_from,pin_hash,"
        "deleted\r\n"
        'abc-1,use-ban@ESI:2026-12-31;loan-ban,"167a006007",ESI;POR,sv,LAPSI,2027-05-31,'
        "2026-11-25,$argon2id$x,\r\n"
    )
    assert read(written(tmp_path, text)) == [FeedRow(2, "167A006007", FULL_ROW)]


def test_a_json_file_may_begin_with_a_bom_and_have_blank_lines(tmp_path: Path) -> None:
    text = '\ufeff{"card":"2600000001"}\n\n{"card":"2600000002","expires":"","ref":null}\n'
    rows = read(written(tmp_path, text))
    assert rows == [FeedRow(1, "2600000001", Credential()), FeedRow(3, "2600000002", Credential())]


@pytest.mark.parametrize(
    "text",
    ['{"card":"2600000001","deleted":true}', "card,deleted\n2600000001,true\n"],
    ids=["json", "csv"],
)
def test_a_tombstone_has_no_credential(tmp_path: Path, text: str) -> None:
    [row] = read(written(tmp_path, text))
    assert isinstance(row, FeedRow)
    assert row.credential is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({"card": "999"}, "card: fits none"),
        ({"card": "167N00600712"}, "card: fits none"),
        ({"card": 2600000001}, "card: wanted"),
        ({"pin_hash": "$argon2id$x"}, "card: wanted"),
        ({"card": "2600000001", "pin_hash": "secret-hash"}, "pin_hash: not an argon2id"),
        ({"card": "2600000001", "expires": "31.5.2027"}, "expires: wanted: a date"),
        ({"card": "2600000001", "expires": "2027-02-30"}, "expires: wanted: a date"),
        ({"card": "2600000001", "restrictions": [{"kind": "rude"}]}, "restrictions: wanted"),
        ({"card": "2600000001", "consent": ["E;S"]}, "consent: wanted"),
        ({"card": "2600000001", "language": "finnish!"}, "language: wanted"),
        ({"card": "2600000001", "ref": "Matti Meikäläinen"}, "ref: wanted"),
        ({"card": "2600000001", "ref": "131052-308T"}, "ref: wanted"),
        ({"card": "2600000001", "category": "x" * 33}, "category: wanted"),
        ({"card": "2600000001", "category": "a\x9b2Jb"}, "category: wanted"),
        ({"card": "2600000001", "category": "a b"}, "category: wanted"),
        ({"card": "2600000001", "consent": ["ESI\xa0"]}, "consent: wanted"),
        ({"card": "2600000001", "language": "fi\u200b"}, "language: wanted"),
    ],
)
def test_a_bad_row_is_reported_with_its_line_and_without_its_values(
    tmp_path: Path, line: dict[str, object], why: str
) -> None:
    good = json.dumps({"card": "2600000009"})
    rows = read(written(tmp_path, f"{good}\n{json.dumps(line)}\n{good}\n"))
    assert [type(row) for row in rows] == [FeedRow, BadRow, FeedRow]
    bad = rows[1]
    assert isinstance(bad, BadRow)
    assert bad.line == 2
    assert bad.why.startswith(why)
    for value in ("2600000001", "secret-hash", "Meik", "131052", "rude"):
        assert value not in bad.why


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff\xfe", b'{"card":"26\xff"}', b"null"])
def test_what_is_no_json_object_is_a_bad_row(tmp_path: Path, raw: bytes) -> None:
    rows = read(written(tmp_path, b'{"card":"2600000001"}\n' + raw + b"\n"))
    assert [type(row) for row in rows] == [FeedRow, BadRow]


@pytest.mark.parametrize(
    "line",
    ["2600000001", "2600000001,x,y", '"2600000001,', "2600000001,2027-1-1", "2600000001,20270101"],
)
def test_a_bad_csv_line_spoils_itself_alone(tmp_path: Path, line: str) -> None:
    text = f"card,expires\n{line}\n2600000002,2027-01-01\n"
    rows = read(written(tmp_path, text))
    assert [(type(row), row.line) for row in rows] == [(BadRow, 2), (FeedRow, 3)]


def test_an_endless_line_is_a_bad_row_and_the_next_one_counts(tmp_path: Path) -> None:
    good = '{"card":"2600000001"}\n'
    rows = read(written(tmp_path, good + "x" * (3 * MAX_LINE + 7) + "\n" + good))
    assert rows[1] == BadRow(2, "longer than 64 KiB")
    assert [row.line for row in rows] == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"card;pin_hash\n", "commas"),
        (b"card,card\n", "column card is there twice"),
        (b"card,Mail,Mail\n", "column Mail is there twice"),
        (b"ref,expires\n", "no column card"),
        (b'[{"card":"2600000001"}]', "array"),
        (b"\xff\xfec\x00", "UTF-16"),
        (b"c\xe4rd\n", "UTF-8"),
        (b"x" * (MAX_LINE + 1), "64 KiB"),
    ],
)
def test_a_file_that_is_no_feed_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(written(tmp_path, content))


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nothing")
    with pytest.raises(InputError, match="directory"):
        read(tmp_path)


UNSEEN = ["ESI\xa0", "E\u200bSI", "E SI", "ES\u0301I", "ESI\x9b", "\u3164", " ", "\u202eESI"]


def ban_at(branch: str) -> tuple[str, str]:
    """A ban at a branch, as a JSON file and as a CSV file."""
    line = {"card": "2600000001", "restrictions": [{"kind": "use-ban", "branch": branch}]}
    return json.dumps(line), f"card,restrictions\n2600000001,use-ban@{branch}:2099-01-01\n"


@pytest.mark.parametrize("branch", UNSEEN)
def test_a_ban_at_a_branch_that_cannot_be_read_off_a_screen_is_a_bad_row(
    tmp_path: Path, branch: str
) -> None:
    for text in ban_at(branch):
        [row] = read(written(tmp_path, text))
        assert isinstance(row, BadRow)
        assert row.why.startswith("restrictions: wanted")
        assert row.card == "2600000001"
        assert "2600000001" not in repr(row)


@pytest.mark.parametrize("branch", ["ESI ", " ESI", "\tESI", "esi", "Esi"])
def test_a_ban_binds_at_its_branch_in_any_case_and_beside_blanks(
    tmp_path: Path, branch: str
) -> None:
    for text in ban_at(branch):
        credential = credential_of(read(written(tmp_path, text))[0])
        assert credential.restriction(RestrictionKind.USE_BAN, TODAY, "ESI") is not None
        assert credential.restriction(RestrictionKind.USE_BAN, TODAY, "POR") is None


def test_consent_is_for_a_branch_in_its_own_case_alone(tmp_path: Path) -> None:
    for consent, agreed in ((["ESI "], True), ([" ESI"], True), (["esi"], False)):
        line = json.dumps({"card": "2600000001", "consent": consent})
        assert credential_of(read(written(tmp_path, line))[0]).consents("ESI") is agreed


def test_blanks_around_category_and_language_are_taken_off(tmp_path: Path) -> None:
    line = json.dumps({"card": "2600000001", "category": " LAPSI\t", "language": "fi "})
    expected = Credential(category="LAPSI", language="fi")
    assert credential_of(read(written(tmp_path, line))[0]) == expected


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ('{"card":"]A0*2600000001*","expires":"soon"}', "2600000001"),
        ('{"card":"2600000001","deleted":"perhaps"}', "2600000001"),
        ('{"card":"2600000001","restrictions":[{"kind":"use-bann"}]}', "2600000001"),
        ('{"card":2600000001}', ""),
        ('{"card":"999","expires":"soon"}', ""),
        ('{"card":"2600000001","expires"', ""),
        ("card,restrictions\n2600000001,use-bann\n", "2600000001"),
        ("restrictions,card\nuse-ban,2600000001,x,y\n", "2600000001"),
        ("restrictions,card\nuse-ban\n", ""),
        ('card,restrictions\n2600000001,"use-ban\n', ""),
    ],
)
def test_a_bad_row_tells_its_card_where_that_can_be_read(
    tmp_path: Path, text: str, card: str
) -> None:
    [row] = read(written(tmp_path, text))
    assert isinstance(row, BadRow)
    assert row.card == card


def test_a_birth_date_cannot_be_read_from_a_far_eligible_from(tmp_path: Path) -> None:
    def given_day(day: date) -> Credential:
        line = json.dumps({"card": "2600000001", "eligible_from": day.isoformat()})
        return credential_of(read(written(tmp_path, line))[0])

    assert given_day(TODAY) == Credential()
    near = given_day(TODAY + RULES.near)
    assert near == Credential(eligible_from=TODAY + RULES.near)
    far = given_day(TODAY + RULES.near + timedelta(days=1))
    assert far == Credential(restrictions=(Restriction(RestrictionKind.UNDER_AGE),))


def test_a_restriction_carries_the_code_that_the_register_gave_it(tmp_path: Path) -> None:
    locked = {"kind": "use-ban", "code": "account-locked"}
    line = json.dumps({"card": "2600000001", "restrictions": [locked]})
    found = credential_of(read(written(tmp_path, line))[0])
    assert found.restrictions == (
        Restriction(RestrictionKind.USE_BAN, None, None, "account-locked"),
    )


@pytest.mark.parametrize("code", ["two words", "x" * 33, "a;b", 7])
def test_a_code_that_is_none_spoils_its_row(tmp_path: Path, code: object) -> None:
    locked = {"kind": "use-ban", "code": code}
    line = json.dumps({"card": "2600000001", "restrictions": [locked]})
    (row,) = read(written(tmp_path, line))
    assert isinstance(row, BadRow)
    assert row.why.startswith("restrictions: wanted")
    assert "two words" not in row.why


# Properties

_code = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8).filter(is_code)
_day = st.dates(date(2000, 1, 1), date(2150, 1, 1))
_restriction = st.builds(
    Restriction,
    st.sampled_from(RestrictionKind),
    st.none() | _day,
    st.none() | _code,
)
_credential = st.builds(
    Credential,
    verifier=st.none() | st.just(b"$argon2id$x"),
    restrictions=st.lists(_restriction, max_size=4).map(tuple),
    expires=st.none() | _day,
    eligible_from=st.none(),
    consent=st.booleans() | st.lists(_code, min_size=2, max_size=3).map(tuple),
    category=st.none() | _code,
    language=st.none() | st.sampled_from(["fi", "sv", "en"]),
    ref=st.none() | st.from_regex(r"[a-z]{1,12}", fullmatch=True),
)


def _columns(c: Credential) -> dict[str, object]:
    return {
        "card": "2600000001",
        "pin_hash": c.verifier.decode() if c.verifier else None,
        "restrictions": [
            {"kind": r.kind, "until": r.until and r.until.isoformat(), "branch": r.branch}
            for r in c.restrictions
        ],
        "expires": c.expires and c.expires.isoformat(),
        "consent": c.consent if isinstance(c.consent, bool) else list(c.consent),
        "category": c.category,
        "language": c.language,
        "ref": c.ref,
    }


def _csv_line(c: Credential) -> str:
    def restriction(r: Restriction) -> str:
        branch = f"@{r.branch}" if r.branch else ""
        return f"{r.kind}{branch}" + (f":{r.until}" if r.until else "")

    consent = str(c.consent).lower() if isinstance(c.consent, bool) else ";".join(c.consent)
    cells = _columns(c) | {
        "restrictions": ";".join(map(restriction, c.restrictions)),
        "consent": consent,
    }
    return ",".join("" if cell is None else str(cell) for cell in cells.values())


@given(_credential)
def test_both_formats_carry_any_credential(credential: Credential) -> None:
    columns = _columns(credential)
    as_json = JsonRows(RULES).parse(1, json.dumps(columns).encode())
    as_csv = CsvRows(RULES, list(columns)).parse(1, _csv_line(credential).encode())
    assert as_json == as_csv == FeedRow(1, "2600000001", credential)


@given(st.binary(max_size=300).filter(lambda raw: b"\n" not in raw))
def test_no_line_of_bytes_ends_the_parser_or_passes_for_a_patron(raw: bytes) -> None:
    for parser in (JsonRows(RULES), CsvRows(RULES, COLUMNS)):
        row = parser.parse(7, raw)
        if isinstance(row, FeedRow):
            assert PATTERNS.patron[0].fullmatch(row.card) or PATTERNS.patron[1].fullmatch(row.card)
            assert canonical(row.card) == row.card
        else:
            assert row is None or row.line == 7
