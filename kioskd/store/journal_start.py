"""Open the journal for writing: make it, go on with it, or set a damaged one aside.

A damaged journal is never overwritten: it is renamed, and a new chain starts with a row that
names the old id, last row, hash and the reason. The mirror (kept in state.db) says what the
journal was when last seen, so that a file that vanished or went back in time is noticed.

Deliberately not here: the whole check of a large file. It would keep the doors waiting at the
start, so it is made beside them (journal.ThreadedJournal.check).
"""

import json
import re
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from kioskd.domain.record import Kind, Record
from kioskd.errors import StoreDamaged, StoreError
from kioskd.store import chain
from kioskd.store.engine import connect, migrate, whole
from kioskd.store.faults import is_there, mapped
from kioskd.store.journal_file import Head, JournalFile
from kioskd.store.journal_schema import METADATA, STEPS
from kioskd.store.reserve import Reserve
from kioskd.store.times import time_of

JOURNAL = "journal.db"
CONDEMNED = "journal.condemned"  # empty; the journal beside it was found damaged while in use
CHECKED_AT_START_BYTES = 32 << 20  # a memory card reads this in about a second
_FILES = ("-wal", "-shm", "")
_HASH = re.compile("[0-9a-f]{64}")
_TRIES = 100  # rows that newest_trusted looks at; more unreadable ones are a damaged file


@dataclass(frozen=True, slots=True)
class Mirror:
    """A journal as last seen: its id and its last row."""

    journal: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Opened:
    """An open journal; `started` says why a chain began with this opening, empty if none did.

    set_aside: the name under which a damaged one is kept, empty where there is none.
    """

    file: JournalFile
    journal: str
    newest_trusted: datetime | None
    started: str = ""
    set_aside: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """A sound file and where its chain stands."""

    connection: Connection
    journal: str
    head: Head
    newest: datetime | None


def open_journal(
    directory: Path, zone: ZoneInfo, now: datetime, row_id: str, mirror: Mirror | None
) -> Opened:
    """Open or begin the journal of a storage directory. StoreError when neither is possible."""
    path = directory / JOURNAL
    reserve = Reserve(directory / "reserve.bin")
    reserve.take()
    detail: dict[str, object] = {}
    aside = ""
    try:
        found = _sound(path)
        why = _why_anew(found, mirror)
    except StoreDamaged:
        mirror = _last_words(path, mirror)
        if aside := _set_aside(path, now):
            detail["set_aside"] = aside
        found, why = _sound(path), "damaged" if aside else "missing"
    file = JournalFile(found.connection, path, found.head, zone, reserve)
    if not why:
        return Opened(file, found.journal, found.newest)
    if mirror:
        detail["previous"] = asdict(mirror)
    # Its own time is not evidence for the clock: the row is written before the clock is judged.
    detail["why"] = why
    started = Record(row_id, now, Kind.JOURNAL_STARTED, detail=detail, trusted=False)
    try:
        journal = _begin(file, found.journal, started)
    except BaseException:
        file.close()
        raise
    return Opened(file, journal, found.newest, why, aside)


def condemn(directory: Path) -> None:
    """Have the journal set aside when it is opened next: it was found damaged while in use."""
    with suppress(OSError):  # then the check at the opening decides
        (directory / CONDEMNED).touch(mode=0o600)


def _sound(path: Path) -> _Found:
    condemned = path.with_name(CONDEMNED)
    if is_there(condemned):
        raise StoreDamaged(f"{path}: was found damaged while in use")
    with mapped(path):
        # SQLite would delete the log of a database that is not there.
        if not _holds_any(path) and _holds_any(path.with_name(f"{path.name}-wal")):
            raise StoreDamaged(f"{path}: is gone, its write-ahead log is not")
    connection = connect(path)
    try:
        with mapped(path):
            small = path.stat().st_size <= CHECKED_AT_START_BYTES
        if small:
            whole(connection, path)
        migrate(connection, path, STEPS)
        with mapped(path):
            return _read(connection, path)
    except BaseException:
        connection.close()
        raise


