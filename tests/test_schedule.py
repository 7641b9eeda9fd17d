"""Opening hours: stories first, then tiles of seven years, then an oracle on wall times."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.access.schedule import MINUTES_PER_DAY, SEARCH_DAYS, Schedule, Span
from kioskd.domain.hours import HoursState

CLOSED, SELF_SERVICE, STAFFED = HoursState.CLOSED, HoursState.SELF_SERVICE, HoursState.STAFFED
HELSINKI = ZoneInfo("Europe/Helsinki")
SANTIAGO = ZoneInfo("America/Santiago")  # southern; its clocks change at midnight
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # southern; its clocks change by half an hour
SPRING = date(2026, 3, 29)  # Helsinki: 03:00 becomes 04:00
AUTUMN = date(2026, 10, 25)  # Helsinki: 04:00 becomes 03:00
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def spans(*written: str) -> tuple[Span, ...]:
    return tuple(Span.parse(text) for text in written)


def no_holiday(day: date) -> bool:
    return False


def schedule(
    weekly: Mapping[int, Sequence[str]] | Sequence[str],
    exceptions: Mapping[date, Sequence[str]] | None = None,
    holidays: Mapping[date, Sequence[str]] | None = None,
    zone: ZoneInfo = HELSINKI,
) -> Schedule:
    """`weekly` by weekday (Monday is 0), or one row for every day."""
    rows = weekly if isinstance(weekly, Mapping) else dict.fromkeys(range(7), weekly)
    days = holidays or {}
    return Schedule(
        [spans(*rows.get(weekday, ())) for weekday in range(7)],
        {day: spans(*row) for day, row in (exceptions or {}).items()},
        spans(*next(iter(days.values()), ())),
        days.__contains__,
        zone,
    )


def wall(day: date, text: str, *, fold: int = 0, zone: ZoneInfo = HELSINKI) -> datetime:
    return datetime.combine(day, time.fromisoformat(text), zone).replace(fold=fold)


WEEK = {
    0: ["07:00-10:00 self-service", "10:00-18:00 staffed", "18:00-21:00 self-service"],
    4: ["18:00-02:00 self-service"],
}
MONDAY, FRIDAY, SATURDAY = date(2026, 11, 23), date(2026, 11, 27), date(2026, 11, 28)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("06:59", CLOSED),
        ("07:00", SELF_SERVICE),
        ("09:59", SELF_SERVICE),
        ("10:00", STAFFED),
        ("18:00", SELF_SERVICE),
        ("21:00", CLOSED),
    ],
)
def test_a_monday_goes_through_its_states(text: str, state: HoursState) -> None:
    assert schedule(WEEK).state_at(wall(MONDAY, text)) is state


def test_a_friday_evening_runs_into_saturday() -> None:
    hours = schedule(WEEK)
    assert hours.state_at(wall(FRIDAY, "23:59")) is SELF_SERVICE
    assert hours.state_at(wall(SATURDAY, "01:59")) is SELF_SERVICE
    assert hours.state_at(wall(SATURDAY, "02:00")) is CLOSED


def test_the_friday_evening_stays_open_when_saturday_is_closed_by_an_exception() -> None:
    hours = schedule(WEEK, exceptions={SATURDAY: ()})
    assert hours.state_at(wall(SATURDAY, "01:00")) is SELF_SERVICE


def test_an_exception_on_friday_takes_its_evening_away_whole() -> None:
    hours = schedule(WEEK, exceptions={FRIDAY: ("10:00-12:00 staffed",)})
    assert hours.state_at(wall(FRIDAY, "19:00")) is CLOSED
    assert hours.state_at(wall(SATURDAY, "01:00")) is CLOSED


def test_saturdays_own_hours_win_over_what_runs_on_from_friday() -> None:
    hours = schedule(WEEK, exceptions={SATURDAY: ("01:00-24:00 closed",)})
    assert hours.state_at(wall(SATURDAY, "00:59")) is SELF_SERVICE
    assert hours.state_at(wall(SATURDAY, "01:00")) is CLOSED


def test_exceptions_win_over_holidays_and_holidays_over_the_week() -> None:
    holiday = {MONDAY: ("12:00-14:00 self-service",), FRIDAY: ("12:00-14:00 self-service",)}
    hours = schedule(WEEK, exceptions={FRIDAY: ("08:00-09:00 staffed",)}, holidays=holiday)
    assert hours.state_at(wall(MONDAY, "11:00")) is CLOSED
    assert hours.state_at(wall(MONDAY, "13:00")) is SELF_SERVICE
    assert hours.state_at(wall(FRIDAY, "13:00")) is CLOSED
    assert hours.state_at(wall(FRIDAY, "08:30")) is STAFFED


def test_a_whole_day_is_open_to_its_last_microsecond() -> None:
    hours = schedule({0: ["00:00-24:00 self-service"]})
    midnight = wall(MONDAY + DAY, "00:00")
    assert hours.state_at(midnight - timedelta(microseconds=1)) is SELF_SERVICE
    assert hours.state_at(midnight) is CLOSED


def test_spring_starts_hours_of_the_missing_hour_at_the_change() -> None:
    hours = schedule(["03:30-05:00 staffed"])
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert hours.next_opening(wall(SPRING, "00:00")) == change
    assert hours.next_change(change) == wall(SPRING, "05:00")


def test_spring_leaves_nothing_of_hours_within_the_missing_hour() -> None:
    hours = schedule(["03:10-03:50 staffed"])
    assert [tile.state for tile in hours.tiles(SPRING, SPRING)] == [CLOSED]
    assert STAFFED in [tile.state for tile in hours.tiles(SPRING + DAY, SPRING + DAY)]


def test_autumn_ends_hours_at_the_first_of_two_such_times_and_for_good() -> None:
    hours = schedule(["00:00-03:30 self-service"])
    assert hours.state_at(wall(AUTUMN, "03:29")) is SELF_SERVICE
    assert hours.state_at(wall(AUTUMN, "03:30")) is CLOSED
    assert hours.state_at(wall(AUTUMN, "03:10", fold=1)) is CLOSED


def test_autumn_begins_hours_at_the_first_of_two_such_times_and_keeps_them() -> None:
    hours = schedule(["03:30-04:00 staffed"])
    (staffed,) = [tile for tile in hours.tiles(AUTUMN, AUTUMN) if tile.state is STAFFED]
    assert staffed.end - staffed.start == timedelta(minutes=90)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (MONDAY, 24)])
def test_an_open_day_lasts_as_long_as_the_day_does(day: date, hours: int) -> None:
    (tile,) = schedule(["00:00-24:00 self-service"]).tiles(day, day)
    assert tile.end - tile.start == timedelta(hours=hours)


def test_open_now_is_the_next_opening() -> None:
    now = wall(MONDAY, "08:00")
    assert schedule(WEEK).next_opening(now) == now


def test_after_monday_the_next_opening_is_friday_evening() -> None:
    assert schedule(WEEK).next_opening(wall(MONDAY, "21:00")) == wall(FRIDAY, "18:00")


def test_a_library_that_never_opens_has_no_next_opening() -> None:
    hours = schedule({})
    assert hours.next_opening(wall(MONDAY, "12:00")) is None
    assert hours.next_change(wall(MONDAY, "12:00")) is None


def test_an_opening_a_year_ahead_is_found() -> None:
    far = MONDAY + (SEARCH_DAYS - 1) * DAY
    hours = schedule({}, exceptions={far: ("12:00-13:00 staffed",)})
    assert hours.next_opening(wall(MONDAY, "12:00")) == wall(far, "12:00")


def test_midnight_between_two_open_days_is_no_change() -> None:
    hours = schedule(["00:00-24:00 self-service"], exceptions={SATURDAY: ("09:00-10:00 staffed",)})
    assert hours.next_change(wall(MONDAY, "12:00")) == wall(SATURDAY, "00:00")


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        schedule(WEEK).state_at(datetime(2026, 11, 23, 8))  # noqa: DTZ001 -- the fault meant


def test_a_week_of_six_days_is_refused() -> None:
    with pytest.raises(ValueError, match="7 rows"):
        Schedule([()] * 6, {}, (), no_holiday, HELSINKI)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("07:00-10:00 self-service", Span(420, 600, SELF_SERVICE)),
        (" 7:00 - 10:00   staffed ", Span(420, 600, STAFFED)),
        ("18:00-02:00 self-service", Span(1080, 1560, SELF_SERVICE)),
        ("00:00-24:00 self-service", Span(0, 1440, SELF_SERVICE)),
        ("18:00-00:00 staffed", Span(1080, 1440, STAFFED)),
        ("00:00-01:00 closed", Span(0, 60, CLOSED)),
    ],
)
def test_hours_are_read_as_written(text: str, span: Span) -> None:
    assert Span.parse(text) == span
    assert Span.parse(str(span)) == span


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("07:00 self-service", "write it like"),
        ("", "write it like"),
        ("07:00-10:00", "write it like"),
        ("٠٧:00-10:00 staffed", "write it like"),
        ("07:60-10:00 staffed", "07:60"),
        ("07:00-24:01 staffed", "24:01"),
        ("07:00-25:00 staffed", "25:00"),
        ("24:00-01:00 staffed", "00:00 of the next day"),
        ("07:00-07:00 staffed", "00:00-24:00"),
        ("07:00-10:00 open", "self-service"),
    ],
)
def test_hours_that_cannot_be_read_say_why(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Span.parse(text)


@pytest.mark.parametrize(("start", "end"), [(-1, 60), (1440, 1500), (60, 60), (60, 1501)])
def test_a_span_is_within_a_day(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="span"):
        Span(start, end, STAFFED)


# Seven years


def seven_years() -> tuple[date, date]:
    return date(2024, 1, 1), date(2030, 12, 31)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day: no earlier one has that date."""
    at = datetime.combine(day, time(), zone).astimezone(UTC)
    while (at - MINUTE).astimezone(zone).date() >= day:
        at -= MINUTE
    return at


