"""No pull skips a row that commits late: T1 has a number and stalls, T2 commits, a device pulls."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from unittest.mock import patch

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.hub.database import Database
from tests.hub.databases import Server
from tests.hub_core.world import Device, Hub, person_of

LATE, EARLY = person_of(1), person_of(2)
_WAITING = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@contextlib.asynccontextmanager
async def stalled(hub: Hub) -> AsyncIterator[asyncio.Task[None]]:
    """T1 has its number and has written its row; it commits when the block ends."""
    written, go = asyncio.Event(), asyncio.Event()

    async def t1() -> None:
        async with hub.database.changing() as change:
            await hub.write(change, [LATE])
            written.set()
            await go.wait()

    task = asyncio.create_task(t1())
    await written.wait()
    yield task
    go.set()
    await task


async def test_t2_waits_and_the_device_gets_both(hub: Hub) -> None:
    device = Device(hub)
    await device.snapshot()
    async with stalled(hub):
        t2 = asyncio.create_task(hub.put(EARLY))
        if hub.database.is_postgresql:
            await asyncio.wait_for(somebody_waits(hub.database), 30)
        assert await device.pull() == []
    await t2
    assert sorted(await device.pull()) == [LATE.card, EARLY.card]


async def test_without_the_lock_the_row_would_be_lost(postgresql: Server) -> None:
    """The control: this is what the lock is for. SQLite has one writer, whatever a hub does."""

    async def no_lock(self: Database, connection: AsyncConnection) -> None:
        pass

    database = await Database.open(postgresql.new_database())
    hub = await Hub(database).start()
    device = Device(hub)
    await device.snapshot()
    with patch.object(Database, "_take_lock", no_lock):
        async with stalled(hub):
            await hub.put(EARLY)
            assert await device.pull() == [EARLY.card]
    assert await device.pull() == []
    assert device.cards() == [EARLY.card]
    await database.close()


async def test_many_writers_and_a_device_that_never_stops_pulling(hub: Hub) -> None:
    device = Device(hub, page=5)
    await device.snapshot()

    async def write(first: int) -> None:
        for n in range(first, first + 60, 3):
            await hub.put(*map(person_of, range(n, n + 3)))

    writing = asyncio.gather(*(write(100 * w) for w in range(1, 5)))
    while not writing.done():
        await device.pull()
    await writing
    await device.pull()
    pulled = dict(device.cache)
    await device.snapshot()
    assert pulled == device.cache
    assert len(pulled) == 240


async def somebody_waits(database: Database) -> None:
    while True:
        async with database.reading() as connection:
            if (await connection.execute(_WAITING)).scalar_one():
                return
