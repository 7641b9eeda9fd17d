"""What devices are told to do, until they say that they did.

Each function is a part of somebody's transaction. A command is told again with every heartbeat, so
one that was lost on its way costs nothing; the same thing is not told twice at a time.

Deliberately not here: who may tell (cli), and waking a device (hints).
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.moment import stamp
from sync.hub.schema import COMMAND
from sync.hub_wire import Command

KINDS: Final = ("drop-cache", "sync-now")
MOST_TOLD: Final = 50  # in one answer; more than there are kinds
MOST_DONE: Final = 500  # ids that one heartbeat may name


async def give(connection: AsyncConnection, device: str, kind: str, now: datetime) -> str:
    """The id of the command, which may be waiting already."""
    for waits in await waiting(connection, device):
        if waits.kind == kind:
            return waits.id
    row = {"id": secrets.token_hex(8), "device": device, "kind": kind, "created": stamp(now)}
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
