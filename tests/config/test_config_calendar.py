"""Holiday calendars, the drivers that the file may name, and the schedule that comes out."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kioskd.access.schedule import Origin, StaffException, hours_of
from kioskd.config.calendar import holiday_test, schedule_of
from kioskd.config.checks import check
from kioskd.config.hours import spans_of
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.config.vocabulary import BUILT_IN, PLANNED
from kioskd.daemon.device_set import DRIVERS
from kioskd.domain.hours import HoursState
from kioskd.errors import ConfigError

HELSINKI = ZoneInfo("Europe/Helsinki")


@pytest.fixture
def config() -> Config:
    return load(Path(__file__).parents[2] / "config" / "example-many-doors.toml")


def with_calendar(config: Config, code: str) -> Config:
    return replace(config, schedule=replace(config.schedule, holidays=code))


def at(config: Config, *when: int) -> HoursState:
    return schedule_of(config).state_at(datetime(*when, tzinfo=HELSINKI))  # type: ignore[arg-type,misc]


def test_christmas_day_has_the_hours_of_holidays(config: Config) -> None:
    assert at(config, 2026, 12, 25, 10) is HoursState.CLOSED  # a Friday, else staffed
    assert at(config, 2026, 12, 25, 13) is HoursState.SELF_SERVICE


def test_independence_day_has_the_hours_of_its_exception(config: Config) -> None:
    assert at(config, 2026, 12, 6, 13) is HoursState.CLOSED
    assert at(config, 2026, 12, 6, 15) is HoursState.SELF_SERVICE


def test_the_eves_of_midsummer_and_christmas_are_holidays_in_finland(config: Config) -> None:
    is_holiday = holiday_test(config)
    assert is_holiday(date(2026, 6, 19))
    assert is_holiday(date(2026, 12, 24))
    assert not is_holiday(date(2026, 12, 23))


def test_without_a_calendar_no_day_is_a_holiday(config: Config) -> None:
    assert not holiday_test(with_calendar(config, ""))(date(2026, 12, 25))


@pytest.mark.parametrize("code", ["", "FI", "FI-01", "SE"])
def test_known_calendars_are_well(config: Config, code: str) -> None:
    assert check(with_calendar(config, code)) == ()


@pytest.mark.parametrize(
    ("code", "says"), [("XX", "no country with a holiday calendar"), ("FI-99", 'no part "99"')]
)
def test_an_unknown_calendar_is_a_fault(config: Config, code: str, says: str) -> None:
    (line,) = check(with_calendar(config, code))
    assert line.startswith(f"{config.path}: schedule.holidays: ")
    assert says in line
    with pytest.raises(ConfigError):
        schedule_of(with_calendar(config, code))


def test_every_driver_that_a_file_may_name_can_be_made() -> None:
    assert set(BUILT_IN) == set(DRIVERS)
    assert not set(BUILT_IN) & PLANNED


def test_what_staff_set_for_a_date_stands_above_the_file(config: Config) -> None:
    spans = spans_of(["10:00-12:00 staffed"])
    staff = [
        StaffException(date(2026, 12, 6), (), "", "maija"),  # in the file: 14 to 16
        StaffException(date(2026, 12, 25), spans, "Joulupäivä", "maija"),  # a holiday
    ]
    hours = schedule_of(config, extra=hours_of(staff))
    local = (
        datetime(2026, 12, 6, 15, tzinfo=HELSINKI),
        datetime(2026, 12, 25, 10, tzinfo=HELSINKI),
    )
    assert [hours.state_at(at) for at in local] == [HoursState.CLOSED, HoursState.STAFFED]
    assert {hours.origin(at.date()) for at in local} == {Origin.EXCEPTION}
    assert hours.origin(date(2026, 12, 24)) is Origin.HOLIDAY
    assert hours.origin(date(2026, 12, 23)) is Origin.WEEKLY
    assert hours.zone == HELSINKI


def test_the_last_of_two_exceptions_of_a_date_counts() -> None:
    first = StaffException(date(2026, 12, 6), spans_of(["10:00-12:00 staffed"]), "", "maija")
    second = StaffException(date(2026, 12, 6), (), "", "pekka")
    assert hours_of([first, second]) == {date(2026, 12, 6): ()}


@pytest.mark.parametrize("written", [[], ["00:00-24:00 staffed"], ["18:00-02:00 self-service"]])
def test_hours_of_a_date_are_read_as_staff_write_them(written: list[str]) -> None:
    assert [str(span) for span in spans_of(written)] == written


def test_everything_wrong_with_the_hours_of_a_date_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="is not a span") as caught:
        spans_of(["7-10", "08:00-12:00 open", "08:00-12:00 staffed", "11:00-13:00 staffed", "\x1b"])
    faults = str(caught.value).split("; ")
    assert sum("is not a span" in fault for fault in faults) == 2
    assert any('"open" is not a state' in fault for fault in faults)
    assert any('"11:00-13:00 staffed" overlaps "08:00-12:00 staffed"' in fault for fault in faults)
    assert str(caught.value).isprintable()


def test_a_day_has_no_hundred_spans() -> None:
    with pytest.raises(ValueError, match="too many"):
        spans_of(["10:00-10:01 staffed"] * 25)
