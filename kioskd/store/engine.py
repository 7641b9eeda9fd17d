"""How a SQLite file is opened: held connections in autocommit, transactions said aloud.

Durability (SECURITY): state and journal run WAL with synchronous=FULL.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from kioskd.errors import StoreDamaged, StoreError
from kioskd.store.faults import mapped

BUSY_SECONDS = 5.0  # a reader beside the daemon waits this long for a checkpoint
_FOLD_MS = 50  # an entry waits no longer for a reader of the journal than this
_WRITING = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON")
Step = Callable[[Connection], None]


def connect(path: Path, *, read_only: bool = False, create: bool = True) -> Connection:
    """A held connection in autocommit. StoreError when the file cannot be opened.

    A file that is made here is its owner's alone; without `create` none is made. A read-only
    medium takes no WAL index; a file whose WAL is empty is then read as it stands.
    """
    with mapped(path):
        if not read_only:
            if create:
                _make_private(path)
            return _opened(path, "mode=rwc" if create else "mode=rw", _WRITING)
        try:
            return _opened(path, "mode=ro")
        except DBAPIError as error:
            if not _refused(error) or not path.exists() or _has_live_wal(path):
                raise
            return _opened(path, "mode=ro&immutable=1")


def _make_private(path: Path) -> None:
    # Only a file that is not there yet: closing a second descriptor of an open database would
    # drop the locks that SQLite holds on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _opened(path: Path, query: str, pragmas: Sequence[str] = ()) -> Connection:
    uri = f"{path.absolute().as_uri()}?{query}"

    def raw() -> sqlite3.Connection:
        return sqlite3.connect(
            uri,
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = create_engine("sqlite://", creator=raw, poolclass=NullPool)
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").close()
        for pragma in pragmas:
            connection.exec_driver_sql(f"PRAGMA {pragma}").close()
    except BaseException:
        connection.close()
        raise
    return connection


def _refused(error: DBAPIError) -> bool:
    # Not when the file is merely busy: its writer lives, and an immutable look would be torn.
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def _has_live_wal(path: Path) -> bool:
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


@contextmanager
def transaction(connection: Connection, path: Path) -> Iterator[Connection]:
    """One durable transaction: committed when the block ends, undone when it fails."""
    with mapped(path):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise


@contextmanager
def quick_transaction(connection: Connection, path: Path) -> Iterator[sqlite3.Cursor]:
    """As `transaction`, on the driver's own cursor: for the one commit that a patron waits for."""
    with mapped(path):
        cursor: sqlite3.Cursor = connection.connection.cursor()  # type: ignore[assignment]
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield cursor
            cursor.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise
        finally:
            cursor.close()


def _roll_back(connection: Connection) -> None:
    with suppress(Exception):  # the first error is the one to tell
        connection.exec_driver_sql("ROLLBACK")


def folded(connection: Connection, path: Path) -> bool:
    """Empty the write-ahead log, so that what was deleted leaves it as well; False while read."""
    with mapped(path):
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_FOLD_MS}").close()
        try:
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000:.0f}").close()
    return not busy


def migrate(connection: Connection, path: Path, steps: Sequence[Step]) -> None:
    """Bring a file to the newest schema, one transaction a step; a newer file is refused."""
    with mapped(path):
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if version > len(steps):
        raise StoreError(
            f"{path}: written by a newer kioskd (schema {version}, this one knows {len(steps)}); "
            "install that version again",
            transient=False,
        )
    for number, step in enumerate(steps[version:], start=version + 1):
        with transaction(connection, path):
            step(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={number}")


def whole(connection: Connection, path: Path) -> None:
    """StoreDamaged when SQLite finds the file's structure unsound."""
    with mapped(path):
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise StoreDamaged(f"{path}: the file is damaged ({found}); restore it from a backup")
