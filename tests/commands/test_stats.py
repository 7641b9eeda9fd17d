"""`kioskd stats`: counts by local day and hour, withheld where they would tell of somebody."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kioskd.cli.main import main
from kioskd.domain.decision import DecidedBy, Decision, Reason
from kioskd.domain.record import Kind, Record
from kioskd.store.journal_start import open_journal

NINE = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # 09:00 in Helsinki
HOUR = timedelta(hours=1)
CONFIGURATION = """
[site]
name = "Esimerkkilän kirjasto"
branch = "ESI"
[storage]
directory = "{directory}"
retention_days = 14
[secrets]
device_key = "file:/nowhere"
[cards]
patron = ['\\d{{3}}[A-Z]\\d{{6}}']
[schedule]
holidays = ""
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIGURATION.format(directory=tmp_path / "storage"), encoding="utf-8")
    (tmp_path / "storage").mkdir()
    return path


@pytest.fixture
def counted(config: Path) -> Path:
    """Twelve log-ins at nine, two at ten, seven at eleven next day; one denial, six others."""
    directory = config.parent / "storage"
    file = open_journal(directory, ZoneInfo("Europe/Helsinki"), NINE, "id", None).file
    entries = [
        *((NINE, Reason.OK, "front") for _ in range(12)),
        *((NINE + HOUR, Reason.OK, "front") for _ in range(2)),
        *((NINE + 26 * HOUR, Reason.OK, "front") for _ in range(7)),
        *((NINE, Reason.WRONG_PIN, "front") for _ in range(6)),
        (NINE, Reason.EXPIRED, "back"),
    ]
    for number, (at, reason, door) in enumerate(entries):
        decision = Decision(reason)
        file.append(Record(f"id-{number}", at, Kind.ENTRY_DECIDED, door, decision, DecidedBy.CACHE))
    file.close()
    return config


def stats(config: Path, *options: str, last: str = "2026-11-30") -> int:
    period = ("--from", "2026-11-01", "--to", last)
    return main(["stats", *period, "--config", str(config), *options])


def as_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_exact_counts_by_local_day_and_hour(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stats(counted, "--format", "json", "--exact") == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert "internal use only" in captured.err
    assert (found["from"], found["to"], found["exact"]) == ("2026-11-01", "2026-11-30", True)
    logins, denials = found["tables"]
    assert (logins["what"], logins["door"]) == ("log-ins", "front")
    assert logins["lines"] == [
        {"row": "2026-11-23", "cells": {"09": 12, "10": 2, "11": 0}, "total": 14},
        {"row": "2026-11-24", "cells": {"09": 0, "10": 0, "11": 7}, "total": 7},
    ]
    assert logins["totals"] == {"row": "total", "cells": {"09": 12, "10": 2, "11": 7}, "total": 21}
    assert denials["totals"]["cells"] == {"back": 1, "front": 6}


def test_small_counts_are_withheld_unless_asked_for(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stats(counted, "--json") == 0
    found = as_json(capsys)
    assert found["exact"] is False
    for table in found["tables"]:
        for line in (*table["lines"], table["totals"]):
            shown = [*line["cells"].values(), line["total"]]
            assert not {1, 2, 3, 4} & set(shown)
            assert shown.count(None) != 1
    assert found["tables"][0]["lines"][0]["cells"]["10"] is None


def test_csv_has_one_count_a_line(counted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stats(counted, "--format", "csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {line["n"] for line in lines} >= {"..", "7", "0"}
    of_nine = {(r["row"], r["column"], r["door"]) for r in lines if r["what"] == "log-ins"}
    assert ("2026-11-23", "09", "front") in of_nine
    assert ("2026-11-24", "total", "front") in of_nine
    assert {r["door"] for r in lines if r["what"] == "denials"} == {"back", "front", "total"}


def test_the_table_is_drawn_and_says_what_is_withheld(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stats(counted) == 0
    out = capsys.readouterr().out
    assert "front: log-ins by day and hour" in out
    assert "denials by reason and door" in out
    assert "withheld: 1 to 4" in out


def test_a_long_period_is_counted_by_month(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stats(counted, "--json", "--exact", last="2027-10-31") == 0
    (line,) = as_json(capsys)["tables"][0]["lines"]
    assert (line["row"], line["total"]) == ("2026-11", 21)


def test_a_period_without_entries_is_told(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stats(counted, last="2026-11-02") == 0
    assert "nothing was counted from 2026-11-01 to 2026-11-02" in capsys.readouterr().out
    assert stats(counted, "--json", last="2026-11-02") == 0
    assert as_json(capsys)["tables"] == []


@pytest.mark.parametrize(
    ("last", "told"), [("2026-10-01", "first day first"), ("soon", "2026-11-23")]
)
def test_a_period_that_is_none_is_refused(
    counted: Path, last: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stats(counted, last=last) == 2
    assert told in capsys.readouterr().err


def test_before_the_first_start_there_is_nothing_to_count(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stats(config) == 1
    assert "`kioskd run` begins one" in capsys.readouterr().err
