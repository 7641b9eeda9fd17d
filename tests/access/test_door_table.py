"""The door as a table: what may stand in it, and what a door tells of itself."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.access.door import DoorMachine
from kioskd.access.door_table import DOOR_TABLE, DoorCommand, DoorSignal, DoorState

RELEASE, SECURE = DoorCommand.RELEASE_STRIKE, DoorCommand.SECURE_STRIKE
signals = st.lists(st.sampled_from(DoorSignal), max_size=30)


def after(*signals: DoorSignal, has_contact: bool = True) -> tuple[DoorCommand, ...]:
    """What the last of these signals asks for."""
    machine = DoorMachine(has_contact)
    commands: tuple[DoorCommand, ...] = ()
    for signal in signals:
        commands = machine.feed(signal)
    return commands


def test_every_way_out_of_released_secures_the_strike() -> None:
    ways_out = [
        commands
        for (state, _), (target, commands) in DOOR_TABLE.items()
        if state is DoorState.RELEASED and target is not DoorState.RELEASED
    ]
    assert len(ways_out) == 4
    assert all(SECURE in commands for commands in ways_out)


def test_the_strike_is_released_beside_a_grant_alone() -> None:
    for (_, signal), (target, commands) in DOOR_TABLE.items():
        assert (RELEASE in commands) == (signal is DoorSignal.GRANT)
        assert (target is DoorState.RELEASED) == (signal is DoorSignal.GRANT)
        assert not {RELEASE, SECURE} <= set(commands)


def test_a_grant_is_carried_out_in_every_state_and_a_fault_secures_in_every_state() -> None:
    for state in DoorState:
        assert DoorMachine(state=state).feed(DoorSignal.GRANT).count(RELEASE) == 1
        if state is not DoorState.UNKNOWN:
            assert SECURE in DoorMachine(state=state).feed(DoorSignal.FAULT)


@pytest.mark.parametrize(("state", "signal"), list(product(DoorState, DoorSignal)))
def test_the_machine_is_total(state: DoorState, signal: DoorSignal) -> None:
    machine = DoorMachine(state=state)
    commands = machine.feed(signal)
    if (state, signal) not in DOOR_TABLE:
        assert (machine.state, commands) == (state, ())


def test_a_start_is_unknown_until_a_secure_frame_got_out() -> None:
    machine = DoorMachine()
    states = [machine.state]
    for signal in (DoorSignal.PULSE_OVER, DoorSignal.STRIKE_SECURED):
        assert machine.feed(signal) == ()
        states.append(machine.state)
    assert states == [DoorState.UNKNOWN, DoorState.UNKNOWN, DoorState.SECURED]


def test_a_pulse_that_nobody_used_is_noted_where_a_contact_can_tell() -> None:
    seen = (DoorSignal.GRANT, DoorSignal.PULSE_OVER)
    assert DoorCommand.NOTE_NOT_OPENED in after(*seen)
    assert after(*seen, has_contact=False) == (SECURE,)


def test_opening_ends_the_pulse() -> None:
    commands = after(DoorSignal.GRANT, DoorSignal.OPENED)
    assert commands[0] is SECURE
    assert DoorCommand.NOTE_OPENED in commands


def test_a_door_that_opens_without_a_grant_is_forced() -> None:
    assert after(DoorSignal.STRIKE_SECURED, DoorSignal.OPENED) == (DoorCommand.NOTE_FORCED,)


def test_a_door_held_open_is_noted_once_and_closed_again() -> None:
    opened = (DoorSignal.GRANT, DoorSignal.OPENED, DoorSignal.HELD_OVER)
    assert after(*opened) == (DoorCommand.NOTE_HELD,)
    assert after(*opened, DoorSignal.HELD_OVER) == ()
    assert DoorCommand.NOTE_CLOSED in after(*opened, DoorSignal.CLOSED)


@given(signals, st.booleans())
def test_a_released_strike_was_granted_and_is_secured_on_leaving(
    given: list[DoorSignal], has_contact: bool
) -> None:
    machine, released = DoorMachine(has_contact), False
    for signal in given:
        commands = machine.feed(signal)
        if RELEASE in commands:
            assert signal is DoorSignal.GRANT
            released = True
        if SECURE in commands:
            released = False
        assert released == (machine.state is DoorState.RELEASED)
