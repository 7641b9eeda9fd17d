"""What nobody can save: the same bytes over a raw socket, the same rows into a raw database.

`python -m bench.hub_raw` is the other end of the socket: it answers each line, a number, with so
many bytes.

Deliberately not here: the hub and the device that are compared with it.
"""

import asyncio
import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.bench_import import raw_rate
from bench.hub_parts import ROOT
from sync.hub.database import Database, sqlite_path

_BLOCK: Final = 500
_PIECE: Final = 64 * 1024
_ROWS: Final = "SELECT feed, card, sealed, ref, deleted FROM patron WHERE feed = 'esi'"
_EVENT: Final = (
    "CREATE TABLE raw_event (device TEXT, id TEXT, branch TEXT, at TEXT, received TEXT, kind TEXT,"
    " journal TEXT, seq BIGINT, body TEXT, PRIMARY KEY (device, id))"
)
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Answering:
    """A connection to the other end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def seconds(self, size: int) -> float:
        """To ask for so many bytes and read them."""
        began = time.perf_counter()
        self.writer.write(b"%d\n" % size)
        left = size
        while left:
            data = await self.reader.read(_PIECE)
            assert data
            left -= len(data)
        return time.perf_counter() - began


@contextlib.asynccontextmanager
async def answering() -> AsyncIterator[Answering]:
    """The other end in a process of its own, connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.hub_raw", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield Answering(reader, writer)
        writer.close()
    finally:
        process.kill()
        await process.wait()


async def read_seconds(database: Database) -> float:
    """To read every row of the hub with the bare driver, a block at a time."""
    path = sqlite_path(str(database.engine.url))
    began = time.perf_counter()
    if path is not None:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            cursor = connection.execute(_ROWS)
            while cursor.fetchmany(_BLOCK):
                pass
        return time.perf_counter() - began
    async with database.engine.connect() as pooled:
        driver: Any = (await pooled.get_raw_connection()).driver_connection
        async with driver.transaction():
            cursor = await driver.cursor(_ROWS)
            while await cursor.fetch(_BLOCK):
                pass
    return time.perf_counter() - began


async def snapshot_seconds(database: Database, folder: Path, rows: int, size: int) -> float:
    """To read them, send their bytes and write them into a sorted file, one after the other."""
    read = await read_seconds(database)
    async with answering() as other:
        sent = await other.seconds(size)
    return read + sent + rows / raw_rate(folder / "raw.db", rows)


def replace_seconds(folder: Path, held: int, count: int) -> float:
    """To replace so many rows of a file that holds `held`, in one durable transaction."""
    path = folder / "replaced.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE c (card BLOB PRIMARY KEY, sealed BLOB) WITHOUT ROWID")
        keys = sorted(os.urandom(16) for _ in range(held))
        put = "INSERT OR REPLACE INTO c VALUES (?, ?)"
        connection.execute("BEGIN")
        connection.executemany(put, ((key, os.urandom(92)) for key in keys))
        connection.execute("COMMIT")
        rows = [(key, os.urandom(92)) for key in keys[:: max(1, held // count)][:count]]
        began = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany(put, rows)
        connection.execute("COMMIT")
        took = time.perf_counter() - began
    path.unlink()
    return took


async def insert_seconds(database: Database, folder: Path, rows: Sequence[Row], most: int) -> float:
    """To insert rows of events, so many a durable transaction, with the bare driver."""
    if not database.is_postgresql:
        return _insert_sqlite(folder / "events.db", rows, most)
    async with database.engine.connect() as pooled:
        driver: Any = (await pooled.get_raw_connection()).driver_connection
        await driver.execute(_EVENT)
        began = time.perf_counter()
        for start in range(0, len(rows), most):
            async with driver.transaction():
                await driver.executemany(
                    "INSERT INTO raw_event VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                    rows[start : start + most],
                )
        took = time.perf_counter() - began
        await driver.execute("DROP TABLE raw_event")
    return took


def _insert_sqlite(path: Path, rows: Sequence[Row], most: int) -> float:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(_EVENT)
        began = time.perf_counter()
        for start in range(0, len(rows), most):
            connection.execute("BEGIN")
            some = rows[start : start + most]
            connection.executemany("INSERT INTO raw_event VALUES (?,?,?,?,?,?,?,?,?)", some)
            connection.execute("COMMIT")
        return time.perf_counter() - began


async def _serve() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        piece = os.urandom(_PIECE)
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                left = int(line)
                while left:
                    some = min(left, _PIECE)
                    writer.write(piece[:some])
                    await writer.drain()
                    left -= some

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
