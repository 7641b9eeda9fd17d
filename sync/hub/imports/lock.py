"""One import of a feed at a time, on every hub: a lease in the database.

    async with ImportLock(database, feed, now) as lock:
        async with database.changing() as change:
            await lock.hold(change.connection)      # first thing in every transaction
            ...

The lease is renewed while the import runs. One that was killed renews no more: the next import may
start at once where it can tell that the process is dead, which is on the same machine, and from
elsewhere when the lease has run out. A process that was only stopped for longer than that finds at
its next transaction that the lease is another's, and writes nothing more: `hold` locks the row of
the lease until the transaction ends.

Deliberately not here: leases of chores.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.moment import stamp
from kioskd.errors import InputError, StoreError
from sync.hub.database import Database
from sync.hub.imports.holders import is_dead, new_holder
from sync.hub.inserts import insert_into
from sync.hub.schema import LEASE

LEASE_TIME: Final = timedelta(seconds=45)
_RENEW_SECONDS: Final = 10.0

log = logging.getLogger("kioskd.hub.import")


class ImportLock:
    """The right to import a feed. InputError on entry: another import of it is running."""

    def __init__(self, database: Database, feed: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._feed = feed
        self._now = now
        self._name = f"import:{feed}"
        self._holder = new_holder()
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        async with self._database.writing() as connection:
            holder = await self._take(connection)
        if holder != self._holder:
            raise InputError(
                f"{self._feed}: another import of it is running; wait for its end (one that was "
                f"killed on another machine is forgotten after {LEASE_TIME.seconds} seconds)"
            )
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
        mine = (LEASE.c.name == self._name) & (LEASE.c.holder == self._holder)
        # The lease runs out by itself; a fault here must not hide the import's own.
        with contextlib.suppress(StoreError):
            async with self._database.writing() as connection:
                await connection.execute(delete(LEASE).where(mine))

    async def hold(self, connection: AsyncConnection) -> None:
        """Make sure of the lease until this transaction ends. StoreError: it is lost."""
        renewed = await connection.execute(
            update(LEASE)
            .where(LEASE.c.name == self._name, LEASE.c.holder == self._holder)
            .values(until=self._until())
        )
        if renewed.rowcount != 1:
            raise StoreError(
                f"{self._feed}: this import stood still for more than {LEASE_TIME.seconds} seconds "
                "and another one took over; what was written before is good"
            )

    async def _take(self, connection: AsyncConnection) -> str:
        """The holder of the lease after trying to take it."""
        this = LEASE.c.name == self._name
        held = (await connection.execute(select(LEASE.c.holder).where(this))).scalar_one_or_none()
        over = LEASE.c.until <= stamp(self._now())
        if held is not None and await asyncio.to_thread(is_dead, held):
            over |= LEASE.c.holder == held
        await connection.execute(delete(LEASE).where(this, over))
        row = {"name": self._name, "holder": self._holder, "until": self._until()}
        await connection.execute(
            insert_into(self._database, LEASE).values(row).on_conflict_do_nothing()
        )
        found = await connection.execute(select(LEASE.c.holder).where(this))
        return str(found.scalar_one_or_none())

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                async with self._database.writing() as connection:
                    await self.hold(connection)
            except StoreError as error:  # the next transaction finds out whether the lease is lost
                log.warning("import.lease", extra={"feed": self._feed, "why": str(error)})

    def _until(self) -> str:
        return stamp(self._now() + LEASE_TIME)
