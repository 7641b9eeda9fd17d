"""One hub at its desk, and a second one on the same database.

A test here changes rows and no tables: so all of them share one database of PostgreSQL, emptied
before each, and SQLite files are copies of one.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from sync.hub.database import Database
from sync.hub.schema import META, METADATA
from tests.hub.databases import Server
from tests.hub_desk.desk import Desk

_FILLED = ", ".join(f'"{name}"' for name in METADATA.tables if name != META.name)


@pytest.fixture(scope="session")
def shared_url(postgresql: Server) -> str:
    """A database for every test of this folder, one after another."""
    return postgresql.new_database()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with tables and nothing else."""
    path = tmp_path_factory.mktemp("desk") / "hub.db"

    async def make() -> None:
        await (await Database.open(f"sqlite:///{path}", create=True)).close()

    asyncio.run(make())
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with tables, once on each kind."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("shared_url")
        asyncio.run(_empty(url))
        return url
    path = tmp_path / "hub.db"
    shutil.copy(request.getfixturevalue("empty_file"), path)
    return f"sqlite:///{path}"


async def _empty(url: str) -> None:
    opened = await Database.open(url)
    async with opened.writing() as connection:
        await connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        await connection.execute(text(f"TRUNCATE {_FILLED}"))
        await connection.execute(text("ALTER SEQUENCE change_number RESTART"))
    await opened.close()


@pytest.fixture
def desk(database: Database) -> Desk:
    """A hub with an empty database."""
    return Desk(database)


@pytest.fixture
async def second(desk: Desk, database_url: str) -> AsyncIterator[Desk]:
    """Another hub on the same database, with the same clock."""
    opened = await Database.open(database_url)
    yield Desk(opened, desk.clock)
    await opened.close()
