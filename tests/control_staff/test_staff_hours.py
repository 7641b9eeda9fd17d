"""Staff give a date other hours: at once, in their name, and never the past."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime

import pytest

from kioskd import wire
from kioskd.access.schedule import Span, StaffException
from kioskd.control.verbs import Refusal
from tests.control_staff.conftest import PEKKA, Office

HOURS = ["10:00-14:00 self-service", "14:00-16:00 staffed"]


async def _give(office: Office, day: str = "2026-12-24", **changed: object) -> dict[str, object]:
    args = {"date": day, "hours": HOURS, "title": "Aatto", "reason": "short day", **changed}
    return await office.ask("schedule-except", **args)


async def test_a_date_gets_hours_that_outlive_a_restart(office: Office) -> None:
    told = await _give(office)
    assert (told["hours"], told["before"], told["by"]) == (HOURS, None, "maija")
    assert office.reloads == 1
    office.restart()
    spans = tuple(Span.parse(text) for text in HOURS)
    exception = StaffException(date(2026, 12, 24), spans, "Aatto", "maija")
    assert office.stores.state.exceptions() == (exception,)


async def test_no_hours_are_a_closed_day(office: Office) -> None:
    await _give(office, hours=[])
    assert [e.spans for e in office.stores.state.exceptions()] == [()]


async def test_the_journal_says_what_was_and_what_is(office: Office) -> None:
    await _give(office, hours=[])
    await _give(office)
    await office.ask_as(
        PEKKA, "schedule-except", date="2026-12-24", remove=True, hours=[], title="", reason="no"
    )
    rows = [row for row in office.rows() if row["kind"] == "schedule.changed"]
    assert [(r["by"], r["detail"]["before"], r["detail"]["after"]) for r in rows] == [
        ("maija", None, []),
        ("maija", [], HOURS),
        ("pekka", HOURS, None),
    ]
    assert (office.stores.state.exceptions(), office.reloads) == ((), 3)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"day": "2026-11-22"}, "2026-11-22 is past; here it is 2026-11-23"),
        ({"day": "2027-12-29"}, "more than 400 days ahead"),
        ({"day": "9999-12-31"}, "more than 400 days ahead"),
        ({"day": "24.12.2026"}, "'24.12.2026' is no date"),
        ({"hours": None}, "hours: give a list"),
        ({"hours": "10:00-14:00 self-service"}, "hours: give a list"),
        ({"hours": [7]}, "hours: give a list"),
        ({"hours": ["10:00-14:00 open"]}, "is not a state"),
        ({"hours": [*HOURS, "13:00-15:00 staffed"]}, "overlaps"),
        ({"reason": None}, "reason: missing"),
        ({"title": "\x1b[2J"}, "leave out control characters"),
        ({"title": "x" * 61}, "of 1 to 60 characters"),
        ({"remove": True}, "leave out hours and title"),
        ({"remove": "yes"}, "remove: give true or false"),
        ({"closed": True}, "'closed': unknown argument"),
    ],
)
async def test_bad_input_is_told_and_nothing_is_done(
    office: Office, changed: dict[str, object], why: str
) -> None:
    with pytest.raises(Refusal) as told:
        await _give(office, **changed)  # type: ignore[arg-type]
    assert told.value.code == wire.BAD_ARGUMENT
    assert why in told.value.message
    assert (office.stores.state.exceptions(), office.reloads, office.acts()) == ((), 0, [])


async def test_the_day_is_the_site_s_own(office: Office) -> None:
    office.clock.wall = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)  # 00:30 on the 24th there
    with pytest.raises(Refusal, match="2026-11-23 is past"):
        await _give(office, "2026-11-23")
    await _give(office, "2026-11-24")


async def test_a_date_without_hours_of_staff_has_none_to_remove(office: Office) -> None:
    with pytest.raises(Refusal, match="no hours of its own") as told:
        await office.ask("schedule-except", date="2026-12-24", remove=True)
    assert told.value.code == wire.NOT_FOUND


async def test_past_dates_are_forgotten_and_yesterday_is_kept(office: Office) -> None:
    """Yesterday's hours may run on past midnight."""
    for day in ("2026-11-23", "2026-11-24", "2026-12-24"):
        await _give(office, day)
    state = office.stores.state
    assert state.forget_exceptions(date(2026, 11, 24)) == 1  # type: ignore[union-attr]
    assert [e.date.isoformat() for e in state.exceptions()] == ["2026-11-24", "2026-12-24"]


@pytest.mark.parametrize("hours", ["", "{", "7", '["x"]', "[7]", '{"a": 1}', "[[]]"])
async def test_hours_that_were_damaged_are_closed(office: Office, hours: str) -> None:
    await _give(office)
    with closing(sqlite3.connect(office.directory / "state.db")) as connection:
        connection.execute("UPDATE exception SET hours = ?", (hours,))
        connection.commit()
    assert [e.spans for e in office.stores.state.exceptions()] == [()]
