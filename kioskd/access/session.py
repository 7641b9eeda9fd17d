"""One access point's entry session: keys become signals, digits are kept until the decision.

The digits live here and nowhere else, and are forgotten with the session.

Deliberately not here: what a card is allowed (policy), timers and notices (entry).
"""

from dataclasses import dataclass, field

from kioskd.access.session_table import (
    SESSION_TABLE,
    SessionCommand,
    SessionSignal,
    SessionState,
)

LONGER_RELEASE_WINDOW = 10.0  # seconds before a card within which a "0" asks for more time
# Reader and keypad are two wires: what was written to both in turn may be read in either order.
SAME_TIME = 0.03  # seconds


@dataclass(slots=True)
class Session:
    """The machine and its digits. Times are monotonic seconds."""

    pin_max: int
    state: SessionState = SessionState.IDLE
    card: str = field(default="", repr=False)
    longer_release: bool = False
    last_key_at: float = 0.0
    ended_by: SessionSignal | None = None
    _read_at: float = 0.0
    _digits: list[str] = field(default_factory=list, repr=False)
    _zero_at: float = float("-inf")
    _early: list[tuple[str, float]] = field(default_factory=list, repr=False)

    @property
    def pin(self) -> str:
        """The digits typed so far."""
        return "".join(self._digits)

    @property
    def typed(self) -> int:
        """How many digits were typed."""
        return len(self._digits)

    def scanned(self, card: str, at: float, *, asks_pin: bool) -> tuple[SessionCommand, ...]:
        """A card was read. One that comes during a session never inherits it."""
        if self.state is SessionState.IDLE:
            self.card = card
            self.last_key_at = self._read_at = at
            # A zero that may already belong to the PIN is not a wish for more time.
            self.longer_release = SAME_TIME < at - self._zero_at <= LONGER_RELEASE_WINDOW
            self._zero_at = float("-inf")
        signal = SessionSignal.CARD_ASKS_PIN if asks_pin else SessionSignal.CARD_DECIDES
        return self.feed(signal)

    def take_early_keys(self, read_at: float) -> list[tuple[str, float]]:
        """Keys that came at the same time as the card, to be pressed again now."""
        keys = [(key, at) for key, at in self._early if read_at - at <= SAME_TIME]
        self._early.clear()
        return keys

    def pressed(self, key: str, at: float) -> tuple[SessionCommand, ...]:
        """A key: a digit, "#" or "*"."""
        if self.state is SessionState.IDLE:
            self._before_card(key, at)
            return ()
        if self.state is SessionState.DECIDING or self._read_at - at > SAME_TIME:
            return ()
        self.last_key_at = max(at, self.last_key_at)
        commands = self.feed(self._signal_of(key))
        if SessionCommand.KEEP_DIGIT in commands:
            self._digits.append(key)
        return commands

    def feed(self, signal: SessionSignal) -> tuple[SessionCommand, ...]:
        """Advance the machine; what ended the PIN step is remembered for the decision."""
        before = self.state
        self.state, commands = SESSION_TABLE.get((self.state, signal), (self.state, ()))
        if before is not SessionState.DECIDING and self.state is SessionState.DECIDING:
            self.ended_by = signal
        if SessionCommand.DROP_DIGITS in commands:
            self._digits.clear()
        if SessionCommand.FORGET in commands:
            self._forget()
        return commands

    def _signal_of(self, key: str) -> SessionSignal:
        if key == "*":
            return SessionSignal.CLEAR if self._digits else SessionSignal.CLEAR_EMPTY
        if key == "#":
            return SessionSignal.ENTER if self._digits else SessionSignal.ENTER_EMPTY
        full = len(self._digits) >= self.pin_max
        return SessionSignal.DIGIT_TOO_MANY if full else SessionSignal.DIGIT

    def _before_card(self, key: str, at: float) -> None:
        if key == "0":
            self._zero_at = at
        self._early = [(k, t) for k, t in self._early if at - t <= SAME_TIME][-31:]
        self._early.append((key, at))

    def _forget(self) -> None:
        self.card = ""
        self.longer_release = False
        self.ended_by = None
        self._digits.clear()
        self._early.clear()
