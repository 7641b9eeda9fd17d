"""A reader is never locked, only slowed."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.access.facts import DoorPolicy, Facts, PinOutcome
from kioskd.access.pace import Pace, failed_at_pin
from kioskd.access.policy import decide
from kioskd.domain.credential import Credential

FACTS = Facts(datetime(2026, 11, 23, 10, tzinfo=UTC), date(2026, 11, 23), DoorPolicy("ESI"))


def slow_pace() -> Pace:
    """Ten sessions from second 0 to 9 that failed, all with unknown cards."""
    pace = Pace()
    for second in range(10):
        assert pace.admits(second)
        pace.failed(second)
        assert pace.unknown_card(second) == (second == 9)
    return pace


def test_ten_failed_sessions_in_a_minute_slow_to_one_read_in_three_seconds() -> None:
    pace = slow_pace()
    assert [t for t in range(10, 22) if pace.admits(t)] == [12, 15, 18, 21]


def test_nine_do_not() -> None:
    pace = Pace()
    for second in range(9):
        pace.failed(second)
    assert all(pace.admits(9 + n / 10) for n in range(10))


def test_ten_within_more_than_a_minute_do_not() -> None:
    pace = Pace()
    for second in range(0, 100, 7):
        pace.failed(second)
        assert not pace.unknown_card(second)
        assert not pace.slowed(second)


def test_unknown_cards_alone_raise_the_alert() -> None:
    pace = Pace()
    for second in range(30):
        pace.failed(second)
    assert pace.slowed(30)
    assert [pace.unknown_card(30 + n) for n in range(10)] == [False] * 9 + [True]


def test_the_alert_is_raised_once_until_the_cards_were_few_again() -> None:
    pace = slow_pace()
    assert not any(pace.unknown_card(second) for second in range(12, 60, 3))
    assert [pace.unknown_card(130 + n) for n in range(10)] == [False] * 9 + [True]


@pytest.mark.parametrize("pin", PinOutcome)
def test_known_and_unknown_cards_count_alike_however_the_pin_step_ended(pin: PinOutcome) -> None:
    def counts(credential: Credential | None) -> bool:
        facts = replace(FACTS, pin=pin, credential=credential)
        return failed_at_pin(decide(facts), facts)

    if pin in (PinOutcome.RIGHT, PinOutcome.NOT_ASKED):
        assert not counts(Credential())
    elif pin is not PinOutcome.NOT_REQUIRED:  # where no PIN is asked, a known card opens the door
        assert counts(Credential())
        assert counts(None)


def test_a_minute_without_a_failed_session_makes_it_fast_again() -> None:
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
        pace.failed(now)
        if pace.admits(now):
            taken = now
        assert now - taken < 3
