"""The entry session as a table: (state, signal) -> (state, commands).

A pair that is not here changes nothing and asks for nothing: digits before a card are ignored,
and so is any key while a decision is being made.
"""

from enum import Enum, auto


class SessionState(Enum):
    """Nobody, a card waiting for its PIN, a decision being made."""

    IDLE = auto()
    PIN = auto()
    DECIDING = auto()


class SessionSignal(Enum):
    """What happened. CARD_DECIDES: a card that is decided without a PIN."""

    CARD_ASKS_PIN = auto()
    CARD_DECIDES = auto()
    DIGIT = auto()
    DIGIT_TOO_MANY = auto()
    CLEAR = auto()
    CLEAR_EMPTY = auto()
    ENTER = auto()
    ENTER_EMPTY = auto()
    TIMER = auto()
    DECIDED = auto()


class SessionCommand(Enum):
    """What the access point must do."""

    ASK_PIN = auto()
    SHOW_WAIT = auto()
    KEEP_DIGIT = auto()
    DROP_DIGITS = auto()
    START_TIMER = auto()
    STOP_TIMER = auto()
    DECIDE = auto()
    FORGET = auto()


_S = SessionState
_E = SessionSignal
_C = SessionCommand

_DECIDE = (_S.DECIDING, (_C.STOP_TIMER, _C.DECIDE))

SESSION_TABLE: dict[
    tuple[SessionState, SessionSignal], tuple[SessionState, tuple[SessionCommand, ...]]
] = {
    (_S.IDLE, _E.CARD_ASKS_PIN): (_S.PIN, (_C.ASK_PIN, _C.START_TIMER)),
    (_S.IDLE, _E.CARD_DECIDES): (_S.DECIDING, (_C.DECIDE,)),
    (_S.PIN, _E.CARD_ASKS_PIN): (_S.PIN, (_C.SHOW_WAIT,)),
    (_S.PIN, _E.CARD_DECIDES): (_S.PIN, (_C.SHOW_WAIT,)),
    (_S.PIN, _E.DIGIT): (_S.PIN, (_C.KEEP_DIGIT, _C.START_TIMER)),
    (_S.PIN, _E.CLEAR): (_S.PIN, (_C.DROP_DIGITS, _C.START_TIMER)),
    (_S.PIN, _E.ENTER_EMPTY): (_S.PIN, (_C.START_TIMER,)),
    (_S.PIN, _E.ENTER): _DECIDE,
    (_S.PIN, _E.DIGIT_TOO_MANY): _DECIDE,
    (_S.PIN, _E.CLEAR_EMPTY): _DECIDE,
    (_S.PIN, _E.TIMER): _DECIDE,
    (_S.DECIDING, _E.CARD_ASKS_PIN): (_S.DECIDING, (_C.SHOW_WAIT,)),
    (_S.DECIDING, _E.CARD_DECIDES): (_S.DECIDING, (_C.SHOW_WAIT,)),
    (_S.DECIDING, _E.DECIDED): (_S.IDLE, (_C.FORGET,)),
}