@pytest.mark.parametrize("zone", [HELSINKI, SANTIAGO, LORD_HOWE], ids=str)
@pytest.mark.parametrize(
    "row",
    [
        ["03:00-04:00 self-service", "04:00-12:30 staffed", "22:00-03:00 self-service"],
        ["00:00-24:00 self-service"],
        ["00:00-00:30 staffed", "02:15-02:45 staffed", "23:15-24:00 self-service"],
        [],
    ],
    ids=["past-midnight", "always", "at-the-changes", "never"],
)
def test_seven_years_are_tiled_without_gap_or_overlap(row: list[str], zone: ZoneInfo) -> None:
    first, last = seven_years()
    exceptions = {first + 97 * n * DAY: ("10:00-01:00 staffed",) for n in range(26)}
    holidays = {first + 61 * n * DAY: ("12:00-14:00 staffed",) for n in range(42)}
    hours = schedule(row, exceptions, holidays, zone)
    tiles = list(hours.tiles(first, last))
    assert tiles[0].start == midnight(first, zone)
    assert tiles[-1].end == midnight(last + DAY, zone)
    for one, other in pairwise(tiles):
        assert one.start < one.end == other.start
        assert one.state is not other.state
    assert {tile.state for tile in tiles} >= {CLOSED, STAFFED}


