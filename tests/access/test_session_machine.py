"""The session machine alone: total, and it forgets."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.access.session import LONGER_RELEASE_WINDOW, SAME_TIME, Session
from kioskd.access.session_table import (
    SESSION_TABLE,
    SessionCommand,
    SessionSignal,
    SessionState,
)

CARD, OTHER = "167A006007", "167A000002"


def test_every_way_into_deciding_decides_once_and_only_decided_leads_out() -> None:
    for (state, signal), (target, commands) in SESSION_TABLE.items():
        enters = state is not SessionState.DECIDING and target is SessionState.DECIDING
        assert commands.count(SessionCommand.DECIDE) == enters
        leaves = state is SessionState.DECIDING and target is not SessionState.DECIDING
        assert (SessionCommand.FORGET in commands) == leaves == (signal is SessionSignal.DECIDED)


def test_every_way_out_of_the_pin_step_stops_its_timer() -> None:
    for (state, _), (target, commands) in SESSION_TABLE.items():
        if state is SessionState.PIN and target is not SessionState.PIN:
            assert SessionCommand.STOP_TIMER in commands
        if target is SessionState.PIN and SessionCommand.SHOW_WAIT not in commands:
            assert SessionCommand.START_TIMER in commands


@pytest.mark.parametrize(("state", "signal"), list(product(SessionState, SessionSignal)))
def test_what_is_not_in_the_table_changes_nothing(
    state: SessionState, signal: SessionSignal
) -> None:
    session = Session(12, state)
    commands = session.feed(signal)
    if (state, signal) not in SESSION_TABLE:
        assert (session.state, commands) == (state, ())


def test_a_key_from_before_the_card_is_no_digit_even_when_it_arrives_after_it() -> None:
    session = Session(12)
    session.scanned(CARD, 100.0, asks_pin=True)
    assert session.pressed("9", 100.0 - SAME_TIME - 0.01) == ()
    session.pressed("1", 100.0 - SAME_TIME / 2)
    session.pressed("2", 101.0)
    assert session.pin == "12"
    assert session.last_key_at == 101.0


def test_only_keys_of_the_same_instant_are_pressed_again_and_only_once() -> None:
    session = Session(12)
    for key, at in (("9", 99.0), ("1", 99.98), ("2", 99.99)):
        session.pressed(key, at)
    assert session.take_early_keys(100.0) == [("1", 99.98), ("2", 99.99)]
    assert session.take_early_keys(100.0) == []


def test_a_flood_of_keys_without_a_card_is_not_kept() -> None:
    session = Session(12)
    for number in range(1000):
        session.pressed("1", number / 10_000)
    assert len(session.take_early_keys(0.1)) <= 32


@pytest.mark.parametrize(
    ("before", "longer"),
    [(SAME_TIME / 2, False), (SAME_TIME * 2, True), (LONGER_RELEASE_WINDOW + 0.1, False)],
)
def test_when_a_zero_asks_for_more_time(before: float, longer: bool) -> None:
    session = Session(12)
    session.pressed("0", 100.0 - before)
    session.scanned(CARD, 100.0, asks_pin=True)
    assert session.longer_release is longer
    session.feed(SessionSignal.TIMER)
    session.feed(SessionSignal.DECIDED)
    assert not session.longer_release


presses = st.tuples(st.just("press"), st.sampled_from("0123456789*#"))
scans = st.tuples(st.just("scan"), st.sampled_from([CARD, OTHER]))
feeds = st.tuples(st.just("feed"), st.sampled_from(SessionSignal))


@given(st.lists(st.one_of(presses, presses, scans, feeds), max_size=60), st.booleans())
def test_digits_end_with_their_session_and_a_card_is_never_swapped(
    events: list[tuple[str, str | SessionSignal]], asks_pin: bool
) -> None:
    session = Session(4)
    for number, (act, what) in enumerate(events):
        before, card = session.state, session.card
        if isinstance(what, SessionSignal):
            commands = session.feed(what)
        elif act == "scan":
            commands = session.scanned(what, float(number), asks_pin=asks_pin)
        else:
            commands = session.pressed(what, float(number))
        if SessionCommand.FORGET in commands:
            assert before is SessionState.DECIDING
        if session.state is SessionState.IDLE:
            assert (session.pin, session.card, session.ended_by) == ("", "", None)
        elif before is not SessionState.IDLE:
            assert session.card == card
        assert session.typed == len(session.pin) <= 4


def test_neither_card_nor_digits_are_in_what_is_printed_of_a_session() -> None:
    session = Session(12)
    session.pressed("7", 99.99)
    session.scanned(CARD, 100.0, asks_pin=True)
    for key in "77777":
        session.pressed(key, 100.5)
    assert session.pin == "77777"
    assert "7" not in repr(session)
