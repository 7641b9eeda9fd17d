"""One door: runs the door machine's commands on its strike and writes down what happened."""

import asyncio
import logging

from kioskd.access.door import DoorMachine
from kioskd.access.door_table import DoorCommand, DoorSignal, DoorState
from kioskd.domain.record import Kind
from kioskd.entry.notebook import Notebook
from kioskd.entry.strike_keeper import StrikeKeeper
from kioskd.errors import DeviceError
from kioskd.ports import Clock, Strike

log = logging.getLogger("kioskd.entry")

_NOTES = {
    DoorCommand.NOTE_OPENED: Kind.DOOR_OPENED,
    DoorCommand.NOTE_CLOSED: Kind.DOOR_CLOSED,
    DoorCommand.NOTE_HELD: Kind.DOOR_HELD,
    DoorCommand.NOTE_FORCED: Kind.DOOR_FORCED,
    DoorCommand.NOTE_NOT_OPENED: Kind.DOOR_NOT_OPENED,
}


class Doorway:
    """A door's machine, strike and records. `release` is called for a journalled grant only."""

    def __init__(
        self, name: str, strike: Strike, clock: Clock, notebook: Notebook, *, has_contact: bool
    ) -> None:
        self.name = name
        self._notebook = notebook
        self._machine = DoorMachine(has_contact)
        self.keeper = StrikeKeeper(name, strike, clock, self._strike_secured)

    async def release(self, seconds: float, entry: str, owner: "asyncio.Task[object]") -> None:
        """Release the strike for a grant. DeviceError when the relay did not take the frame."""
        commands = self._machine.feed(DoorSignal.GRANT)
        try:
            if DoorCommand.RELEASE_STRIKE in commands:
                await self.keeper.release(seconds, owner)
        except DeviceError:
            self._run(self._machine.feed(DoorSignal.FAULT))
            raise
        detail = {"entry": entry, "seconds": seconds}
        self._notebook.note(Kind.STRIKE_RELEASED, self.name, detail)

    def not_opened(self, entry: str, why: str) -> None:
        """A grant that was not acted on."""
        log.error("door.not_opened", extra={"door": self.name, "why": why})
        self._notebook.note(Kind.DOOR_NOT_OPENED, self.name, {"entry": entry, "why": why})

    def _strike_secured(self, why: str) -> None:
        signal = DoorSignal.PULSE_OVER if self._released() else DoorSignal.STRIKE_SECURED
        self._run(self._machine.feed(signal))
        self._notebook.note(Kind.STRIKE_SECURED, self.name, {"why": why})

    def _released(self) -> bool:
        return self._machine.state is DoorState.RELEASED

    def _run(self, commands: tuple[DoorCommand, ...]) -> None:
        for command in commands:
            if command is DoorCommand.SECURE_STRIKE:
                self.keeper.end_now()
            if command in _NOTES:
                self._notebook.note(_NOTES[command], self.name)
