"""Verbs of doors: open once, lock.

`open` is written down before the strike moves. It works in a lockdown too, which keeps out cards
and not those whom staff let in by name. `lock` secures first and is written down after: a journal
that takes no row keeps no door from being locked.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from kioskd import wire
from kioskd.control.acts import Acts
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Refusal, Run, only, text
from kioskd.errors import DeviceError
from kioskd.ports import StaffedDoor


def door_verbs(doors: Mapping[str, StaffedDoor], acts: Acts) -> Mapping[str, Run]:
    """`open` and `lock`, for the doors of this site. doors: by name; looked at at each call."""
    return {
        "open": partial(_open, doors, acts),
        "lock": partial(_lock, doors, acts),
    }


async def _open(
    doors: Mapping[str, StaffedDoor], acts: Acts, person: Person, args: Arguments
) -> Answer:
    """{"door", "reason"} -> {"door", "seconds", "id"}: id is that of the row."""
    only(args, "door", "reason")
    name, door = _door(doors, args)
    reason = text(args, "reason")
    rows: list[str] = []

    async def write() -> str:
        rows.append(await acts.write(person, "open", door=name, detail={"reason": reason}))
        return rows[0]

    seconds = await door.open(write)
    return {"door": name, "seconds": seconds, "id": rows[0]}


async def _lock(
    doors: Mapping[str, StaffedDoor], acts: Acts, person: Person, args: Arguments
) -> Answer:
    """{"door"} -> {"door", "locked"}."""
    only(args, "door")
    name, door = _door(doors, args)
    detail: dict[str, Any] = {}
    try:
        await door.lock()
    except DeviceError as error:
        detail["failed"] = str(error)
        raise
    finally:
        await acts.write_after(person, "lock", door=name, detail=detail)
    return {"door": name, "locked": True}


def _door(doors: Mapping[str, StaffedDoor], args: Arguments) -> tuple[str, StaffedDoor]:
    name = text(args, "door")
    if name not in doors:
        raise Refusal(wire.NOT_FOUND, f"door {name!r}: there is none; use {', '.join(doors)}")
    return name, doors[name]
