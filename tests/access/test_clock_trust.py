"""Whether the wall clock may be believed: three tests, and how it is corrected."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from kioskd.access.clock_trust import ClockFacts, judge
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
    assert not judge(replace(assumed, newest=IN_2037, synchronised=True)).trusted


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
