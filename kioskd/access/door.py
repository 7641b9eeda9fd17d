"""The door machine: signals in, commands out, and who has leave to open. No clock, no relay."""

from dataclasses import dataclass, field

from kioskd.access.door_table import DOOR_TABLE, DoorCommand, DoorSignal, DoorState

# The strike locks a moment after its frame, and a contact tells of an opening a moment late.
LATCH_SECONDS = 0.5


@dataclass(slots=True)
class DoorMachine:
    """One door. Starts UNKNOWN: only a secure frame that got out makes it SECURED."""

    state: DoorState = DoorState.UNKNOWN

    def feed(self, signal: DoorSignal) -> tuple[DoorCommand, ...]:
        """Advance; a pair that is not in the table changes nothing and asks for nothing."""
        self.state, commands = DOOR_TABLE.get((self.state, signal), (self.state, ()))
        return commands


@dataclass(slots=True)
class Leave:
    """Whether an opening was to be expected. Times are monotonic seconds.

    Each grant is leave for one opening while its release lasts, even where the strike was secured
    early; a second one within that time may be somebody who slipped in. Who goes out (REX) opens
    with leave and uses up nobody's grant.

    entry: the row of the newest grant. opened: whether somebody opened for it, or may have gone
    through a door that stood open.
    """

    entry: str = ""
    opened: bool = True
    _left: int = field(default=0)
    _until: float = field(default=float("-inf"))
    _out_until: float = field(default=float("-inf"))

    def grant(self, entry: str, now: float, seconds: float, *, free: bool) -> None:
        """Somebody was let in, for so long. free: they could have gone through without."""
        self._left = self._left + 1 if now < self._until else 1
        self._until = max(self._until, now + seconds)
        self.entry, self.opened = entry, free

    def rex(self, now: float, seconds: float) -> None:
        """Somebody inside asked to go out."""
        self._out_until = now + seconds

    def withdraw(self) -> None:
        """What was granted counts no longer: the door was locked or the strike failed."""
        self._left, self._until, self.opened = 0, float("-inf"), True

    def opening(self, at: float) -> DoorSignal:
        """What an opening that was seen at this time is."""
        if at <= self._out_until:
            return DoorSignal.OPENED_WITH_LEAVE
        if at > self._until + LATCH_SECONDS:
            return DoorSignal.OPENED
        self.opened = True
        if self._left == 0:
            return DoorSignal.OPENED_AGAIN
        self._left -= 1
        return DoorSignal.OPENED_WITH_LEAVE

    def by_rex(self, at: float) -> bool:
        """Whether an opening at this time is put down to REX."""
        return at <= self._out_until
