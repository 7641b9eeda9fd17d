"""The door as a table: what may stand in it, and what a door tells of itself."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.access.door import LATCH_SECONDS, DoorMachine, Leave
from kioskd.access.door_table import (
    DOOR_TABLE,
    OPEN_STATES,
    OPENINGS,
    RELEASED_STATES,
    DoorCommand,
    DoorSignal,
    DoorState,
)

RELEASE, SECURE = DoorCommand.RELEASE_STRIKE, DoorCommand.SECURE_STRIKE
RELEASING = {DoorSignal.GRANT, DoorSignal.UNLOCK}
START, STOP = DoorCommand.START_HELD_TIMER, DoorCommand.STOP_HELD_TIMER
signals = st.lists(st.sampled_from(DoorSignal), max_size=40)


def after(*signals: DoorSignal) -> tuple[DoorCommand, ...]:
    """What the last of these signals asks for."""
    machine = DoorMachine()
    commands: tuple[DoorCommand, ...] = ()
    for signal in signals:
        commands = machine.feed(signal)
    return commands


def test_every_way_out_of_a_released_state_secures_the_strike_or_follows_its_securing() -> None:
    ways_out = [
        (signal, commands)
        for (state, signal), (target, commands) in DOOR_TABLE.items()
        if state in RELEASED_STATES and target not in RELEASED_STATES
    ]
    assert len(ways_out) == 11
    for signal, commands in ways_out:
        assert (SECURE in commands) != (signal is DoorSignal.STRIKE_SECURED)


def test_the_strike_is_released_beside_a_grant_and_an_unlock_alone() -> None:
    for (state, signal), (target, commands) in DOOR_TABLE.items():
        assert (RELEASE in commands) == (signal in RELEASING)
        assert target not in RELEASED_STATES or signal in RELEASING or state in RELEASED_STATES
        assert not {RELEASE, SECURE} <= set(commands)


def test_a_grant_is_carried_out_and_a_fault_secures_in_every_state() -> None:
    for state in DoorState:
        assert DoorMachine(state).feed(DoorSignal.GRANT).count(RELEASE) == 1
        machine = DoorMachine(state)
        assert SECURE in machine.feed(DoorSignal.FAULT)
        assert machine.state is DoorState.UNKNOWN


def test_an_unlock_over_leaves_the_end_of_a_running_pulse_to_its_time() -> None:
    machine = DoorMachine(DoorState.UNLOCKED)
    assert machine.feed(DoorSignal.UNLOCK_OVER) == (DoorCommand.END_UNLOCK,)
    assert machine.state is DoorState.RELEASED
    machine = DoorMachine(DoorState.UNLOCKED_OPEN)
    machine.feed(DoorSignal.UNLOCK_OVER)
    assert machine.state is DoorState.RELEASED_OPEN


@pytest.mark.parametrize(("state", "signal"), list(product(DoorState, DoorSignal)))
def test_the_machine_is_total(state: DoorState, signal: DoorSignal) -> None:
    machine = DoorMachine(state)
    commands = machine.feed(signal)
    if (state, signal) not in DOOR_TABLE:
        assert (machine.state, commands) == (state, ())


def test_a_start_is_unknown_until_a_secure_frame_got_out() -> None:
    machine = DoorMachine()
    states = [machine.state]
    for signal in (DoorSignal.UNLOCK_OVER, DoorSignal.STRIKE_SECURED):
        assert machine.feed(signal) == ()
        states.append(machine.state)
    assert states == [DoorState.UNKNOWN, DoorState.UNKNOWN, DoorState.SECURED]


def test_a_door_that_may_not_be_secured_is_never_forced() -> None:
    for signal in OPENINGS:
        assert after(signal) == (DoorCommand.NOTE_OPENED,)
    assert all(
        DoorCommand.NOTE_FORCED not in commands
        for (state, _), (_, commands) in DOOR_TABLE.items()
        if state is not DoorState.SECURED
    )


def test_what_a_contact_was_found_at_is_no_event() -> None:
    found = {DoorSignal.FOUND_OPEN, DoorSignal.FOUND_CLOSED, DoorSignal.CONTACT_LOST}
    for (_, signal), (_, commands) in DOOR_TABLE.items():
        if signal in found:
            assert set(commands) <= {START, STOP}


def test_a_pulse_that_nobody_used_is_noted() -> None:
    assert DoorCommand.NOTE_NOT_OPENED in after(DoorSignal.GRANT, DoorSignal.STRIKE_SECURED)


def test_opening_ends_the_pulse() -> None:
    commands = after(DoorSignal.GRANT, DoorSignal.OPENED_WITH_LEAVE)
    assert commands[0] is SECURE
    assert DoorCommand.NOTE_OPENED in commands


def test_a_door_held_open_is_noted_once_and_closed_again() -> None:
    opened = (DoorSignal.GRANT, DoorSignal.OPENED, DoorSignal.HELD_OVER)
    assert after(*opened) == (DoorCommand.NOTE_HELD,)
    assert after(*opened, DoorSignal.HELD_OVER) == ()
    assert DoorCommand.NOTE_CLOSED in after(*opened, DoorSignal.CLOSED)


def test_a_door_that_is_still_open_when_its_unlock_ends_is_timed() -> None:
    at_the_end = (DoorSignal.UNLOCK, DoorSignal.OPENED, DoorSignal.STRIKE_SECURED)
    assert after(*at_the_end) == (START,)


@given(signals)
def test_a_released_strike_was_granted_and_is_secured_on_leaving(given: list[DoorSignal]) -> None:
    machine, released = DoorMachine(), False
    for signal in given:
        commands = machine.feed(signal)
        if RELEASE in commands:
            assert signal in RELEASING
            released = True
        if SECURE in commands or signal is DoorSignal.STRIKE_SECURED:
            released = False
        assert released == (machine.state in RELEASED_STATES)


@given(signals)
def test_a_held_timer_runs_only_while_a_door_stands_open_with_its_strike_secured(
    given: list[DoorSignal],
) -> None:
    machine, running = DoorMachine(), False
    for signal in given:
        for command in machine.feed(signal):
            running = command is START or (running and command is not STOP)
        if running:
            assert machine.state in OPEN_STATES - RELEASED_STATES
        if machine.state is DoorState.OPEN:
            assert running


# Leave to open


def test_one_grant_is_leave_for_one_opening() -> None:
    leave = Leave()
    leave.grant("entry", 100.0, 5.0, free=False)
    before = leave.opened
    assert leave.opening(101.0) is DoorSignal.OPENED_WITH_LEAVE
    assert (before, leave.opened) == (False, True)
    assert leave.opening(104.9) is DoorSignal.OPENED_AGAIN
    assert leave.opening(105.0 + LATCH_SECONDS) is DoorSignal.OPENED_AGAIN
    assert leave.opening(105.1 + LATCH_SECONDS) is DoorSignal.OPENED


def test_two_grants_are_leave_for_two_openings_within_the_longer_of_both() -> None:
    leave = Leave()
    leave.grant("one", 100.0, 15.0, free=False)
    leave.grant("two", 102.0, 5.0, free=False)
    for at in (103.0, 114.0):
        assert leave.opening(at) is DoorSignal.OPENED_WITH_LEAVE
    assert leave.opening(114.5) is DoorSignal.OPENED_AGAIN


def test_a_grant_of_long_ago_is_no_leave_for_a_second_opening_now() -> None:
    leave = Leave()
    leave.grant("one", 100.0, 5.0, free=False)
    leave.grant("two", 200.0, 5.0, free=False)
    assert leave.opening(201.0) is DoorSignal.OPENED_WITH_LEAVE
    assert leave.opening(202.0) is DoorSignal.OPENED_AGAIN


def test_going_out_uses_up_nobodys_grant() -> None:
    leave = Leave()
    leave.grant("entry", 100.0, 5.0, free=False)
    leave.rex(100.0, 5.0)
    assert leave.opening(101.0) is DoorSignal.OPENED_WITH_LEAVE
    assert leave.by_rex(101.0)
    assert not leave.opened
    assert not leave.by_rex(105.1)
    assert leave.opening(105.2) is DoorSignal.OPENED_WITH_LEAVE


def test_what_was_withdrawn_is_no_leave() -> None:
    leave = Leave()
    leave.grant("entry", 100.0, 5.0, free=False)
    leave.withdraw()
    assert leave.opened
    assert leave.opening(100.1) is DoorSignal.OPENED


@given(st.lists(st.tuples(st.sampled_from(["grant", "rex", "open"]), st.floats(0, 8)), max_size=30))
def test_without_rex_there_are_never_more_openings_with_leave_than_grants(
    doings: list[tuple[str, float]],
) -> None:
    leave, now, grants, openings, rex_until = Leave(), 0.0, 0, 0, float("-inf")
    for what, later in doings:
        now += later
        if what == "grant":
            leave.grant(str(now), now, 5.0, free=False)
            grants += 1
        elif what == "rex":
            leave.rex(now, 5.0)
            rex_until = now + 5.0
        elif now > rex_until:
            openings += leave.opening(now) is DoorSignal.OPENED_WITH_LEAVE
            assert openings <= grants
