"""A schedule remembers what it found and skips days without change; neither changes an answer."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.access.schedule import MINUTES_PER_DAY, SEARCH_DAYS, Schedule, Tile
from kioskd.domain.hours import HoursState
from tests.test_schedule import (
    DAY,
    MINUTE,
    MONDAY,
    Rules,
    a_case,
    built,
    midnight,
    schedule,
    wall,
)

DAYLONG = {
    "closed": (),
    "one span": ("00:00-24:00 staffed",),
    "three spans": ("00:00-08:00 staffed", "08:00-16:00 staffed", "16:00-24:00 staffed"),
    "over midnight": ("02:00-20:00 staffed", "20:00-02:00 staffed"),
}


@pytest.mark.parametrize("row", DAYLONG.values(), ids=DAYLONG)
def test_a_year_without_change_is_not_cut_into_days(
    row: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop of the doors asks this: 400 days of tiles would hold it for tens of ms."""
    cut: list[date] = []
    tiled = Schedule._tiled

    def counted(self: Schedule, day: date) -> Iterator[Tile]:
        cut.append(day)
        return tiled(self, day)

    monkeypatch.setattr(Schedule, "_tiled", counted)
    far = MONDAY + (SEARCH_DAYS - 1) * DAY
    for exceptions in ({}, {far: ("00:00-24:00 self-service",)}):
        hours = schedule(row, exceptions=exceptions)
        found = hours.next_change(wall(MONDAY, "12:00"))
        assert found == (wall(far, "00:00") if exceptions else None)
    assert len(cut) < 10


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


@settings(max_examples=60, deadline=None)
@given(a_case(), st.sampled_from(HoursState))
def test_a_day_said_to_have_one_state_has_no_other(
    case: tuple[ZoneInfo, date, Rules], state: HoursState
) -> None:
    """What the search leaves out can hold no change, clock changes included."""
    zone, day, rules = case
    hours = built(zone, rules)
    at = midnight(day - DAY, zone)
    kept = {tile.start for tile in hours._from(at, but=state)}
    left_out = [tile for tile in hours._from(at) if tile.start not in kept]
    assert {tile.state for tile in left_out} <= {state}
