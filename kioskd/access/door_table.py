"""The door as a table: (state, signal) -> (state, commands).

Every way out of a released state secures the strike, or begins when it has been secured.
RELEASE_STRIKE stands beside GRANT and UNLOCK alone: no start, no contact, no connection and no
timer releases a door. A contact that was found open is a state and no event: nobody saw it open.

Deliberately not here: a lockdown. It refuses people (kioskd.access.rules) and ends an unlock; the
door itself stands in a lockdown as it stands otherwise.
"""

from enum import Enum, auto


class DoorState(Enum):
    """How the door stands. *_OPEN: the contact says open while the strike is released.

    UNKNOWN: no secure frame is known to have got out. FORCED: opened without leave. UNLOCKED: by
    the schedule, for everybody; who goes in and out is not followed meanwhile.
    """

    UNKNOWN = auto()
    SECURED = auto()
    RELEASED = auto()
    RELEASED_OPEN = auto()
    OPEN = auto()
    HELD = auto()
    FORCED = auto()
    UNLOCKED = auto()
    UNLOCKED_OPEN = auto()


class DoorSignal(Enum):
    """What happened to the door.

    STRIKE_SECURED: the secure frame got out and nothing holds the strike. OPENED: without leave;
    OPENED_WITH_LEAVE: for a grant or from inside; OPENED_AGAIN: once more on one grant.
    FOUND_*: what the contact said when it could first be read.
    """

    GRANT = auto()
    UNLOCK = auto()
    UNLOCK_OVER = auto()
    STRIKE_SECURED = auto()
    OPENED = auto()
    OPENED_WITH_LEAVE = auto()
    OPENED_AGAIN = auto()
    CLOSED = auto()
    FOUND_OPEN = auto()
    FOUND_CLOSED = auto()
    CONTACT_LOST = auto()
    HELD_OVER = auto()
    FAULT = auto()


class DoorCommand(Enum):
    """What the doorway must do. NOTE_*: write it down."""

    RELEASE_STRIKE = auto()
    SECURE_STRIKE = auto()
    END_UNLOCK = auto()
    START_HELD_TIMER = auto()
    STOP_HELD_TIMER = auto()
    NOTE_OPENED = auto()
    NOTE_CLOSED = auto()
    NOTE_HELD = auto()
    NOTE_FORCED = auto()
    NOTE_NOT_OPENED = auto()
    NOTE_TAILGATING = auto()


_S = DoorState
_E = DoorSignal
_C = DoorCommand
_Entry = tuple[DoorState, tuple[DoorCommand, ...]]

OPENINGS = (_E.OPENED, _E.OPENED_WITH_LEAVE, _E.OPENED_AGAIN)
RELEASED_STATES = frozenset({_S.RELEASED, _S.RELEASED_OPEN, _S.UNLOCKED, _S.UNLOCKED_OPEN})
OPEN_STATES = frozenset({_S.OPEN, _S.HELD, _S.FORCED, _S.RELEASED_OPEN, _S.UNLOCKED_OPEN})

_WENT_IN: _Entry = (_S.OPEN, (_C.NOTE_OPENED, _C.START_HELD_TIMER))
_WENT_IN_AGAIN: _Entry = (_S.OPEN, (*_WENT_IN[1], _C.NOTE_TAILGATING))


def _unknown() -> dict[DoorSignal, _Entry]:
    """Whether the strike is secured is not known: nothing can be called forced."""
    return {
        **dict.fromkeys(OPENINGS, (_S.UNKNOWN, (_C.NOTE_OPENED,))),
        _E.CLOSED: (_S.UNKNOWN, (_C.NOTE_CLOSED,)),
        _E.STRIKE_SECURED: (_S.SECURED, ()),
        _E.GRANT: (_S.RELEASED, (_C.RELEASE_STRIKE,)),
        _E.UNLOCK: (_S.UNLOCKED, (_C.RELEASE_STRIKE,)),
    }


def _secured() -> dict[DoorSignal, _Entry]:
    return {
        _E.GRANT: (_S.RELEASED, (_C.RELEASE_STRIKE,)),
        _E.UNLOCK: (_S.UNLOCKED, (_C.RELEASE_STRIKE,)),
        _E.OPENED: (_S.FORCED, (_C.NOTE_FORCED,)),
        _E.OPENED_WITH_LEAVE: _WENT_IN,
        _E.OPENED_AGAIN: _WENT_IN_AGAIN,
        _E.FOUND_OPEN: (_S.OPEN, (_C.START_HELD_TIMER,)),
    }


