"""Database and file errors become StoreErrors here, and only here."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from kioskd.errors import StoreDamaged, StoreError, StoreFull, StoreReadOnly

# Every statement here is fixed, so that an SQL error ("no such table") is a file that was changed.
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
_UNDECODABLE = "Could not decode to UTF-8"  # sqlite3's own error, which has no code
_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Run a block on the file at `path`; what fails in it names the file and the way out."""
    try:
        yield
    except DBAPIError as error:
        raise _of_sqlite(path, error.orig) from error
    except sqlite3.Error as error:
        raise _of_sqlite(path, error) from error
    except SQLAlchemyError as error:
        raise StoreError(f"{path}: {type(error).__name__}", transient=False) from error
    except OSError as error:
        raise of_os(path, error) from error


def is_there(path: Path) -> bool:
    """Whether there is such a file. StoreError where this account may not look."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        raise _not_ours(path) from None
    except OSError as error:
        raise of_os(path, error) from error
    return True


def is_readable(path: Path) -> bool:
    """Whether there is such a file to read. StoreError where there is and it is others'."""
    if not is_there(path):
        return False
    if not os.access(path, os.R_OK):
        raise _not_ours(path)
    return True


def _not_ours(path: Path) -> StoreError:
    return StoreError(
        f"{path}: this account may not read it; run the command as root, or as the user that "
        "kioskd runs as",
        transient=False,
    )


def of_os(path: Path, error: OSError) -> StoreError:
    """The StoreError of a failed file operation."""
    text = f"{path}: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"{path}: no space left; free some on this file system")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreReadOnly(f"{text}; check its owner and that the medium is mounted read-write")
    return StoreError(text)


def _of_sqlite(path: Path, error: BaseException | None) -> StoreError:
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF  # extended codes share the low byte
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return StoreFull(f"{path}: no space left; free some on this file system")
    if code in _DAMAGED or _UNDECODABLE in str(error):
        return StoreDamaged(f"{path}: the file is damaged ({error}); restore it from a backup")
    if code in _READ_ONLY:
        return StoreReadOnly(
            f"{path}: cannot be written ({error}); check its owner and that the medium is "
            "mounted read-write"
        )
    return StoreError(f"{path}: {error}")
