"""When a hub looks whether something changed: at once after a commit, and every few seconds anyway.

PostgreSQL: LISTEN on a connection of its own. SQLite: PRAGMA data_version, which another
connection's commit moves; four times a second, some microseconds each.

    async with waking(database) as woken:
        while True:
            await woken()               # returns after a commit, or after LOOK_SECONDS

Deliberately not here: what changed (signs).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from kioskd.errors import StoreError
from sync.hub.database import CHANNEL, Database

LOOK_SECONDS: Final = 2.0  # at least this often, so that nothing depends on a notification alone
_POLL_SECONDS: Final = 0.25
Woken = Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def waking(database: Database, look: float = LOOK_SECONDS) -> AsyncIterator[Woken]:
    """The wait for the next look; StoreError, also out of the wait, when the connection is lost."""
    async with _held(database) as driver:
        if not database.is_postgresql:
            yield _Polled(driver, look)
            return
        listened = _Listened(look)
        await _begin(listened, driver)
        yield listened


@contextlib.asynccontextmanager
async def _held(database: Database) -> AsyncIterator[Any]:
    """A driver's connection that is nobody else's, thrown away afterwards."""
    try:
        connection = await database.engine.connect()
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise StoreError(f"{database.where}: cannot be reached: {type(error).__name__}") from error
    try:
        yield (await connection.get_raw_connection()).driver_connection
    finally:
        with contextlib.suppress(SQLAlchemyError, OSError):
            await connection.invalidate()
            await connection.close()


async def _begin(listened: "_Listened", driver: Any) -> None:
    try:
        await driver.add_listener(CHANNEL, listened.hear)
        driver.add_termination_listener(listened.lose)
    except Exception as error:  # the driver's own; it is an optional package
        raise StoreError(f"LISTEN is refused: {type(error).__name__}") from error


class _Listened:
    """PostgreSQL: somebody committed and said so."""

    def __init__(self, look: float) -> None:
        self._look = look
        self._heard = asyncio.Event()
        self._lost = False

    def hear(self, *_: object) -> None:
        self._heard.set()

    def lose(self, *_: object) -> None:
        self._lost = True
        self._heard.set()

    async def __call__(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._look):
                await self._heard.wait()
        self._heard.clear()
        if self._lost:
            raise StoreError("the connection that listens for changes was lost")


class _Polled:
    """SQLite: another connection committed."""

    def __init__(self, driver: Any, look: float) -> None:
        self._driver = driver
        self._look = look
        self._version = -1

    async def __call__(self) -> None:
        for _ in range(max(1, round(self._look / _POLL_SECONDS))):
            await asyncio.sleep(_POLL_SECONDS)
            version = await self._data_version()
            if version != self._version:
                self._version = version
                return

    async def _data_version(self) -> int:
        try:
            async with self._driver.execute("PRAGMA data_version") as cursor:
                row = await cursor.fetchone()
        except Exception as error:  # sqlite3's, or a ValueError of a closed connection
            raise StoreError(f"data_version cannot be read: {type(error).__name__}") from error
        return int(row[0])
