"""A year's counts: tables that may be published together, CSV, JSON and the picture."""

import csv
import io
import xml.etree.ElementTree as ET
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from sync.hub.database import Database
from sync.hub.schema import TALLY
from sync.hub.stats import COUNTED, HOURS, WEEKDAYS, Sheet, Tally, Town, sheets
from sync.hub.stats_forms import HEADER, WITHHELD, as_csv, as_json
from sync.hub.stats_plot import heat_maps
from sync.hub.stats_read import tallies

TOWNS = (Town("esimerkkila", ("ESI", "ETE")), Town("naapurila", ("NAA",)))
YEAR = 2026
SVG = "{*}"  # in whatever namespace


def tally(n: int, *, branch: str = "ESI", month: int = 3, day: int = 0, hour: int = 9) -> Tally:
    return Tally(branch, month, day, hour, "login", n)


def of(found: list[Sheet], branch: str, rows: str = "weekday") -> Sheet:
    (sheet,) = (s for s in found if s.branch == branch and s.rows == rows)
    return sheet


def test_a_year_is_counted_by_month_and_by_hour() -> None:
    counted = [tally(20), tally(30, hour=10), tally(40, month=4), tally(50, branch="ETE")]
    found = sheets(counted, TOWNS, YEAR)
    assert [(s.branch, s.rows, s.columns) for s in found] == [
        ("ESI", "branch", "month"),
        ("ETE", "branch", "month"),
        ("ESI", "weekday", "hour"),
        ("ETE", "weekday", "hour"),
    ]
    assert found[0].table.cells[0] == (0, 0, 50, 40, *[0] * 8, 90)
    assert found[1].table.total == 50
    assert found[2].table.columns == ("09", "10")
    assert found[2].table.cells[0] == (60, 30, 90)


def test_a_small_month_takes_the_next_smallest_with_it() -> None:
    counted = [tally(n, month=m) for m, n in ((1, 60), (2, 3), (3, 20), (4, 30))]
    table = of(sheets(counted, TOWNS, YEAR), "ESI", "branch").table
    assert table.cells[0][:4] == (60, None, None, 30)
    assert table.total == 113


def test_a_small_branch_takes_nothing_from_another() -> None:
    counted = [tally(30), tally(3, branch="ETE")]
    found = sheets(counted, TOWNS, YEAR)
    assert of(found, "ESI").table.total == 30
    assert of(found, "ETE").withheld


def test_a_count_below_five_is_withheld_and_others_with_it() -> None:
    counted = [tally(n, day=d, hour=h) for d in (0, 1, 2) for h, n in ((8, 30), (9, 40 + d))]
    counted.append(tally(3, day=1, hour=10))
    counted += [tally(20, day=d, hour=10) for d in (0, 2)]
    table = of(sheets(counted, TOWNS, YEAR), "ESI").table
    hidden = [(r, c) for r, line in enumerate(table.cells) for c, n in enumerate(line) if n is None]
    assert (1, 2) in hidden
    assert len(hidden) == 4
    assert table.total == sum(t.n for t in counted)


def test_hours_are_not_shown_where_the_year_of_a_branch_is_withheld() -> None:
    """Months and hours count the same people: a total that one hides, the other must not tell."""
    counted = [tally(3), tally(50, branch="ETE")]
    found = sheets(counted, TOWNS, YEAR)
    assert of(found, "ESI", "branch").table.total is None
    esi = of(found, "ESI")
    assert esi.withheld
    assert {n for line in esi.table.cells for n in line} == {None}
    assert (esi.table.rows, esi.table.columns) == (WEEKDAYS, HOURS)


def test_a_municipality_is_counted_alone() -> None:
    """What is published of one does not depend on another, nor on which is asked for."""
    mine = [tally(20), tally(3, month=4), tally(9, branch="ETE"), tally(8, month=4, branch="ETE")]
    alone = sheets(mine, TOWNS, YEAR)
    beside = sheets([*mine, tally(2, branch="NAA")], TOWNS, YEAR)
    assert [s for s in beside if s.municipality == "esimerkkila"] == alone


def test_a_branch_that_nobody_answers_for_is_left_out() -> None:
    assert sheets([tally(50, branch="GONE")], TOWNS, YEAR) == []


