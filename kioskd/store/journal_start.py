"""Open the journal for writing: make it, go on with it, or set a damaged one aside.

A damaged journal is never overwritten: it is renamed, and a new chain starts with a row that
names the old id, last row, hash and the reason. The mirror (kept in state.db) says what the
journal was when last seen, so that a file that vanished or went back in time is noticed.
"""

import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from kioskd.domain.record import Kind, Record
from kioskd.errors import StoreDamaged
from kioskd.store import chain
from kioskd.store.engine import connect, migrate, whole
from kioskd.store.faults import mapped
from kioskd.store.journal_file import Head, JournalFile
from kioskd.store.journal_schema import STEPS
from kioskd.store.reserve import Reserve

JOURNAL = "journal.db"


@dataclass(frozen=True, slots=True)
class Mirror:
    """A journal as last seen: its id and its last row."""

    journal: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Opened:
    """An open journal; `started` says why a chain began with this opening, empty if none did."""

    file: JournalFile
    journal: str
    newest_trusted: datetime | None
    started: str = ""


def open_journal(
    directory: Path, zone: ZoneInfo, now: datetime, row_id: str, mirror: Mirror | None
) -> Opened:
    """Open or begin the journal of a storage directory. StoreError when neither is possible."""
    path = directory / JOURNAL
    reserve = Reserve(directory / "reserve.bin")
    reserve.take()
    existed = path.exists()
    try:
        connection = _sound(path)
    except StoreDamaged:
        _set_aside(path, now)
        connection, why = _sound(path), "damaged"
    else:
        why = "" if existed else "missing" if mirror else "new"
    with mapped(path):
        journal, head = _identity(connection), _head(connection)
        if not why and mirror and (mirror.journal != journal or mirror.seq > head.seq):
            why = "restored"
        if not why and not journal:
            why = "new"
        newest = newest_trusted(connection)
    file = JournalFile(connection, path, head, zone, reserve)
    if why:
        journal = _begin(file, path, now, row_id, why, mirror)
    return Opened(file, journal, newest, why)


def _sound(path: Path) -> Connection:
    connection = connect(path)
    try:
        whole(connection, path)
        migrate(connection, path, STEPS)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_aside(path: Path, now: datetime) -> None:
    mark = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") + "-" + secrets.token_hex(2)
    with mapped(path):
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(path.with_name(f"journal.damaged-{mark}.db{suffix}"))


def _identity(connection: Connection) -> str:
    found = connection.exec_driver_sql("SELECT value FROM meta WHERE key='journal'").scalar()
    return str(found or "")


def _head(connection: Connection) -> Head:
    row = connection.exec_driver_sql(
        "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"
    ).first()
    if row is None:  # all rows may have gone to retention; the chain goes on from the anchor
        row = connection.exec_driver_sql(
            "SELECT seq, hash FROM anchor ORDER BY seq DESC LIMIT 1"
        ).first()
    return Head(row[0], row[1]) if row else Head()


def newest_trusted(connection: Connection) -> datetime | None:
    """The time of the newest row written while the clock was trusted."""
    at = connection.exec_driver_sql(
        "SELECT at FROM event WHERE trusted=1 ORDER BY seq DESC LIMIT 1"
    ).scalar()
    return datetime.fromisoformat(str(at)) if at else None


def _begin(
    file: JournalFile, path: Path, now: datetime, row_id: str, why: str, mirror: Mirror | None
) -> str:
    journal = secrets.token_hex(16)
    with mapped(path):
        file.connection.exec_driver_sql(
            "INSERT OR REPLACE INTO meta VALUES('journal', ?)", (journal,)
        )
    detail: dict[str, object] = {"journal": journal, "why": why}
    if mirror:
        detail["previous"] = asdict(mirror)
    # Its own time is not evidence for the clock: the row is written before the clock is judged.
    file.append(Record(row_id, now, Kind.JOURNAL_STARTED, detail=detail, trusted=False))
    return journal


def mirror_of(opened: Opened) -> Mirror:
    """What to remember of the journal now."""
    head = opened.file.head
    return Mirror(opened.journal, head.seq, head.hash if head.seq else chain.GENESIS)
