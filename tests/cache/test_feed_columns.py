"""Columns that a feed must not have: each is named, and no value in the place of a name is."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from kioskd.domain.card import CodePatterns
from kioskd.errors import InputError
from sync.feed_file import FeedFile, parse_chunk, refuse_unknown
from sync.feed_rows import BadRow, FeedRow, RowRules

RULES = RowRules(CodePatterns((re.compile(r"26\d{8}"),)), str.encode, date(2026, 11, 23))


def read(path: Path) -> list[FeedRow | BadRow]:
    """Every row of a feed file; InputError when the file is refused."""
    with FeedFile.open(path) as feed:
        parser = feed.format.parser(RULES)
        rows = [row for chunk in feed.chunks() for row in parse_chunk(parser, chunk)]
        refuse_unknown(feed.name, parser.unknown)
    return rows


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "feed"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_unknown_and_personal_column_of_a_csv_file_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "card,Sukunimi,hetu,pin_hsh,expires\n")
    with pytest.raises(InputError) as refused:
        read(path)
    lines = str(refused.value).splitlines()
    assert [line for line in lines if "column Sukunimi: personal data" in line]
    assert [line for line in lines if "column hetu: personal data" in line]
    assert [line for line in lines if "column pin_hsh: unknown; did you mean pin_hash?" in line]
    assert not [line for line in lines if "column expires" in line]


def test_every_unknown_key_of_a_json_file_is_named_wherever_it_is(tmp_path: Path) -> None:
    rows = [{"card": f"26{n:08}"} for n in range(20)]
    rows[4]["email"] = "matti@example.invalid"
    rows[9]["restrictions"] = [{"kind": "use-ban", "note": "rowdy"}]  # type: ignore[assignment]
    rows[19]["birth_date"] = "2010-01-01"
    path = written(tmp_path, "".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError) as refused:
        read(path)
    text = str(refused.value)
    assert "line 5: column email: personal data" in text
    assert "line 10: column restrictions.note: personal data" in text
    assert "line 20: column birth_date: personal data" in text
    assert "matti" not in text
    assert "rowdy" not in text


def test_a_column_name_cannot_drive_a_terminal(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read(written(tmp_path, json.dumps({"card": "2600000001", "\x1b[2Jx": 1})))
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "2600000001,$2a$08$abcdefghijklmnopqrstuu,,2028-01-01",
        "2600000001,2028-01-01,2028-01-01",
        "2600000001,Virtanen,Virtanen",
        "2600000001",
        "2600000001,Virtanen,card",
        "2600000001,2600000001,card",
        "card,2600000001.x,restrictions.2600000001",
    ],
)
def test_a_file_without_a_header_is_told_without_its_values(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError) as refused:
        read(written(tmp_path, f"\n{line}\n"))
    told = str(refused.value)
    assert "line 2" in told
    for value in ("2600000001", "2a$08", "2028"):
        assert value not in told
    if "card" not in line:
        assert "line 2 is no header of a feed" in told
        assert "Virtanen" not in told


def test_a_key_that_may_be_a_value_is_told_without_it(tmp_path: Path) -> None:
    row = {"card": "2600000001", "2600000002": 1, "restrictions": [{"2600000003": 1, "a.b": 2}]}
    with pytest.raises(InputError) as refused:
        read(written(tmp_path, json.dumps(row)))
    told = str(refused.value)
    assert "260000000" not in told
    assert "line 1: a column with a name that is none" in told
    assert told.count("line 1: a column in restrictions with a name that is none") == 1