def test_denials_are_counted_by_reason_and_never_as_log_ins() -> None:
    counted = [Tally("ESI", 1, 0, 9, f"denied:{why}", n) for why, n in (("EXPIRED", 7),)]
    counted.append(Tally("ETE", 1, 0, 9, "denied:WRONG_PIN", 30))
    (sheet,) = sheets(counted, TOWNS, YEAR)
    assert (sheet.what, sheet.rows, sheet.columns) == ("denials", "reason", "branch")
    assert sheet.table.rows == ("EXPIRED", "WRONG_PIN")
    assert sheet.table.cells[0] == (7, 0, 7)


@pytest.mark.parametrize(("what", "named"), COUNTED.items())
def test_loans_returns_and_renewals_have_tables_of_their_own(what: str, named: str) -> None:
    counted = [Tally("ESI", 1, 0, 9, what, 40), Tally("ESI", 1, 0, 9, "other", 40)]
    assert {s.what for s in sheets(counted, TOWNS, YEAR)} == {named}


@given(
    st.lists(
        st.builds(
            tally,
            st.integers(1, 9),
            branch=st.sampled_from(["ESI", "ETE", "NAA"]),
            month=st.integers(1, 3),
            day=st.integers(0, 2),
            hour=st.integers(8, 10),
        ),
        max_size=12,
    )
)
def test_no_small_count_is_ever_shown(counted: list[Tally]) -> None:
    for sheet in sheets(counted, TOWNS, YEAR):
        assert all(n is None or n == 0 or n >= 5 for line in sheet.table.cells for n in line)


def test_csv_is_that_of_the_standard() -> None:
    text = as_csv(sheets([tally(20), tally(3, hour=10), tally(30, month=5)], TOWNS, YEAR))
    assert text.count("\r\n") == text.count("\n")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(lines[0]) == HEADER
    months = {line["column"]: line["n"] for line in lines if line["columns"] == "month"}
    assert (months["2026-05"], months["2026-06"], months["total"]) == ("30", "0", "53")
    assert {line["row"] for line in lines if line["columns"] == "month"} == {"ESI"}
    assert WITHHELD in {line["n"] for line in lines}
    assert not {line["n"] for line in lines} & {"1", "2", "3", "4"}


def test_json_says_null_for_what_is_withheld() -> None:
    told = as_json(sheets([tally(3)], TOWNS, YEAR), YEAR)
    assert told["year"] == YEAR
    tables = told["tables"]
    assert isinstance(tables, list)
    assert tables[1]["withheld"] is True
    assert tables[0]["totals"]["total"] is None


def test_the_picture_tells_in_words_what_its_colours_tell() -> None:
    counted = [tally(20), tally(200, hour=10), tally(3, branch="ETE"), tally(60, month=5)]
    root = ET.fromstring(heat_maps(sheets(counted, TOWNS, YEAR), YEAR))  # noqa: S314
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == "title desc"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "Log-ins by weekday and hour, 2026"
    assert desc is not None
    assert desc.text is not None
    assert "ETE: too few to show." in desc.text
    assert "ESI: 280 in all, most on monday at 10: 200." in desc.text
    told = [text.text for text in root.iterfind(f".//{SVG}text")]
    assert {"none", "few", "some", "many", "most", "withheld", "200", "80"} <= set(told)
    assert "3" not in told


def test_a_picture_of_nothing_says_so() -> None:
    root = ET.fromstring(heat_maps([], YEAR))  # noqa: S314
    desc = root.find(f"{SVG}desc")
    assert desc is not None
    assert desc.text == "Nothing was counted in 2026."


def test_names_cannot_break_the_picture() -> None:
    town = (Town("a<b&c", ("<X>",)),)
    drawn = heat_maps(sheets([tally(50, branch="<X>")], town, YEAR), YEAR)
    told = [text.text for text in ET.fromstring(drawn).iterfind(f".//{SVG}text")]  # noqa: S314
    assert "<X> (a<b&c): 50 log-ins" in told


async def test_counts_are_read_alike_from_both_databases(database: Database) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(0, 365, 31)]
    rows = [
        {"branch": "ESI", "day": day.isoformat(), "hour": 9, "what": "login", "n": n}
        for n, day in enumerate(days, 1)
    ]
    other = {"branch": "ESI", "hour": 9, "what": "login", "n": 99}
    rows += [{**other, "day": "2025-12-31"}, {**other, "day": "2027-01-01"}]
    async with database.writing() as connection:
        await connection.execute(insert(TALLY), rows)
    found = await tallies(database, 2026)
    wanted = [Tally("ESI", d.month, d.weekday(), 9, "login", n) for n, d in enumerate(days, 1)]
    assert sorted(found) == sorted(wanted)
