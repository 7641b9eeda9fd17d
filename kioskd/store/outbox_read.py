"""What is owed to a hub, as its reader sees it: read-only, beside the daemon that writes.

Rows come without their persons: neither who did it nor whose card it was is read here at all.
A journal that was set aside or put back is noticed at the next look. Synchronous, for a thread.

Deliberately not here: what of a row's detail leaves the device, and opening what is sealed.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from kioskd.errors import StoreError
from kioskd.store.engine import connect
from kioskd.store.faults import is_readable, mapped
from kioskd.store.journal_start import JOURNAL, journal_id

_THROUGH: Final = "SELECT through FROM delivery WHERE journal = ?"
_ROWS: Final = (
    "SELECT seq, id, at, kind, door, decision, reason, decided_by, detail FROM event "
    "WHERE seq > ? ORDER BY seq LIMIT ?"
)
_WAITING: Final = "SELECT count(*) FROM event WHERE seq > ?"
_DEAD: Final = "SELECT count(*) FROM dead"
_ACTIVITIES: Final = (
    "SELECT key, sealed, day FROM activity WHERE sealed != x'' ORDER BY key LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row of the journal that a hub has not. detail: its JSON text, as written."""

    seq: int
    id: str
    at: str
    kind: str
    door: str | None
    decision: str | None
    reason: str | None
    decided_by: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class SealedActivity:
    """An activity that no hub was told of."""

    key: bytes
    sealed: bytes
    day: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows no hub has yet, and how many it refused for good."""

    rows: int = 0
    dead: int = 0


class OutboxReader:
    """One journal, opened when it is first looked at. StoreError where it cannot be read."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / JOURNAL
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version = -1
        self._waiting = Waiting()

    def rows(self, most: int, after: int = 0) -> tuple[str, list[OutboxRow]]:
        """The journal's id and its oldest undelivered rows beyond `after`, in order."""
        with self._opened() as connection:
            journal = journal_id(connection)
            start = max(after, _through(connection, journal))
            found = connection.exec_driver_sql(_ROWS, (start, most))
            return journal, [OutboxRow(*row) for row in found.fetchall()]

    def activities(self, most: int) -> list[SealedActivity]:
        """Activities to be told, in an order that says nothing."""
        with self._opened() as connection:
            found = connection.exec_driver_sql(_ACTIVITIES, (most,)).fetchall()
        return [SealedActivity(bytes(key), bytes(sealed), str(day)) for key, sealed, day in found]

    def waiting(self) -> Waiting:
        """Counts; next to nothing while nobody writes."""
        with self._opened() as connection:
            version = int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())
            if version != self._version:
                through = _through(connection, journal_id(connection))
                rows = connection.exec_driver_sql(_WAITING, (through,)).scalar_one()
                dead = connection.exec_driver_sql(_DEAD).scalar_one()
                self._waiting, self._version = Waiting(int(rows), int(dead)), version
            return self._waiting

    def close(self) -> None:
        """Let go of the file; the next look opens it again."""
        if self._connection is not None:
            engine = self._connection.engine
            self._connection.close()
            engine.dispose()
        self._connection, self._file, self._version = None, None, -1

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Connection]:
        try:
            with mapped(self._path):
                yield self._current()
        except StoreError:
            self.close()
            raise

    def _current(self) -> Connection:
        """The connection to the file that has this name now."""
        if not is_readable(self._path):
            raise StoreError(f"{self._path}: there is no journal yet; `kioskd run` begins one")
        status = os.stat(self._path)  # noqa: PTH116  # as kioskd.store.in_use
        file = (status.st_dev, status.st_ino)
        if self._connection is None or file != self._file:
            self.close()
            self._connection, self._file = connect(self._path, read_only=True), file
        return self._connection


def _through(connection: Connection, journal: str) -> int:
    found = connection.exec_driver_sql(_THROUGH, (journal,)).scalar()
    return int(found or 0)
