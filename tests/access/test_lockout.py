"""Lockout of one card as a value: the ladder, the day after, and other boots."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.access.lockout import (
    NEVER_FAILED,
    Lockout,
    LockoutPolicy,
    after_boot,
    charge,
    current,
    remaining,
)
from kioskd.domain.moment import Moment

POLICY = LockoutPolicy()
NOW = Moment(datetime(2026, 11, 23, 8, tzinfo=UTC), 1000.0, "boot-1")
DAY = timedelta(days=1)


def later(moment: Moment, by: timedelta) -> Moment:
    return Moment(moment.wall + by, moment.boot + by.total_seconds(), moment.boot_id)


def charged(times: int, now: Moment = NOW, lockout: Lockout = NEVER_FAILED) -> Lockout:
    for _ in range(times):
        lockout = charge(lockout, now, POLICY)
    return lockout


@pytest.mark.parametrize(
    ("failures", "minutes"), [(4, 0), (5, 1), (10, 5), (15, 15), (20, 60), (25, 60), (500, 60)]
)
def test_every_fifth_failure_goes_one_step_up(failures: int, minutes: int) -> None:
    assert remaining(charged(failures), NOW) == timedelta(minutes=minutes)


def test_the_sixth_failure_makes_the_first_step_no_longer() -> None:
    soon = later(NOW, timedelta(seconds=50))
    assert remaining(charged(1, soon, charged(5)), soon) == timedelta(seconds=10)


def test_the_time_runs_on_the_boot_clock_whatever_the_wall_clock_does() -> None:
    locked = charged(5)
    for wall in (NOW.wall - DAY, NOW.wall + DAY, datetime(2037, 1, 1, tzinfo=UTC)):
        moment = Moment(wall, NOW.boot + 20, NOW.boot_id)
        assert remaining(locked, moment) == timedelta(seconds=40)


def test_a_day_without_a_failure_forgets_but_never_a_running_lockout() -> None:
    locked = charged(20)
    assert current(locked, later(NOW, DAY - timedelta(seconds=1))) == locked
    assert current(locked, later(NOW, DAY)) == NEVER_FAILED
    jumped = Moment(NOW.wall + 2 * DAY, NOW.boot + 60, NOW.boot_id)
    assert current(locked, jumped) == locked


def test_a_trusted_clock_counts_the_time_that_the_device_was_off() -> None:
    boot = Moment(NOW.wall + timedelta(seconds=45), 3.0, "boot-2")
    carried = after_boot(charged(5), boot, POLICY, trusted=True)
    assert remaining(carried, boot) == timedelta(seconds=15)
    assert remaining(carried, later(boot, timedelta(seconds=15))) == timedelta(0)


def test_an_untrusted_clock_starts_the_full_step_again() -> None:
    for wall in (NOW.wall - 30 * DAY, NOW.wall, NOW.wall + 30 * DAY):
        boot = Moment(wall, 3.0, "boot-2")
        carried = after_boot(charged(10), boot, POLICY, trusted=False)
        assert remaining(carried, boot) == timedelta(minutes=5)


def test_a_trusted_clock_that_went_back_locks_for_no_longer_than_the_step() -> None:
    boot = Moment(NOW.wall - 30 * DAY, 3.0, "boot-2")
    assert remaining(after_boot(charged(5), boot, POLICY, trusted=True), boot) == timedelta(
        minutes=1
    )


def test_another_boot_does_nothing_to_a_card_that_was_never_locked() -> None:
    boot = Moment(NOW.wall, 3.0, "boot-2")
    for trusted in (True, False):
        assert after_boot(charged(4), boot, POLICY, trusted=trusted) == charged(4)


def test_the_same_boot_changes_nothing() -> None:
    assert after_boot(charged(5), NOW, POLICY, trusted=False) == charged(5)


def test_a_shorter_ladder_than_the_stored_step_uses_its_last_step() -> None:
    boot = Moment(NOW.wall, 3.0, "boot-2")
    short = LockoutPolicy(steps=(timedelta(minutes=2),))
    carried = after_boot(charged(20), boot, short, trusted=False)
    assert remaining(carried, boot) == timedelta(minutes=2)


def test_a_failure_of_the_future_is_one_of_now_for_a_trusted_clock() -> None:
    ahead = Moment(datetime(2037, 1, 1, tzinfo=UTC), 1000.0, "boot-1")
    boot = Moment(NOW.wall, 3.0, "boot-2")
    carried = after_boot(charged(5, ahead), boot, POLICY, trusted=True)
    assert remaining(carried, boot) == timedelta(minutes=1)
    assert current(carried, later(boot, DAY)) == NEVER_FAILED
    distrusted = after_boot(charged(5, ahead), boot, POLICY, trusted=False)
    assert distrusted.last_failure == ahead.wall, "1970 is not the time that it is"


@pytest.mark.parametrize("until", [1e300, float("inf"), 9e9])
def test_no_start_carries_a_lockout_longer_than_the_ladder(until: float) -> None:
    damaged = replace(charged(5), until_boot=until)
    carried = after_boot(damaged, NOW, POLICY, trusted=False)
    assert remaining(carried, NOW) == timedelta(minutes=60)


gaps = st.lists(st.integers(0, 7200).map(lambda s: timedelta(seconds=s)), max_size=40)


@given(gaps)
def test_a_failure_never_shortens_a_lockout_and_none_is_longer_than_the_last_step(
    gaps: list[timedelta],
) -> None:
    now, lockout = NOW, NEVER_FAILED
    for gap in gaps:
        now = later(now, gap)
        before = remaining(lockout, now)
        lockout = charge(lockout, now, POLICY)
        assert before <= remaining(lockout, now) <= POLICY.steps[-1]


@given(st.integers(1, 60), st.timedeltas(timedelta(0), timedelta(hours=1)))
def test_an_untrusted_reboot_never_shortens(failures: int, off: timedelta) -> None:
    locked = charged(failures)
    boot = replace(NOW, wall=NOW.wall + off, boot=1.0, boot_id="boot-2")
    assert remaining(after_boot(locked, boot, POLICY, trusted=False), boot) >= remaining(
        locked, boot
    )


@given(
    st.builds(
        Lockout,
        failures=st.integers(-(2**63), 2**63),
        step=st.integers(-(2**63), 2**63),
        last_failure=st.none() | st.datetimes(timezones=st.just(UTC)),
        boot_id=st.sampled_from(["boot-1", "boot-2"]),
        until_boot=st.floats(),
        until_wall=st.none() | st.datetimes(timezones=st.just(UTC)),
    ),
    st.booleans(),
)
def test_a_damaged_value_is_never_an_exception_nor_endless(lockout: Lockout, trusted: bool) -> None:
    carried = after_boot(lockout, NOW, POLICY, trusted=trusted)
    assert timedelta(0) <= remaining(carried, NOW) <= POLICY.steps[-1]
    for _ in range(5):
        lockout = charge(lockout, NOW, POLICY)
    assert timedelta(0) <= remaining(lockout, NOW) <= 366 * DAY
