"""What a hub keeps no longer: old tombstones, old events, spent codes and commands.

A tombstone is deleted once every device has had time to see it. The floor in META rises to its
change in the same transaction: a device that was away longer has a cursor below it, which is Gone,
and takes a snapshot, so no card outlives the register anywhere. Batches below the floor are of no
use then; the newest batch always stays, because numbers are counted on from it.

Deliberately not here: when it is called; activities and wrong PINs, which go with their own rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import CursorResult, Delete, Select, delete, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.moment import stamp
from sync.hub.database import Database
from sync.hub.model import HubConfig
from sync.hub.schema import BATCH, COMMAND, EVENT, JOIN_CODE, META, PATRON

BLOCK: Final = 2_000  # rows deleted in one transaction: others wait for it
_P: Final = PATRON.c


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many of each were deleted."""

    tombstones: int = 0
    batches: int = 0
    events: int = 0
    join_codes: int = 0
    commands: int = 0


async def forget(database: Database, config: HubConfig, now: Callable[[], datetime]) -> Forgotten:
    """Delete what has had its time. Stopping half way and running twice do no harm. StoreError."""
    at = now()
    tombstones = await _forget_tombstones(database, at - timedelta(days=config.tombstone_days))
    return Forgotten(
        tombstones=tombstones,
        batches=await _forget_batches(database),
        events=await _forget_events(database, stamp(at - timedelta(days=config.event_days))),
        join_codes=await _once(
            database,
            delete(JOIN_CODE).where(
                or_(JOIN_CODE.c.used.is_not(None), JOIN_CODE.c.expires <= stamp(at))
            ),
        ),
        commands=await _once(database, delete(COMMAND).where(COMMAND.c.done.is_not(None))),
    )


async def _forget_tombstones(database: Database, before: datetime) -> int:
    total = 0
    # Looked for in a view first: it takes long among a million rows, and here nobody waits for it.
    while await _look(database, stamp(before)):
        # No row changes, so no number is used; the lock is: an import must not find a tombstone
        # that is gone when it writes over it.
        async with database.changing() as change:
            total += await _tombstones(change.connection, stamp(before))
    return total


async def _look(database: Database, before: str) -> bool:
    async with database.reading() as connection:
        return (await connection.execute(_old_tombstones(before).limit(1))).first() is not None


async def _tombstones(connection: AsyncConnection, before: str) -> int:
    rows = (await connection.execute(_old_tombstones(before).limit(BLOCK))).all()
    if rows:
        keys = [(row.feed, row.card) for row in rows]
        await connection.execute(delete(PATRON).where(tuple_(_P.feed, _P.card).in_(keys)))
        await _raise_floor(connection, rows[-1].change)
    return len(rows)


def _old_tombstones(before: str) -> Select[tuple[str, bytes, int]]:
    old = select(func.max(BATCH.c.change)).where(BATCH.c.at < before).scalar_subquery()
    dead = select(_P.feed, _P.card, _P.change).where(_P.deleted, _P.change <= old)
    return dead.order_by(_P.change)


async def _raise_floor(connection: AsyncConnection, change: int) -> None:
    floor = await _floor(connection)
    if change > floor:
        statement = update(META).where(META.c.key == "floor").values(value=str(change))
        await connection.execute(statement)


async def _floor(connection: AsyncConnection) -> int:
    found = await connection.execute(select(META.c.value).where(META.c.key == "floor"))
    return int(found.scalar_one())


async def _forget_batches(database: Database) -> int:
    """The floor is the change of a row that was: never above the newest batch, which so stays."""
    async with database.writing() as connection:
        below = BATCH.c.change < await _floor(connection)
        return await _deleted(connection, delete(BATCH).where(below))


async def _forget_events(database: Database, before: str) -> int:
    """By the time that the event says and by the time it came: clocks of devices may be wrong."""
    total = 0
    key = tuple_(EVENT.c.device, EVENT.c.id)
    old = (
        select(EVENT.c.device, EVENT.c.id)
        .where(EVENT.c.at < before, EVENT.c.received < before)
        .limit(BLOCK)
    )
    while True:
        gone = await _once(database, delete(EVENT).where(key.in_(old)))
        total += gone
        if gone < BLOCK:
            return total


async def _once(database: Database, statement: Delete) -> int:
    async with database.writing() as connection:
        return await _deleted(connection, statement)


async def _deleted(connection: AsyncConnection, statement: Delete) -> int:
    done: CursorResult[Any] = await connection.execute(statement)
    return done.rowcount
