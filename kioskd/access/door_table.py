"""The door as a table: (state, signal) -> (state, commands).

Every way out of RELEASED secures the strike. RELEASE_STRIKE stands beside GRANT alone: no
start, no connection and no timer releases a door.
"""

from enum import Enum, auto


class DoorState(Enum):
    """Secured, released (pulse), open, held open, forced, or not known."""

    SECURED = auto()
    RELEASED = auto()
    OPEN = auto()
    HELD = auto()
    FORCED = auto()
    UNKNOWN = auto()


class DoorSignal(Enum):
    """What happened to the door. STRIKE_SECURED: the secure frame got out."""

    GRANT = auto()
    PULSE_OVER = auto()
    OPENED = auto()
    CLOSED = auto()
    HELD_OVER = auto()
    FAULT = auto()
    STRIKE_SECURED = auto()


class DoorCommand(Enum):
    """What the doorway must do. NOTE_*: write it down."""

    RELEASE_STRIKE = auto()
    SECURE_STRIKE = auto()
    START_HELD_TIMER = auto()
    STOP_HELD_TIMER = auto()
    NOTE_OPENED = auto()
    NOTE_CLOSED = auto()
    NOTE_HELD = auto()
    NOTE_FORCED = auto()
    NOTE_NOT_OPENED = auto()


_S = DoorState
_E = DoorSignal
_C = DoorCommand

_FAULT = (_S.UNKNOWN, (_C.SECURE_STRIKE, _C.STOP_HELD_TIMER))
_AGAIN = (_S.RELEASED, (_C.STOP_HELD_TIMER, _C.RELEASE_STRIKE))
_OPENED = (_C.NOTE_OPENED, _C.START_HELD_TIMER)
_CLOSED = (_S.SECURED, (_C.STOP_HELD_TIMER, _C.NOTE_CLOSED))

DOOR_TABLE: dict[tuple[DoorState, DoorSignal], tuple[DoorState, tuple[DoorCommand, ...]]] = {
    (_S.UNKNOWN, _E.STRIKE_SECURED): (_S.SECURED, ()),
    (_S.UNKNOWN, _E.GRANT): (_S.RELEASED, (_C.RELEASE_STRIKE,)),
    (_S.UNKNOWN, _E.OPENED): (_S.OPEN, _OPENED),
    (_S.UNKNOWN, _E.FAULT): _FAULT,
    (_S.SECURED, _E.GRANT): (_S.RELEASED, (_C.RELEASE_STRIKE,)),
    (_S.SECURED, _E.OPENED): (_S.FORCED, (_C.NOTE_FORCED,)),
    (_S.SECURED, _E.FAULT): _FAULT,
    (_S.RELEASED, _E.GRANT): (_S.RELEASED, (_C.RELEASE_STRIKE,)),
    (_S.RELEASED, _E.PULSE_OVER): (_S.SECURED, (_C.SECURE_STRIKE, _C.NOTE_NOT_OPENED)),
    (_S.RELEASED, _E.OPENED): (_S.OPEN, (_C.SECURE_STRIKE, *_OPENED)),
    (_S.RELEASED, _E.CLOSED): (_S.SECURED, (_C.SECURE_STRIKE, _C.NOTE_CLOSED)),
    (_S.RELEASED, _E.FAULT): _FAULT,
    (_S.OPEN, _E.GRANT): _AGAIN,
    (_S.OPEN, _E.CLOSED): _CLOSED,
    (_S.OPEN, _E.HELD_OVER): (_S.HELD, (_C.NOTE_HELD,)),
    (_S.OPEN, _E.FAULT): _FAULT,
    (_S.HELD, _E.GRANT): _AGAIN,
    (_S.HELD, _E.CLOSED): _CLOSED,
    (_S.HELD, _E.FAULT): _FAULT,
    (_S.FORCED, _E.GRANT): _AGAIN,
    (_S.FORCED, _E.CLOSED): _CLOSED,
    (_S.FORCED, _E.FAULT): _FAULT,
}
