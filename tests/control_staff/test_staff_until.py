"""Until when: a day through its end in the site's zone, over both changes of the clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kioskd.control.until import LONGEST, until_of
from kioskd.domain.staff import Which
from kioskd.errors import InputError

HELSINKI = ZoneInfo("Europe/Helsinki")
ZONES = st.sampled_from([HELSINKI, ZoneInfo("UTC"), ZoneInfo("America/Santiago")])
NOWS = st.integers(0, 72 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
LISTS = st.sampled_from(Which)
DAY = timedelta(days=1)


def _accepted(text: str, which: Which, now: datetime, zone: ZoneInfo) -> datetime | None:
    try:
        return until_of(text, which, now, zone)
    except InputError:
        return None


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2026-11-30", datetime(2026, 11, 30, 22, 0, tzinfo=UTC)),
        ("2026-11-30T18:00", datetime(2026, 11, 30, 16, 0, tzinfo=UTC)),
        ("2026-11-30T18:00Z", datetime(2026, 11, 30, 18, 0, tzinfo=UTC)),
        ("2026-11-30 18:00:00+05:00", datetime(2026, 11, 30, 13, 0, tzinfo=UTC)),
        ("20261130", datetime(2026, 11, 30, 22, 0, tzinfo=UTC)),
    ],
)
def test_days_and_times_are_read(text: str, end: datetime) -> None:
    assert until_of(text, Which.DENY, datetime(2026, 11, 23, 16, tzinfo=UTC), HELSINKI) == end


def test_a_fortnight_of_days_may_be_an_hour_longer() -> None:
    """From the midnight before the clocks go back: the day of 25 hours is one day."""
    now = datetime(2026, 10, 24, 21, 0, tzinfo=UTC)  # 00:00 on the 25th there
    end = until_of("2026-11-07", Which.DENY, now, HELSINKI)
    assert end - now.astimezone(HELSINKI) == 14 * DAY
    assert end.astimezone(UTC) - now == 14 * DAY + timedelta(hours=1)
    with pytest.raises(InputError, match="2026-11-07 is the last day"):
        until_of("2026-11-08", Which.DENY, now, HELSINKI)


def test_the_repeated_hour_is_told_apart() -> None:
    """03:30 summer time is over when it is 03:10 for the second time."""
    now = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert _accepted("2026-10-25T03:30+03:00", Which.DENY, now, HELSINKI) is None
    assert _accepted("2026-10-25T03:30+02:00", Which.DENY, now, HELSINKI) is not None


@given(NOWS, st.integers(-3, 400), LISTS, ZONES)
def test_a_day_counts_through_its_end_and_never_beyond_the_limit(
    now: datetime, ahead: int, which: Which, zone: ZoneInfo
) -> None:
    local = now.astimezone(zone)
    day = local.date() + ahead * DAY
    end = _accepted(day.isoformat(), which, now, zone)
    assert (end is not None) == (0 <= ahead < LONGEST[which].days)
    if end is not None:
        last = end - timedelta(microseconds=1)
        assert (last.date(), (end + timedelta(seconds=1)).date()) == (day, day + DAY)
        assert end.replace(tzinfo=None) - local.replace(tzinfo=None) <= LONGEST[which]


@given(NOWS, st.timedeltas(-5 * DAY, 400 * DAY), LISTS, ZONES)
def test_a_time_holds_exactly_so_long(
    now: datetime, ahead: timedelta, which: Which, zone: ZoneInfo
) -> None:
    at = (now + ahead).astimezone(zone)
    end = _accepted(at.isoformat(), which, now, zone)
    if end is not None:
        assert end == at
        assert end > now
        assert end - now <= LONGEST[which] + timedelta(hours=1)  # one change of the clocks
    else:
        assert ahead <= timedelta(0) or ahead > LONGEST[which] - timedelta(hours=1)


@given(NOWS, LISTS, ZONES)
def test_the_last_day_that_an_error_names_can_be_given(
    now: datetime, which: Which, zone: ZoneInfo
) -> None:
    far = (now + 500 * DAY).date().isoformat()
    with pytest.raises(InputError) as told:
        until_of(far, which, now, zone)
    last = str(told.value).rpartition("; ")[2].split(" ")[0]
    assert _accepted(last, which, now, zone) is not None
    following = date.fromisoformat(last) + DAY
    assert _accepted(following.isoformat(), which, now, zone) is None


@given(st.text(max_size=40) | st.text("0123456789-:T+Z W", max_size=30), LISTS, ZONES)
@example("2026-11-30T24:00", Which.DENY, HELSINKI)
def test_any_text_is_a_time_or_an_error(text: str, which: Which, zone: ZoneInfo) -> None:
    now = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    end = _accepted(text, which, now, zone)
    assert end is None or now < end


@pytest.mark.parametrize(
    "text", ["0001-01-01", "9999-12-31", "9999-12-31T23:59-23:59", "2201-01-01"]
)
def test_years_that_zones_cannot_reckon_with_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="the year"):
        until_of(text, Which.ALLOW, datetime(2026, 11, 23, tzinfo=UTC), HELSINKI)
