"""Of several hubs on one database, one does a chore: whoever holds its lease.

    async with lease(database, "turning", me, 60, now) as mine:
        if mine:
            ...

A lease is renewed while it is held and let go at the end; that of a hub that died is over after
its seconds. It saves work and is no lock: a hub that was stopped for longer than its lease may do
a chore that another does too, so every chore must bear that.

Deliberately not here: the chores (housekeeping).
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, or_

from kioskd.domain.moment import stamp
from kioskd.errors import StoreError
from sync.hub.database import Database
from sync.hub.inserts import insert_into
from sync.hub.schema import LEASE

RENEWALS: Final = 3  # in the time of a lease, so that one that fails costs nothing

log = logging.getLogger("kioskd.hub")

Now = Callable[[], datetime]
Pause = Callable[[float], Awaitable[None]]


async def take_lease(database: Database, name: str, holder: str, seconds: float, now: Now) -> bool:
    """Take or renew it; whether this holder has it now."""
    async with database.writing() as connection:
        at = now()
        row = {"name": name, "holder": holder, "until": stamp(at + timedelta(seconds=seconds))}
        free = or_(LEASE.c.until <= stamp(at), LEASE.c.holder == holder)
        put = insert_into(database, LEASE).values(row)
        put = put.on_conflict_do_update(index_elements=[LEASE.c.name], set_=row, where=free)
        taken = await connection.execute(put.returning(LEASE.c.name))
        return taken.first() is not None


async def leave_lease(database: Database, name: str, holder: str) -> None:
    """Let it go; nothing happens when somebody else has it."""
    async with database.writing() as connection:
        mine = (LEASE.c.name == name) & (LEASE.c.holder == holder)
        await connection.execute(delete(LEASE).where(mine))


@contextlib.asynccontextmanager
async def lease(
    database: Database,
    name: str,
    holder: str,
    seconds: float,
    now: Now,
    pause: Pause = asyncio.sleep,
) -> AsyncIterator[bool]:
    """Whether it is held by this holder, renewed until the block ends. StoreError at the start."""
    if not await take_lease(database, name, holder, seconds, now):
        yield False
        return

    async def renew() -> None:
        while True:
            await pause(seconds / RENEWALS)
            await _renewed(database, name, holder, seconds, now)

    renewing = asyncio.create_task(renew(), name=f"lease {name}")
    try:
        yield True
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewing
        with contextlib.suppress(StoreError):  # it ends by itself
            await leave_lease(database, name, holder)


async def _renewed(database: Database, name: str, holder: str, seconds: float, now: Now) -> None:
    try:
        kept = await take_lease(database, name, holder, seconds, now)
    except StoreError:
        return  # the chore meets the same fault and tells it
    if not kept:
        log.warning("lease.lost", extra={"chore": name})
