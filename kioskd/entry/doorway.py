"""One door: runs the door machine's commands on its strike and writes down what happened.

Deliberately not here: who may come in (verdict), who may unlock it (unlock), what reads a contact
and keeps the times (attendant).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from kioskd.access.door import DoorMachine, Leave
from kioskd.access.door_table import OPEN_STATES, DoorCommand, DoorSignal, DoorState
from kioskd.config.model import Door
from kioskd.domain.decision import Decision
from kioskd.domain.record import NO_DETAIL, Kind
from kioskd.entry.held import Held, HeldTimer
from kioskd.entry.notebook import Notebook
from kioskd.entry.row_limit import RowLimit
from kioskd.entry.strike_keeper import Owner, StrikeKeeper
from kioskd.errors import DeviceError
from kioskd.ports import Clock, Strike

log = logging.getLogger("kioskd.entry")
_NOTES = {
    DoorCommand.NOTE_OPENED: Kind.DOOR_OPENED,
    DoorCommand.NOTE_CLOSED: Kind.DOOR_CLOSED,
    DoorCommand.NOTE_HELD: Kind.DOOR_HELD,
    DoorCommand.NOTE_FORCED: Kind.DOOR_FORCED,
    DoorCommand.NOTE_TAILGATING: Kind.DOOR_TAILGATING,
}
_LOUD = frozenset({Kind.DOOR_HELD, Kind.DOOR_FORCED, Kind.DOOR_TAILGATING})


@dataclass(frozen=True, slots=True)
class DoorTimes:
    """Seconds of a release (and of leave to go out), until a warning, until it counts as held."""

    release: float = 5.0
    held_warn: float = 30.0
    held: float = 60.0

    @classmethod
    def of(cls, door: Door) -> Self:
        """As the configuration has them."""
        return cls(door.release_seconds, door.held_warn_seconds, door.held_seconds)


@dataclass(frozen=True, slots=True)
class LastDecision:
    """When somebody was decided on at this door, and how."""

    at: datetime
    decision: Decision


def _nobody(door: str) -> None:
    """Nobody wants to be warned."""


class Doorway:
    """A door's machine, strike, contact and records.

    `release` is called for a journalled grant only. strike_there: whether the relay is connected,
    which means that the secure frame of its strike got out. warned: told the door's name when it
    has been open for so long that somebody should close it.
    """

    def __init__(
        self,
        name: str,
        strike: Strike,
        clock: Clock,
        notebook: Notebook,
        *,
        has_contact: bool,
        times: DoorTimes | None = None,
        strike_there: Callable[[], bool] = lambda: True,
        warned: Callable[[str], None] = _nobody,
    ) -> None:
        self.name = name
        self.times = times or DoorTimes()
        self.has_contact = has_contact
        self.strike_there = strike_there
        self.last: LastDecision | None = None
        self.locks = 0  # how often it was locked: what was asked for before is void
        self.since = clock.moment().wall
        self.keeper = StrikeKeeper(name, strike, clock, self._strike_secured)
        self._clock = clock
        self._notebook = notebook
        self._warned = warned
        self._machine = DoorMachine()
        self._leave = Leave()
        self._held = HeldTimer(self.times.held_warn, self.times.held)
        self._rows = RowLimit(name, self._write)
        self._closed: bool | None = None  # None: there is no contact, or it cannot be read
        self._went_in: Callable[[], None] | None = None

    @property
    def state(self) -> DoorState:
        """How the door stands."""
        return self._machine.state

    @property
    def closed(self) -> bool | None:
        """What the contact says; None without one, or while it cannot be read."""
        return self._closed

    @property
    def next_due(self) -> float:
        """When `beat` has something to do at the latest; monotonic seconds."""
        return self._held.next

    async def release(
        self,
        seconds: float,
        entry: str,
        owner: Owner,
        locks: int,
        went_in: Callable[[], None] | None = None,
    ) -> bool:
        """Release the strike for a grant. DeviceError when the relay did not take the frame.

        locks: as they were when the release was asked for; False: `lock` came since, and it is
        told as not opened. went_in: called when the door was opened; without a contact, at once.
        """
        if self._locked_since(locks, entry):
            return False
        # Where the door stands open or unlocked, nobody can tell who went through.
        free = self._closed is False or self.state is DoorState.UNLOCKED
        self._leave.grant(entry, self._clock.monotonic(), seconds, free=free)
        self._feed(DoorSignal.GRANT)
        try:
            await self.keeper.release(seconds, owner)
        except DeviceError:
            self._leave.withdraw()
            self._feed(DoorSignal.FAULT, why="fault")
            raise
        self._notebook.note(Kind.STRIKE_RELEASED, self.name, {"entry": entry, "seconds": seconds})
        if self._locked_since(locks, entry):  # while the frame went out; the secure frame follows
            return False
        self._went_in = went_in or self._went_in
        if self._closed is not True:
            self._somebody_went_in()
        return True

    async def unlock(self, seconds: float, entry: str, owner: Owner, locks: int, why: str) -> bool:
        """Release the strike for everybody, to be held again within `seconds`. DeviceError.

        entry: the row of the unlock. why: it ends when it is not held. locks, False: as `release`.
        """
        if self._locked_since(locks, entry):
            return False
        self._feed(DoorSignal.UNLOCK)
        try:
            await self.keeper.unlock(seconds, owner, why)
        except DeviceError:
            self._feed(DoorSignal.FAULT, why="fault")
            raise
        return not self._locked_since(locks, entry)

    def end_unlock(self, why: str) -> None:
        """Everybody needs a grant again."""
        self._feed(DoorSignal.UNLOCK_OVER, why=why)

    async def lock(self) -> None:
        """End whatever releases the strike, or was asked for and would release it later.

        DeviceError when the secure frame did not get out.
        """
        self.locks += 1
        self._leave.withdraw()
        await self.keeper.secure_now("locked")

    def not_opened(self, entry: str, why: str) -> None:
        """A grant that was not acted on."""
        log.error("door.not_opened", extra={"door": self.name, "why": why})
        self._notebook.note(Kind.DOOR_NOT_OPENED, self.name, {"entry": entry, "why": why})

    def decided(self, at: datetime, decision: Decision) -> None:
        """Remember the last decision, for who asks how the door is."""
        self.last = LastDecision(at, decision)

    def contact(self, *, closed: bool, at: float, first: bool = False) -> None:
        """What the contact says. first: how it was found, which is no event; at: monotonic."""
        found = first or self._closed is None
        if closed is self._closed and not found:
            return
        self._closed = closed
        if found:
            self._feed(DoorSignal.FOUND_CLOSED if closed else DoorSignal.FOUND_OPEN)
        elif closed:
            self._feed(DoorSignal.CLOSED)
        else:
            self._opened(at)

    def rex(self, at: float) -> None:
        """Somebody inside asks to go out. The lock lets them out by its own wiring."""
        self._leave.rex(at, self.times.release)
        self._rows.note(Kind.INPUT_REX, self._clock.monotonic())

    def contact_lost(self) -> None:
        """The contact cannot be read: from here on, a door without one."""
        self._closed = None
        self._feed(DoorSignal.CONTACT_LOST)

    def strike_lost(self) -> None:
        """The relay is away. It comes back secured, and nothing that was held is held on."""
        self._feed(DoorSignal.FAULT, why="fault")

    def beat(self) -> None:
        """What is due: twice a second, and at `next_due`."""
        now = self._clock.monotonic()
        while due := self._held.take(now):
            self._warn() if due is Held.WARN else self._feed(DoorSignal.HELD_OVER)
        unknown = self.state is DoorState.UNKNOWN and not self.keeper.released
        if unknown and self.strike_there():
            self._feed(DoorSignal.STRIKE_SECURED)
        self._rows.beat(now)

    def _locked_since(self, locks: int, entry: str) -> bool:
        if locks == self.locks:
            return False
        self.not_opened(entry, "locked")
        return True

    def _opened(self, at: float) -> None:
        detail: dict[str, object] = {}
        signal = self._leave.opening(at)
        if self._leave.by_rex(at):
            detail["why"] = "rex"
        elif signal is not DoorSignal.OPENED:
            detail["entry"] = self._leave.entry
            self._somebody_went_in()
        self._feed(signal, detail, why="opened")

    def _somebody_went_in(self) -> None:
        went_in, self._went_in = self._went_in, None
        if went_in is not None:
            went_in()

    def _strike_secured(self, why: str) -> None:
        self._went_in = None
        self._feed(DoorSignal.STRIKE_SECURED)
        self._notebook.note(Kind.STRIKE_SECURED, self.name, {"why": why})

    def _feed(
        self, signal: DoorSignal, detail: Mapping[str, object] = NO_DETAIL, why: str = ""
    ) -> None:
        before = self.state
        for command in self._machine.feed(signal):
            self._do(command, detail, why)
        if self.state is not before:
            self.since = self._clock.moment().wall
        shut = self.state not in OPEN_STATES and self.state is not DoorState.UNKNOWN
        if self._closed is False and shut:
            self._feed(DoorSignal.FOUND_OPEN)

    def _do(self, command: DoorCommand, detail: Mapping[str, object], why: str) -> None:
        match command:
            case DoorCommand.SECURE_STRIKE:
                self.keeper.end_now(why)
            case DoorCommand.END_UNLOCK:
                self.keeper.end_unlock(why)
            case DoorCommand.START_HELD_TIMER:
                self._held.start(self._clock.monotonic())
            case DoorCommand.STOP_HELD_TIMER:
                self._held.stop()
            case DoorCommand.NOTE_NOT_OPENED:
                self._note_not_opened()
            case _ if command in _NOTES:
                self._rows.note(_NOTES[command], self._clock.monotonic(), detail)

    def _note_not_opened(self) -> None:
        # Without a contact nobody can say that a released door was not opened.
        if self._closed is not None and not self._leave.opened:
            self._leave.opened = True
            detail = {"entry": self._leave.entry, "why": "not opened"}
            self._notebook.note(Kind.DOOR_NOT_OPENED, self.name, detail)

    def _write(self, kind: Kind, detail: Mapping[str, object]) -> None:
        if kind in _LOUD:
            log.warning(kind.value, extra={"door": self.name})
        self._notebook.note(kind, self.name, detail)

    def _warn(self) -> None:
        log.warning("door.open_long", extra={"door": self.name})
        self._warned(self.name)
