"""The hub's database: SQLite or PostgreSQL, and the one way in which changes get their numbers.

    async with database.changing("esi") as change:      # one at a time, in all hubs together
        ... rows written with change.number ...
        change.rows += 3

A number is taken under a lock that is held to the commit, so numbers become visible in their order
and no pull can skip a row that commits later under a smaller number. A change that wrote no rows
leaves no trace. Keep such transactions short: everybody else who changes something waits.

Deliberately not here: tables (schema), and what is in a row.
"""

import contextlib
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import URL, Connection, event, insert, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from kioskd.domain.moment import stamp
from kioskd.errors import InputError, StoreDamaged, StoreError, StoreFull
from sync.hub.database_file import check_file, without_making
from sync.hub.schema import BATCH, META, METADATA, SCHEMA

CHANNEL: Final = (
    "kioskd_hub"  # PostgreSQL's NOTIFY between hubs; payload: change | config | command
)
LOCK: Final = 0x6B696F736B64  # pg_advisory_xact_lock: "kioskd"
_BUSY_SECONDS: Final = 30.0
_STALL_SECONDS: Final = 60  # a transaction that holds the lock and does nothing is ended
_BEGIN: Final = "kioskd_begin"
_SQLITE: Final = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON")
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


@dataclass(slots=True)
class Change:
    """One transaction that changes what devices get. rows: how many; 0 leaves no trace."""

    connection: AsyncConnection
    number: int
    rows: int = 0


class Database:
    """An open database with the tables of this version. Every call raises StoreError at worst."""

    def __init__(self, engine: AsyncEngine, where: str) -> None:
        self._engine = engine
        self.where = where
        self.is_postgresql = engine.dialect.name == "postgresql"

    @classmethod
    async def open(cls, url: str, *, create: bool = False) -> Self:
        """Open it; unless `create` is set, InputError when it is not there or has no tables."""
        path = sqlite_path(url)
        if path is not None and not create:
            check_file(path)
        engine = _engine(_parsed(url))
        if path is not None and not create:
            event.listen(engine.sync_engine, "do_connect", without_making)
        database = cls(engine, shown(url))
        try:
            await database._prepare(create=create)
        except BaseException:
            await engine.dispose()
            raise
        return database

    @property
    def engine(self) -> AsyncEngine:
        """For what needs the driver itself: LISTEN, COPY."""
        return self._engine

    async def close(self) -> None:
        """Let go of every connection."""
        await self._engine.dispose()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view: everything that is read in it is of one moment."""
        with self._faults():
            async with self._engine.connect() as connection:
                if self.is_postgresql:
                    await connection.execution_options(isolation_level="REPEATABLE READ")
                async with connection.begin():
                    yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes nothing of what devices get. Committed when the block ends."""
        with self._faults():
            async with self._engine.connect() as connection:
                await connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
                async with connection.begin():
                    yield connection

    @contextlib.asynccontextmanager
    async def changing(self) -> AsyncIterator[Change]:
        """A transaction with a change number, alone among its kind. See the module's docstring."""
        async with self.writing() as connection:
            change = Change(connection, await self._number(connection))
            yield change
            if change.rows:
                await self._finish(change)

    async def tell(self, connection: AsyncConnection, what: str) -> None:
        """Wake all hubs when this transaction commits; on SQLite they look by themselves."""
        if self.is_postgresql:
            told = {"channel": CHANNEL, "what": what}
            await connection.execute(text("SELECT pg_notify(:channel, :what)"), told)

    async def meta(self, key: str) -> str:
        """A value of the hub itself; empty when it has none."""
        async with self.reading() as connection:
            found = await connection.execute(META.select().where(META.c.key == key))
            row = found.first()
            return "" if row is None else str(row.value)

    async def _number(self, connection: AsyncConnection) -> int:
        if self.is_postgresql:
            await self._take_lock(connection)
            number = await connection.execute(text("SELECT nextval('change_number')"))
        else:  # BEGIN IMMEDIATE is the lock
            number = await connection.execute(
                text("SELECT coalesce(max(change), 0) + 1 FROM batch")
            )
        return int(number.scalar_one())

    async def _take_lock(self, connection: AsyncConnection) -> None:
        stall = f"SET LOCAL idle_in_transaction_session_timeout = '{_STALL_SECONDS}s'"
        await connection.execute(text(stall))
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})

    async def _finish(self, change: Change) -> None:
        row = {
            "change": change.number,
            "nonce": secrets.token_hex(8),
            "at": stamp(datetime.now(UTC)),
            "rows": change.rows,
        }
        await change.connection.execute(insert(BATCH), row)
        await self.tell(change.connection, "change")

    async def _prepare(self, *, create: bool) -> None:
        with self._faults():
            async with self._engine.begin() as connection:
                there = await connection.run_sync(_has_tables)
                if not there and not create:
                    raise InputError(f"{self.where}: not a hub's database; run `kioskd-hub init`")
                if not there:
                    await connection.run_sync(self._create)
                found = await connection.execute(META.select().where(META.c.key == "schema"))
                _check_schema(self.where, str(found.one().value))

    def _create(self, connection: Connection) -> None:
        METADATA.create_all(connection)
        if self.is_postgresql:
            connection.execute(text("CREATE SEQUENCE change_number"))
        made = {"schema": str(SCHEMA), "hub_id": secrets.token_hex(8), "floor": "0"}
        made["created"] = stamp(datetime.now(UTC))
        connection.execute(insert(META), [{"key": k, "value": v} for k, v in made.items()])

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise _fault_of(error, self.where) from error
        except PoolTimeout as error:
            raise StoreError(f"{self.where}: too many requests at once; try again") from error
        except SQLAlchemyError as error:
            raise StoreError(f"{self.where}: {error}") from error
        except (TimeoutError, OSError) as error:
            raise StoreError(f"{self.where}: cannot be reached: {error}") from error


