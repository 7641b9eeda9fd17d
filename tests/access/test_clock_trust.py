"""Whether the wall clock may be believed: three tests, and how it is corrected."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.access.clock_trust import ClockFacts, ClockPast, followed, judge
from kioskd.clock.trust import WallClockTrust
from kioskd.domain.moment import Moment

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY = timedelta(days=1)
IN_2037 = datetime(2037, 1, 1, tzinfo=UTC)
GOOD = ClockFacts(NOW, newest=NOW - DAY, drift=0.0, synchronised=False, rtc=True)


def test_a_battery_clock_that_keeps_pace_is_trusted() -> None:
    assert judge(GOOD).trusted
    assert judge(replace(GOOD, newest=None, drift=None)).trusted


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"newest": NOW + timedelta(seconds=61)}, "behind"),
        ({"newest": IN_2037}, "behind"),
        ({"drift": 120.5}, "moved"),
        ({"drift": -120.5}, "moved"),
        ({"rtc": False}, "battery"),
    ],
)
def test_each_test_alone_distrusts(changes: dict[str, object], why: str) -> None:
    verdict = judge(replace(GOOD, **changes))  # type: ignore[arg-type]
    assert not verdict.trusted
    assert why in verdict.why
    assert "; set the clock or give the device a time server" in verdict.why


@pytest.mark.parametrize(
    "changes",
    [{"newest": NOW + timedelta(seconds=60)}, {"drift": 120.0}, {"drift": -120.0}],
)
def test_the_bounds_belong_to_trust(changes: dict[str, object]) -> None:
    assert judge(replace(GOOD, **changes)).trusted  # type: ignore[arg-type]


def test_a_time_server_overrules_all_and_says_when_it_corrects() -> None:
    wrong = replace(GOOD, newest=IN_2037, drift=9e9, rtc=False, synchronised=True)
    verdict = judge(wrong)
    assert verdict.trusted
    assert verdict.corrected
    assert not judge(replace(wrong, newest=NOW)).corrected


def test_assume_keeps_only_the_first_test() -> None:
    assumed = replace(GOOD, source="assume", drift=9e9, rtc=False)
    assert judge(assumed).trusted
    assert not judge(replace(assumed, newest=IN_2037)).trusted
    assert "2037-01-01 00:00 UTC" in judge(replace(assumed, newest=IN_2037)).why


def test_a_time_server_corrects_a_bad_time_under_assume_too() -> None:
    assumed = replace(GOOD, source="assume", newest=IN_2037, rtc=False, synchronised=True)
    assert judge(assumed) == replace(judge(GOOD), corrected=True)


def test_a_row_of_any_year_is_judged() -> None:
    years = [datetime(year, 1, 1, tzinfo=UTC) for year in (1, 9999)]
    assert [judge(replace(GOOD, newest=at)).trusted for at in years] == [True, False]


def test_a_clock_far_ahead_is_watched_for_a_week_of_its_own_time() -> None:
    past = followed(ClockPast(NOW), IN_2037, synchronised=False)
    assert past == ClockPast(NOW, IN_2037)
    for hours in (0, 1, 167):
        assert followed(past, IN_2037 + timedelta(hours=hours), synchronised=False) == past
    assert followed(past, IN_2037 + 7 * DAY, synchronised=False) == ClockPast(IN_2037 + 7 * DAY)


def test_a_watched_clock_that_jumps_again_is_watched_anew() -> None:
    past = ClockPast(NOW, IN_2037)
    for again in (IN_2037 + 31 * DAY, IN_2037 - DAY):
        assert followed(past, again, synchronised=False) == ClockPast(NOW, again)


def test_a_watched_clock_that_was_put_right_or_is_vouched_for_is_believed() -> None:
    past = ClockPast(NOW, IN_2037)
    assert followed(past, NOW + DAY, synchronised=False) == ClockPast(NOW + DAY)
    assert followed(past, IN_2037, synchronised=True) == ClockPast(IN_2037)


@given(st.lists(st.integers(-5000, 5000), max_size=8), st.booleans())
def test_no_single_look_lets_a_clock_run_far_ahead(days: list[int], synchronised: bool) -> None:
    past = ClockPast(NOW)
    for day in days:
        before, now = past, NOW + day * DAY
        past = followed(past, now, synchronised=synchronised)
        assert before.seen is not None
        assert past.ahead is None or past.ahead - before.seen > 30 * DAY
        if past.ahead is None and before.ahead is None and not synchronised:
            assert now - before.seen <= 30 * DAY


@dataclass
class Evidence:
    """What a machine without a time server and with a battery clock says."""

    is_synchronised: bool = False
    has_rtc: bool = True

    def synchronised(self) -> bool:
        return self.is_synchronised

    def rtc(self) -> bool:
        return self.has_rtc


def at(wall: datetime, boot: float, boot_id: str = "boot-1") -> Moment:
    return Moment(wall, boot, boot_id)


def test_a_clock_set_back_a_day_is_distrusted_until_it_is_put_right() -> None:
    trust = WallClockTrust("auto", NOW, Evidence())
    assert trust.judge(at(NOW, 100)).trusted
    assert not trust.judge(at(NOW - DAY, 110)).trusted
    assert trust.judge(at(NOW + timedelta(seconds=20), 120)).trusted


def test_a_clock_moved_forward_is_distrusted_within_one_boot() -> None:
    trust = WallClockTrust("auto", NOW, Evidence())
    assert trust.judge(at(NOW, 100)).trusted
    assert not trust.judge(at(IN_2037, 110)).trusted
    assert trust.judge(at(NOW + timedelta(seconds=20), 120)).trusted


def test_small_steps_add_up() -> None:
    trust = WallClockTrust("auto", NOW, Evidence())
    verdicts = [
        trust.judge(at(NOW + timedelta(seconds=60 * n), 100.0 + n)).trusted for n in range(4)
    ]
    assert verdicts == [True, True, True, False]


def test_a_row_stamped_2037_closes_the_door_only_until_a_time_server_speaks() -> None:
    evidence = Evidence()
    trust = WallClockTrust("auto", IN_2037, evidence)
    assert not trust.judge(at(NOW, 100)).trusted
    evidence.is_synchronised = True
    assert trust.judge(at(NOW, 102)).trusted
    assert trust.verdict.corrected
    trust.recorded(NOW)
    evidence.is_synchronised = False
    assert trust.judge(at(NOW + timedelta(seconds=2), 104)).trusted


def test_a_board_without_battery_clock_waits_for_a_time_server() -> None:
    evidence = Evidence(has_rtc=False)
    trust = WallClockTrust("auto", None, evidence)
    assert not trust.judge(at(datetime(1970, 1, 1, tzinfo=UTC), 5)).trusted
    evidence.is_synchronised = True
    assert trust.judge(at(NOW, 10)).trusted
