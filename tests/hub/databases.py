"""Both databases of a hub, for any test: a SQLite file, and a PostgreSQL server of this run.

The server is started at its first use, as user postgres where root runs the tests (it refuses
root), and stopped at the end. Each test gets a database of its own, copied from one that has the
tables. Without PostgreSQL's programs such a test is skipped by name.
"""

import asyncio
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync.hub.database import Database
from sync.hub.schema import META, METADATA

_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200")
_TEMPLATE = "hub_template"
_FILLED = ", ".join(f'"{name}"' for name in METADATA.tables if name != META.name)
_CLEAN = (
    "SET lock_timeout = '2s'; "  # noqa: S608
    f"TRUNCATE {_FILLED}; "
    "DELETE FROM meta WHERE key NOT IN ('schema', 'hub_id', 'floor', 'created'); "
    "UPDATE meta SET value = left(md5(random()::text), 16) WHERE key = 'hub_id'; "
    "UPDATE meta SET value = '0' WHERE key = 'floor'; "
    "ALTER SEQUENCE change_number RESTART"
)


@dataclass(slots=True)
class Server:
    """A running PostgreSQL. Settings are those of tests: nothing in it outlives a power cut."""

    programs: Path
    directory: Path
    port: int
    made: int = 0
    shared: str = ""

    def url(self, database: str) -> str:
        """Where a hub finds a database of this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of a fresh database that has the hub's tables."""
        self.made += 1
        name = f"hub_{self.made}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self.url(name)

    def cleaned_database(self) -> str:
        """The URL of a database that has the tables and nothing in them, as one just made.

        The same one for test after test: making and removing hundreds takes minutes. One that a
        test left locked is left to it.
        """
        if not (self.shared and self._cleaned()):
            self.shared = self.new_database().rpartition("/")[2]
        return self.url(self.shared)

    def _cleaned(self) -> bool:
        try:
            self.run(_CLEAN, self.shared)
        except subprocess.CalledProcessError:
            return False
        return True

    def empty_database(self) -> str:
        """The URL of a fresh database without any table."""
        self.made += 1
        name = f"hub_{self.made}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def run(self, statement: str, database: str = "postgres") -> None:
        """Statements in one go, as its administrator."""
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database)
        subprocess.run(
            [self.programs / "psql", *where, "-v", "ON_ERROR_STOP=1", "-qc", statement],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        """Make the cluster and start it; returns once it answers."""
        self._as_owner("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-N")
        options = f"-k {self.directory} -p {self.port} -c listen_addresses=127.0.0.1"
        options += "".join(f" -c {setting}" for setting in _SETTINGS)
        log = str(self.directory / "log")
        self._as_owner("pg_ctl", "-D", self._data, "-o", options, "-l", log, "-w", "start")
        self.run(f"CREATE DATABASE {_TEMPLATE}")
        asyncio.run(_make_tables(self.url(_TEMPLATE)))

    def stop(self) -> None:
        """End it at once, with whoever is still connected."""
        self._as_owner("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    @property
    def _data(self) -> str:
        return str(self.directory / "data")

    def _as_owner(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        if os.geteuid() == 0:
            command = [
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                *command,
            ]
        # Not through a pipe: the server would inherit it and never close it.
        subprocess.run(
            command,
            check=True,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The PostgreSQL server of this run."""
    programs = _programs()
    if programs is None or (os.geteuid() == 0 and not _has_owner()):
        pytest.skip("PostgreSQL is not installed (postgresql)")
    directory = Path(tempfile.mkdtemp(prefix="kioskd-pg-"))  # short: a socket's path has 107 bytes
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres", "postgres")
    server = Server(programs, directory, _free_port())
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database with tables, once on each kind."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        return server.cleaned_database()
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    asyncio.run(_make_tables(url))
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh database, open."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


async def _make_tables(url: str) -> None:
    opened = await Database.open(url, create=True)
    await opened.close()


def _programs() -> Path | None:
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True)  # noqa: PTH207
    at = found[0] if found else shutil.which("initdb")
    return Path(at).resolve().parent if at else None


def _has_owner() -> bool:
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