@pytest.mark.parametrize("zone", [HELSINKI, SANTIAGO, LORD_HOWE], ids=str)
def test_each_day_of_seven_years_is_tiled_by_itself(zone: ZoneInfo) -> None:
    first, last = seven_years()
    hours = schedule(["03:00-12:30 staffed", "22:00-02:30 self-service"], zone=zone)
    lengths = set()
    for offset in range((last - first).days + 1):
        day = first + offset * DAY
        tiles = list(hours.tiles(day, day))
        assert (tiles[0].start, tiles[-1].end) == (midnight(day, zone), midnight(day + DAY, zone))
        assert all(one.end == other.start for one, other in pairwise(tiles))
        lengths.add(tiles[-1].end - tiles[0].start)
    assert len(lengths) == 3  # the two clock changes were among them


# An oracle on wall times: the furthest that the clock on the wall has been


Rules = tuple[
    dict[int, tuple[Span, ...]], dict[date, tuple[Span, ...]], set[date], tuple[Span, ...]
]


def furthest_walls(
    start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """Each minute with the latest time that the wall clock has shown until then."""
    at, furthest = start - timedelta(hours=3), datetime.min  # noqa: DTZ901 -- a wall time
    while at < end:
        furthest = max(furthest, at.astimezone(zone).replace(tzinfo=None))
        if at >= start:
            yield at, furthest
        at += MINUTE


def spoken_state(rules: Rules, shown: datetime) -> HoursState:
    """What a person would say with the rules in hand and one glance at the clock."""
    today, yesterday = shown.date(), shown.date() - DAY
    minute = shown.hour * 60 + shown.minute
    for day, passed in ((today, minute), (yesterday, minute + MINUTES_PER_DAY)):
        weekly, exceptions, holidays, holiday_hours = rules
        row = holiday_hours if day in holidays else weekly.get(day.weekday(), ())
        for span in exceptions.get(day, row):
            if span.start_minute <= passed < span.end_minute:
                return span.state
    return CLOSED


starts = st.integers(0, MINUTES_PER_DAY - 1)
lengths = st.one_of(st.integers(1, 200), st.integers(1, MINUTES_PER_DAY))
a_span = st.builds(
    lambda start, length, state: Span(start, start + length, state),
    starts,
    lengths,
    st.sampled_from(HoursState),
)
rows = st.lists(a_span, max_size=3).map(tuple)
places = st.sampled_from(
    [
        (HELSINKI, SPRING),
        (HELSINKI, AUTUMN),
        (HELSINKI, MONDAY),
        (SANTIAGO, date(2026, 4, 4)),  # 24:00 becomes 23:00
        (SANTIAGO, date(2026, 9, 6)),  # 00:00 becomes 01:00
        (LORD_HOWE, date(2026, 4, 5)),
        (LORD_HOWE, date(2026, 10, 4)),
    ]
)


@st.composite
def a_case(draw: st.DrawFn) -> tuple[ZoneInfo, date, Rules]:
    zone, day = draw(places)
    near = [day + n * DAY for n in (-1, 0, 1)]
    weekly = {d.weekday(): draw(rows) for d in near}
    exceptions = draw(st.dictionaries(st.sampled_from(near), rows, max_size=1))
    holidays = draw(st.sets(st.sampled_from(near), max_size=1))
    return zone, day, (weekly, exceptions, holidays, draw(rows))


def built(zone: ZoneInfo, rules: Rules) -> Schedule:
    weekly, exceptions, holidays, holiday_hours = rules
    week = [weekly.get(weekday, ()) for weekday in range(7)]
    return Schedule(week, exceptions, holiday_hours, holidays.__contains__, zone)


@settings(max_examples=60, deadline=None)
@given(a_case())
def test_every_minute_has_the_state_that_the_rules_give_it(
    case: tuple[ZoneInfo, date, Rules],
) -> None:
    zone, day, rules = case
    hours = built(zone, rules)
    start, end = midnight(day, zone), midnight(day + DAY, zone)
    for at, shown in furthest_walls(start, end, zone):
        assert hours.state_at(at) is spoken_state(rules, shown), at.astimezone(zone)


@settings(max_examples=60, deadline=None)
@given(a_case(), st.integers(0, 3 * MINUTES_PER_DAY))
def test_the_next_opening_and_change_are_those_of_the_tiles(
    case: tuple[ZoneInfo, date, Rules], minutes: int
) -> None:
    zone, day, rules = case
    hours = built(zone, rules)
    at = midnight(day, zone) + minutes * MINUTE
    later = [tile for tile in hours.tiles(day - DAY, day + 30 * DAY) if tile.end > at]
    assert hours.state_at(at) is later[0].state
    opening = next((max(at, tile.start) for tile in later if tile.state is not CLOSED), None)
    assert opening is None or hours.next_opening(at) == opening
    assert len(later) == 1 or hours.next_change(at) == later[0].end


@given(a_span)
def test_a_span_is_read_back_as_it_is_shown(span: Span) -> None:
    whole_day = span.end_minute - span.start_minute == MINUTES_PER_DAY
    if not whole_day or span.start_minute == 0:
        assert Span.parse(str(span)) == span


@settings(max_examples=50)
@given(st.one_of(st.text(max_size=30), st.from_regex(r"\d\d:\d\d-\d\d:\d\d staffed")))
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    with suppress(ValueError):
        assert 0 <= Span.parse(text).start_minute < MINUTES_PER_DAY
