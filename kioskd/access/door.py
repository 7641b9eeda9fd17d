"""The door machine: signals in, commands out. No clock, no relay."""

from dataclasses import dataclass

from kioskd.access.door_table import DOOR_TABLE, DoorCommand, DoorSignal, DoorState


@dataclass(slots=True)
class DoorMachine:
    """One door. Starts UNKNOWN: only a secure frame that got out makes it SECURED.

    has_contact: without a contact nobody can say that a released door was not opened.
    """

    has_contact: bool = False
    state: DoorState = DoorState.UNKNOWN

    def feed(self, signal: DoorSignal) -> tuple[DoorCommand, ...]:
        """Advance; a pair that is not in the table changes nothing and asks for nothing."""
        self.state, commands = DOOR_TABLE.get((self.state, signal), (self.state, ()))
        if self.has_contact:
            return commands
        return tuple(c for c in commands if c is not DoorCommand.NOTE_NOT_OPENED)
