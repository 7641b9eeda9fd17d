"""A schedule remembers what it found; that changes no answer."""

from datetime import date
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.access.schedule import MINUTES_PER_DAY
from tests.test_schedule import MINUTE, Rules, a_case, built, midnight


@settings(max_examples=60, deadline=None)
@given(a_case(), st.lists(st.integers(-MINUTES_PER_DAY, 4 * MINUTES_PER_DAY), max_size=8))
def test_what_was_asked_before_changes_no_answer(
    case: tuple[ZoneInfo, date, Rules], asked: list[int]
) -> None:
    zone, day, rules = case
    hours = built(zone, rules)
    for at in (midnight(day, zone) + minutes * MINUTE for minutes in asked):
        fresh = built(zone, rules)
        assert hours.next_change(at) == fresh.next_change(at)
        assert hours.next_opening(at) == fresh.next_opening(at)