def shown(url: str) -> str:
    """A database as messages name it: its file, or its URL without the password."""
    path = sqlite_path(url)
    return _url(url).render_as_string(hide_password=True) if path is None else str(path)


def _url(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        raise InputError("database: write sqlite:////path/hub.db or postgresql://...") from None


def _parsed(url: str) -> URL:
    parsed = _url(url)
    driver = _DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise InputError(f"database: {parsed.get_backend_name()} is neither sqlite nor postgresql")
    return parsed.set(drivername=driver)


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(
            url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True
        )
        event.listen(engine.sync_engine, "connect", _sqlite_connected)
        event.listen(engine.sync_engine, "begin", _sqlite_begun)
        event.listen(engine.sync_engine, "invalidate", _sqlite_cut_off)
        return engine
    try:
        return create_async_engine(
            url, pool_size=10, max_overflow=10, pool_pre_ping=True, hide_parameters=True
        )
    except ModuleNotFoundError:
        raise InputError(
            "database: PostgreSQL needs the extra hub-postgres: pip install "
            "'kioskd-omatoimi[hub-postgres]'"
        ) from None


def _sqlite_connected(raw: Any, record: object) -> None:
    raw.isolation_level = None  # transactions are begun by _sqlite_begun, not by the driver
    cursor = raw.cursor()
    for pragma in _SQLITE:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begun(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _sqlite_cut_off(raw: Any, record: object, error: BaseException | None) -> None:
    # Whoever was cancelled in a query left a cursor behind, and with one SQLite closes a file
    # without ending its transaction: the lock would stay until that cursor is collected.
    with contextlib.suppress(sqlite3.Error, ValueError):
        raw.run_async(lambda driver: driver.rollback())


def _has_tables(connection: Connection) -> bool:
    return bool(connection.dialect.has_table(connection, META.name))


def _check_schema(where: str, found: str) -> None:
    if found != str(SCHEMA):
        raise InputError(
            f"{where}: written by another version of kioskd-hub (schema {found}, this one knows "
            f"{SCHEMA}); install that version, or restore the backup of this one"
        )


def _fault_of(error: DBAPIError, where: str) -> StoreError:
    """A driver's error as one of ours; the statement and its values are left out."""
    state = str(getattr(error.orig, "sqlstate", "") or "")
    code = getattr(getattr(error.orig, "__cause__", None) or error.orig, "sqlite_errorcode", 0)
    if code & 0xFF == sqlite3.SQLITE_FULL or state == "53100":
        return StoreFull(f"{where}: no space left; make room on its file system")
    if code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or state.startswith("XX"):
        return StoreDamaged(f"{where}: the database is damaged; restore it from a backup")
    told = str(error.orig).partition("\n")[0]
    return StoreError(f"{where}: {told}")


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite database; None for PostgreSQL."""
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)