def _released() -> dict[DoorSignal, _Entry]:
    """A pulse. It ends early when the door opens."""
    went_in = (_S.OPEN, (_C.SECURE_STRIKE, *_WENT_IN[1]))
    return {
        _E.GRANT: (_S.RELEASED, (_C.RELEASE_STRIKE,)),
        _E.UNLOCK: (_S.UNLOCKED, (_C.RELEASE_STRIKE,)),
        _E.STRIKE_SECURED: (_S.SECURED, (_C.NOTE_NOT_OPENED,)),
        _E.OPENED: went_in,
        _E.OPENED_WITH_LEAVE: went_in,
        _E.OPENED_AGAIN: (_S.OPEN, (_C.SECURE_STRIKE, *_WENT_IN_AGAIN[1])),
        _E.FOUND_OPEN: (_S.RELEASED_OPEN, ()),
    }


def _released_open() -> dict[DoorSignal, _Entry]:
    """A grant for somebody who comes while the door stands open."""
    return {
        _E.GRANT: (_S.RELEASED_OPEN, (_C.RELEASE_STRIKE,)),
        _E.UNLOCK: (_S.UNLOCKED_OPEN, (_C.RELEASE_STRIKE,)),
        _E.STRIKE_SECURED: (_S.OPEN, (_C.START_HELD_TIMER,)),
        _E.CLOSED: (_S.RELEASED, (_C.NOTE_CLOSED,)),
        _E.FOUND_CLOSED: (_S.RELEASED, ()),
        _E.CONTACT_LOST: (_S.RELEASED, ()),
    }


def _open() -> dict[DoorSignal, _Entry]:
    """Open, held and forced: the strike is secured and the door stands open."""
    return {
        _E.GRANT: (_S.RELEASED_OPEN, (_C.STOP_HELD_TIMER, _C.RELEASE_STRIKE)),
        _E.UNLOCK: (_S.UNLOCKED_OPEN, (_C.STOP_HELD_TIMER, _C.RELEASE_STRIKE)),
        _E.CLOSED: (_S.SECURED, (_C.STOP_HELD_TIMER, _C.NOTE_CLOSED)),
        _E.FOUND_CLOSED: (_S.SECURED, (_C.STOP_HELD_TIMER,)),
        _E.CONTACT_LOST: (_S.SECURED, (_C.STOP_HELD_TIMER,)),
    }


def _unlocked() -> dict[DoorSignal, _Entry]:
    return {
        **dict.fromkeys(OPENINGS, (_S.UNLOCKED_OPEN, ())),
        _E.GRANT: (_S.UNLOCKED, (_C.RELEASE_STRIKE,)),
        _E.UNLOCK_OVER: (_S.RELEASED, (_C.END_UNLOCK,)),
        _E.STRIKE_SECURED: (_S.SECURED, ()),
        _E.FOUND_OPEN: (_S.UNLOCKED_OPEN, ()),
    }


def _unlocked_open() -> dict[DoorSignal, _Entry]:
    """A door that is still open when the unlock ends is timed like any other that stands open."""
    return {
        _E.GRANT: (_S.UNLOCKED_OPEN, (_C.RELEASE_STRIKE,)),
        _E.UNLOCK_OVER: (_S.RELEASED_OPEN, (_C.END_UNLOCK,)),
        _E.STRIKE_SECURED: (_S.OPEN, (_C.START_HELD_TIMER,)),
        _E.CLOSED: (_S.UNLOCKED, ()),
        _E.FOUND_CLOSED: (_S.UNLOCKED, ()),
        _E.CONTACT_LOST: (_S.UNLOCKED, ()),
    }


_ROWS: dict[DoorState, dict[DoorSignal, _Entry]] = {
    _S.UNKNOWN: _unknown(),
    _S.SECURED: _secured(),
    _S.RELEASED: _released(),
    _S.RELEASED_OPEN: _released_open(),
    _S.OPEN: {**_open(), _E.HELD_OVER: (_S.HELD, (_C.NOTE_HELD,))},
    _S.HELD: _open(),
    _S.FORCED: _open(),
    _S.UNLOCKED: _unlocked(),
    _S.UNLOCKED_OPEN: _unlocked_open(),
}
_FAULT: _Entry = (_S.UNKNOWN, (_C.SECURE_STRIKE, _C.STOP_HELD_TIMER))

DOOR_TABLE: dict[tuple[DoorState, DoorSignal], _Entry] = {
    **{(state, signal): entry for state, row in _ROWS.items() for signal, entry in row.items()},
    **{(state, _E.FAULT): _FAULT for state in DoorState},
}
