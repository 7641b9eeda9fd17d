"""What reads the lines of a door: contact, REX, staff button. A task a line."""

from collections.abc import Callable
from dataclasses import dataclass

from kioskd.entry.doorway import Doorway
from kioskd.ports import InputLine


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines that a door has. Active means closed, pressed."""

    contact: InputLine | None = None
    rex: InputLine | None = None
    staff_button: InputLine | None = None


async def read_contact(line: InputLine, doorway: Doorway) -> None:
    """Tell the door what its contact says, until cancelled."""
    async for change in line.changes():
        doorway.contact(closed=change.active, at=change.at, first=change.first)


async def read_rex(line: InputLine, doorway: Doorway) -> None:
    """Tell the door of each press from inside, until cancelled."""
    async for change in line.changes():
        if change.active and not change.first:
            doorway.rex(change.at)


async def read_button(line: InputLine, pressed: Callable[[], None]) -> None:
    """Call `pressed` for each press, until cancelled; a button that hangs counts once."""
    async for change in line.changes():
        if change.active and not change.first:
            pressed()
