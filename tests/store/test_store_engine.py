"""How a file is opened, changed and brought to a newer schema, and what its faults are called."""

import errno
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import ArgumentError

from kioskd.errors import StoreDamaged, StoreError, StoreFull, StoreReadOnly
from kioskd.store.engine import connect, migrate, transaction
from kioskd.store.faults import mapped
from kioskd.store.journal_schema import STEPS


def first(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE card (number INTEGER PRIMARY KEY)")


def second(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE card ADD COLUMN lost INTEGER NOT NULL DEFAULT 0")
    connection.exec_driver_sql("UPDATE card SET lost = 1 WHERE number = 2")


def failing(connection: Connection) -> None:
    second(connection)
    connection.exec_driver_sql("INSERT INTO card VALUES (1, 1)")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@pytest.fixture
def connection(path: Path) -> Iterator[Connection]:
    with closing(connect(path)) as made:
        yield made


def cards(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(r) for r in connection.exec_driver_sql("SELECT * FROM card").fetchall()]


def version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def test_a_file_is_opened_as_durably_as_its_worth(connection: Connection, path: Path) -> None:
    pragmas = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
    found = {p: connection.exec_driver_sql(f"PRAGMA {p}").scalar_one() for p in pragmas}
    assert found == pragmas
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_step_reaches_an_older_file_and_keeps_its_rows(
    connection: Connection, path: Path
) -> None:
    migrate(connection, path, (first,))
    connection.exec_driver_sql("INSERT INTO card VALUES (1), (2)")
    migrate(connection, path, (first, second))
    assert (version(connection), cards(connection)) == (2, [(1, 0), (2, 1)])
    migrate(connection, path, (first, second))
    assert version(connection) == 2


def test_a_step_that_fails_leaves_the_older_file(connection: Connection, path: Path) -> None:
    migrate(connection, path, (first,))
    connection.exec_driver_sql("INSERT INTO card VALUES (1), (2)")
    with pytest.raises(StoreError):
        migrate(connection, path, (first, failing))
    assert (version(connection), cards(connection)) == (1, [(1,), (2,)])
    migrate(connection, path, (first, second))
    assert cards(connection) == [(1, 0), (2, 1)]


def test_a_newer_file_is_refused_untouched_and_opens_again_with_its_own_version(
    connection: Connection, path: Path
) -> None:
    migrate(connection, path, (first, second))
    with pytest.raises(StoreError, match=r"some\.db: written by a newer kioskd .*install") as told:
        migrate(connection, path, (first,))
    assert told.value.transient is False
    migrate(connection, path, (first, second))
    assert version(connection) == 2


def test_the_journals_steps_make_their_tables_once(connection: Connection, path: Path) -> None:
    migrate(connection, path, STEPS)
    with pytest.raises(StoreDamaged):
        migrate_again_from_nothing(connection, path)


def migrate_again_from_nothing(connection: Connection, path: Path) -> None:
    connection.exec_driver_sql("PRAGMA user_version = 0")
    migrate(connection, path, (first, first))


def put_and_fail(connection: Connection, path: Path) -> None:
    with transaction(connection, path) as run:
        run.exec_driver_sql("INSERT INTO card VALUES (1)")
        raise KeyError


def test_a_transaction_that_fails_is_undone(connection: Connection, path: Path) -> None:
    migrate(connection, path, (first,))
    with pytest.raises(KeyError):
        put_and_fail(connection, path)
    assert cards(connection) == []
    with transaction(connection, path) as run:
        run.exec_driver_sql("INSERT INTO card VALUES (1)")
    assert cards(connection) == [(1,)]


def test_a_reader_does_not_look_past_a_log_that_it_cannot_read(path: Path) -> None:
    """An immutable look at a file with a live log would show it torn."""
    path.write_bytes(b"garbage " * 1000)
    path.with_name("some.db-wal").write_bytes(b"something")
    with pytest.raises(StoreDamaged):
        connect(path, read_only=True)


def test_a_reader_makes_no_file(path: Path) -> None:
    with pytest.raises(StoreReadOnly, match=r"some\.db: cannot be written"):
        connect(path, read_only=True)
    assert not path.exists()


def test_a_busy_file_is_transient(connection: Connection, path: Path) -> None:
    connection.exec_driver_sql("PRAGMA busy_timeout=1").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as told:
            transaction(connection, path).__enter__()
    assert told.value.transient is True


def _sqlite(code: int) -> Callable[[], BaseException]:
    def made() -> BaseException:
        error = sqlite3.OperationalError("what SQLite says")
        error.sqlite_errorcode = code
        return error

    return made


@pytest.mark.parametrize(
    ("fault", "kind", "transient"),
    [
        (_sqlite(sqlite3.SQLITE_FULL), StoreFull, True),
        (_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE), StoreFull, True),
        (_sqlite(sqlite3.SQLITE_CORRUPT_INDEX), StoreDamaged, False),
        (_sqlite(sqlite3.SQLITE_NOTADB), StoreDamaged, False),
        (_sqlite(sqlite3.SQLITE_READONLY_DIRECTORY), StoreReadOnly, False),
        (_sqlite(sqlite3.SQLITE_CANTOPEN), StoreReadOnly, False),
        (_sqlite(sqlite3.SQLITE_IOERR_WRITE), StoreError, True),
        (_sqlite(sqlite3.SQLITE_BUSY), StoreError, True),
        (lambda: OSError(errno.ENOSPC, "no space"), StoreFull, True),
        (lambda: OSError(errno.EDQUOT, "quota"), StoreFull, True),
        (lambda: OSError(errno.EROFS, "read-only"), StoreReadOnly, False),
        (lambda: PermissionError(errno.EACCES, "denied"), StoreReadOnly, False),
        (lambda: OSError(errno.EIO, "input/output error"), StoreError, True),
        (lambda: ArgumentError("misused"), StoreError, False),
    ],
)
def test_each_fault_has_one_name_and_tells_the_file(
    fault: Callable[[], BaseException], kind: type[StoreError], transient: bool, path: Path
) -> None:
    with pytest.raises(StoreError, match=r"some\.db") as told, mapped(path):
        raise fault()
    assert (type(told.value), told.value.transient) == (kind, transient)
