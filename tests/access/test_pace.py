"""A reader is never locked, only slowed."""

from hypothesis import given
from hypothesis import strategies as st

from kioskd.access.pace import Pace


def slow_pace() -> Pace:
    """Ten unknown cards from second 0 to 9."""
    pace = Pace()
    for second in range(10):
        assert pace.admits(second)
        assert pace.unknown_card(second) == (second == 9)
    return pace


def test_ten_unknown_cards_in_a_minute_slow_to_one_read_in_three_seconds() -> None:
    pace = slow_pace()
    assert [t for t in range(10, 22) if pace.admits(t)] == [12, 15, 18, 21]


def test_nine_do_not() -> None:
    pace = Pace()
    for second in range(9):
        pace.unknown_card(second)
    assert all(pace.admits(9 + n / 10) for n in range(10))


def test_ten_within_more_than_a_minute_do_not() -> None:
    pace = Pace()
    assert not any(pace.unknown_card(second) for second in range(0, 100, 7))


def test_the_alert_is_raised_once_until_the_reader_was_fast_again() -> None:
    pace = slow_pace()
    assert not any(pace.unknown_card(second) for second in range(12, 60, 3))
    assert not pace.slowed(130)
    assert [pace.unknown_card(130 + n) for n in range(10)] == [False] * 9 + [True]


def test_a_minute_without_unknown_cards_makes_it_fast_again() -> None:
    pace = slow_pace()
    assert pace.slowed(59.9)
    assert pace.admits(60)
    assert pace.admits(60.1)


@given(st.lists(st.floats(0, 10, allow_nan=False), max_size=80))
def test_a_slow_reader_still_reads_every_three_seconds(gaps: list[float]) -> None:
    pace, now = slow_pace(), 9.0
    taken = now
    for gap in gaps:
        now += gap
        pace.unknown_card(now)
        if pace.admits(now):
            taken = now
        assert now - taken < 3
