"""What devices are told to do, until they say that they did.

Each function is a part of somebody's transaction. A command is told again with every heartbeat, so
one that was lost on its way costs nothing; the same thing is not told twice at a time.

A device does what waits in the order in which it was told, and the last word is to be in force
afterwards: so a command that comes again moves behind what was told in between, and to drop the
cache ends all that waited before it.

Deliberately not here: who may tell (cli), and waking a device (hints).
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.moment import stamp
from sync.hub.schema import COMMAND
from sync.hub_wire import Command

DROP: Final = "drop-cache"
KINDS: Final = (DROP, "sync-now")
MOST_TOLD: Final = 50  # in one answer; more than there are kinds
MOST_DONE: Final = 500  # ids that one heartbeat may name
_AFTER: Final = timedelta(microseconds=1)
_NEWEST_FIRST: Final = (COMMAND.c.created.desc(), COMMAND.c.id.desc())


async def give(connection: AsyncConnection, device: str, kind: str, now: datetime) -> str:
    """The id of the command; that of one which waits already where it was the last word."""
    asked = select(COMMAND).where(_undone(device)).order_by(*_NEWEST_FIRST).limit(1)
    last = (await connection.execute(asked)).first()
    if last is not None and last.kind == kind:
        return str(last.id)
    overtaken = _undone(device) if kind == DROP else _undone(device) & (COMMAND.c.kind == kind)
    await connection.execute(update(COMMAND).where(overtaken).values(done=stamp(now)))
    # Behind the last one also where the clock went back meanwhile.
    at = now if last is None else max(now, datetime.fromisoformat(last.created) + _AFTER)
    row = {"id": secrets.token_hex(8), "device": device, "kind": kind, "created": stamp(at)}
    await connection.execute(insert(COMMAND), row)
    return row["id"]


async def waiting(connection: AsyncConnection, device: str) -> list[Command]:
    """What a device has still to do, in the order in which it was told."""
    asked = select(COMMAND).where(_undone(device)).order_by(COMMAND.c.created, COMMAND.c.id)
    found = await connection.execute(asked.limit(MOST_TOLD))
    return [Command(id=row.id, kind=row.kind) for row in found]


async def finish(
    connection: AsyncConnection, device: str, ids: Sequence[str], now: datetime
) -> None:
    """It did these; ids of another device or of nothing change nothing."""
    named = COMMAND.c.id.in_([text for text in ids[:MOST_DONE] if text.isalnum()])
    done = update(COMMAND).where(_undone(device), named).values(done=stamp(now))
    await connection.execute(done)


async def withdraw(connection: AsyncConnection, device: str, now: datetime) -> None:
    """The device is another one now: what the one before was told is nothing to it."""
    await connection.execute(update(COMMAND).where(_undone(device)).values(done=stamp(now)))


def _undone(device: str) -> ColumnElement[bool]:
    return (COMMAND.c.device == device) & COMMAND.c.done.is_(None)