def _holds_any(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _read(connection: Connection, path: Path) -> _Found:
    for table in METADATA.sorted_tables:
        connection.execute(select(table).limit(1)).close()
    found = _Found(
        connection, journal_id(connection), _head(connection), newest_trusted(connection)
    )
    if not _HASH.fullmatch(found.head.hash):
        raise StoreDamaged(f"{path}: the last row cannot be read")
    return found


def _why_anew(found: _Found, mirror: Mirror | None) -> str:
    if not found.journal or not found.head.seq:
        return "missing" if mirror else "new"
    if mirror is None:
        return ""
    kept = found.connection.exec_driver_sql(
        "SELECT hash FROM event WHERE seq = ?1 UNION ALL SELECT hash FROM anchor WHERE seq = ?1",
        (mirror.seq,),
    ).scalar()
    went_back = mirror.seq > found.head.seq or (kept is not None and kept != mirror.hash)
    return "restored" if went_back or mirror.journal != found.journal else ""


def _last_words(path: Path, mirror: Mirror | None) -> Mirror | None:
    """What the damaged file still says of itself, where that is newer than the mirror."""
    if not _holds_any(path):
        return mirror
    try:
        connection = connect(path, read_only=True)
    except StoreError:
        return mirror
    try:
        with mapped(path):
            journal, head = journal_id(connection), _head(connection)
    except StoreError:
        return mirror
    finally:
        connection.close()
    if not journal or not head.seq or not _HASH.fullmatch(head.hash):
        return mirror
    if mirror and (mirror.journal != journal or mirror.seq >= head.seq):
        return mirror
    return Mirror(journal, head.seq, head.hash)


def _set_aside(path: Path, now: datetime) -> str:
    """Rename what is left of the journal; its new name, empty where nothing is left."""
    mark = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") + "-" + secrets.token_hex(2)
    name = f"journal.damaged-{mark}.db"
    with mapped(path):
        path.with_name(CONDEMNED).unlink(missing_ok=True)
        if not (_holds_any(path) or _holds_any(path.with_name(f"{path.name}-wal"))):
            return ""
        for suffix in _FILES:
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(path.with_name(name + suffix))
    return name


def journal_id(connection: Connection) -> str:
    """The id of the chain, empty before it has begun."""
    found = connection.exec_driver_sql("SELECT value FROM meta WHERE key='journal'").scalar()
    return str(found or "")


def former_ids(connection: Connection) -> tuple[str, ...]:
    """Ids that the chain had before it was put back from a copy."""
    found = connection.exec_driver_sql("SELECT value FROM meta WHERE key='former'").scalar()
    try:
        ids = json.loads(str(found or "[]"))
    except (ValueError, RecursionError):
        return ()
    if not isinstance(ids, list):
        return ()
    return tuple(i for i in ids if isinstance(i, str) and i.isascii())


def _head(connection: Connection) -> Head:
    # Retention keeps the last row, so an anchor is never the end of a chain.
    row = connection.exec_driver_sql(
        "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"
    ).first()
    return Head(row[0], str(row[1])) if row else Head()


def newest_trusted(connection: Connection) -> datetime | None:
    """The time of the newest row written while the clock was trusted."""
    rows = connection.exec_driver_sql(
        "SELECT at FROM event WHERE trusted=1 ORDER BY seq DESC LIMIT ?", (_TRIES,)
    )
    try:
        return next((at for row in rows if (at := time_of(row[0]))), None)
    finally:
        rows.close()


def _begin(file: JournalFile, former: str, record: Record) -> str:
    journal = secrets.token_hex(16)
    ids = [*former_ids(file.connection), former] if former else []
    put = "INSERT OR REPLACE INTO meta VALUES ('journal', ?), ('former', ?)"
    detail = {"journal": journal, **record.detail}
    file.append(replace(record, detail=detail), also=((put, (journal, json.dumps(ids))),))
    return journal


def mirror_of(opened: Opened) -> Mirror:
    """What to remember of the journal now."""
    head = opened.file.head
    return Mirror(opened.journal, head.seq, head.hash if head.seq else chain.GENESIS)
