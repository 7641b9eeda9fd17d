"""schedule-show: what a command or a screen is told of the hours of some days."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd import wire
from kioskd.access.schedule import Schedule, Span, StaffException, hours_of
from kioskd.config.calendar import schedule_of
from kioskd.config.hours import spans_of
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.control.hours import MOST_DAYS, Noted, hours_verbs, noted
from kioskd.control.people import Person, Role
from kioskd.control.verbs import Refusal, Verbs
from kioskd.domain.hours import HoursState
from kioskd.domain.moment import Moment

HELSINKI = ZoneInfo("Europe/Helsinki")
NOON = datetime(2026, 12, 4, 10, 0, tzinfo=UTC)  # a Friday, 12:00 in Helsinki
STAFF = [
    StaffException(date(2026, 12, 5), spans_of(["10:00-14:00 staffed"]), "Satupäivä", "maija"),
    StaffException(date(2026, 12, 6), (), "", "maija"),  # in the file with a title
]
VIEWER = Person("maija", frozenset({Role.VIEWER}))
Ask = Callable[..., Any]


def no_holiday(day: date) -> bool:
    return False


@dataclass(frozen=True)
class At:
    """The clock of these tests; only `moment` is asked for."""

    wall: datetime

    def moment(self) -> Moment:
        return Moment(self.wall, 0.0, "boot")

    def monotonic(self) -> float:
        raise AssertionError

    async def sleep_until(self, monotonic: float) -> None:
        raise AssertionError

    def new_id(self) -> str:
        raise AssertionError


@pytest.fixture(scope="module")
def config() -> Config:
    return load(Path(__file__).parents[2] / "config" / "example-many-doors.toml")


@pytest.fixture
def ask(config: Config) -> Ask:
    """The site of the example with what its staff set, on 4 December 2026 at noon."""
    schedule = schedule_of(config, extra=hours_of(STAFF))
    return asking(schedule, noted(config, STAFF), NOON)


def asking(schedule: Schedule, dates: Sequence[Noted], now: datetime) -> Ask:
    verbs = Verbs(hours_verbs(lambda: schedule, lambda: dates, At(now)))

    async def ask(**args: Any) -> Mapping[str, Any]:
        renamed = {name.rstrip("_"): value for name, value in args.items()}
        return await verbs.ask(VIEWER, "schedule-show", renamed)

    return ask


async def test_it_says_what_is_now_and_what_comes_next(ask: Ask) -> None:
    answer = await ask()
    assert answer["zone"] == "Europe/Helsinki"
    assert answer["now"] == "2026-12-04T12:00:00+02:00"
    assert answer["state"] == "staffed"
    assert answer["next_change"] == "2026-12-04T17:00:00+02:00"


async def test_it_shows_two_weeks_from_today(ask: Ask) -> None:
    days = (await ask())["days"]
    assert [day["date"] for day in days] == [f"2026-12-{n:02d}" for n in range(4, 18)]


async def test_a_day_tells_where_its_hours_are_from(ask: Ask) -> None:
    days = {day["date"]: day for day in (await ask(from_="2026-12-04", days=22))["days"]}
    told = {on: (day["source"], day["title"]) for on, day in days.items()}
    assert told["2026-12-04"] == ("weekly", "")
    assert told["2026-12-05"] == ("staff", "Satupäivä")
    assert told["2026-12-06"] == ("staff", "")  # what staff set hides the title of the file
    assert told["2026-12-25"] == ("holiday", "")
    assert [tile["state"] for tile in days["2026-12-06"]["tiles"]] == ["closed"]
    assert days["2026-12-05"]["tiles"][1] == {
        "from": "2026-12-05T02:00:00+02:00",
        "to": "2026-12-05T10:00:00+02:00",
        "state": "closed",
    }


async def test_a_title_is_in_the_first_language_that_has_one(config: Config) -> None:
    titles = {e.date: e.title for e in config.schedule.exceptions}
    assert titles == {date(2026, 12, 6): {"fi": "Itsenäisyyspäivä", "sv": "Självständighetsdagen"}}
    for languages, title in (
        (("sv", "fi"), "Självständighetsdagen"),
        (("en", "fi"), "Itsenäisyyspäivä"),
        (("en",), "Itsenäisyyspäivä"),
    ):
        site = replace(config.site, languages=languages)
        (note,) = noted(replace(config, site=site), ())
        assert (note.title, note.source) == (title, "exception")


@pytest.mark.parametrize(("first", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
async def test_days_of_the_clock_changes_are_as_long_as_they_are(
    ask: Ask, first: str, hours: int
) -> None:
    (day,) = (await ask(from_=first, days=1))["days"]
    times = [datetime.fromisoformat(day["tiles"][n][key]) for n, key in ((0, "from"), (-1, "to"))]
    assert times[1] - times[0] == timedelta(hours=hours)
    assert times[0].utcoffset() != times[1].utcoffset()


async def test_a_library_that_never_changes_says_so() -> None:
    schedule = Schedule([spans_of(["00:00-24:00 staffed"])] * 7, {}, (), no_holiday, HELSINKI)
    answer = await asking(schedule, (), NOON)()
    assert (answer["state"], answer["next_change"]) == ("staffed", None)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"days": 0}, "1 to 31"),
        ({"days": 32}, "1 to 31"),
        ({"days": True}, "1 to 31"),
        ({"days": "14"}, "1 to 31"),
        ({"from_": "yesterday"}, "2026-11-23"),
        ({"from_": "0001-01-01"}, "1970 to 2200"),
        ({"from_": "9999-12-31"}, "1970 to 2200"),
        ({"from_": 7}, "from"),
        ({"until": "2026-12-05"}, "unknown argument"),
    ],
)
async def test_what_it_cannot_show_it_refuses(ask: Ask, args: dict[str, Any], says: str) -> None:
    with pytest.raises(Refusal, match=says) as caught:
        await ask(**args)
    assert caught.value.code == wire.BAD_ARGUMENT


def alternating(minutes: int) -> tuple[Span, ...]:
    starts = range(0, 1440, 2 * minutes)
    return tuple(Span(start, start + minutes, HoursState.SELF_SERVICE) for start in starts)


async def test_the_longest_answer_fits_into_a_line(config: Config) -> None:
    first = date(2026, 12, 1)
    dates = [Noted(first + timedelta(days=n), "𝕏" * 200, "exception") for n in range(MOST_DAYS)]
    schedule = Schedule(
        [()] * 7, {note.date: alternating(120) for note in dates}, (), no_holiday, HELSINKI
    )
    ask = asking(schedule, dates, NOON)
    with pytest.raises(Refusal, match="fewer days"):
        await ask(from_="2026-12-01", days=MOST_DAYS)
    answer = await ask(from_="2026-12-01", days=29)
    assert sum(len(day["tiles"]) for day in answer["days"]) > 340
    days = [*answer["days"], *({**answer["days"][0], "tiles": []} for _ in range(2))]
    assert len(wire.line({"id": wire.MAX_ID, "ok": {**answer, "days": days}})) <= wire.MAX_LINE


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["staffed", "self-service", "closed"]), min_size=7, max_size=7),
    st.integers(0, 14 * 1440),
)
async def test_what_comes_next_is_what_the_schedule_says(states: list[str], minute: int) -> None:
    weekly = [spans_of([f"22:30-01:15 {state}"]) for state in states]
    schedule = Schedule(weekly, {}, (), no_holiday, HELSINKI)
    now = NOON + timedelta(minutes=minute)
    answer = await asking(schedule, (), now)()
    change = schedule.next_change(now)
    told = answer["next_change"]
    assert (datetime.fromisoformat(told) if told else None) == change
