"""What is deleted when: persons first, rows later, an anchor for every gap.

Runs in the journal's thread, a few hundred rows a transaction, so that an entry in between
waits for one small commit at most. It is not run while the clock is not trusted: a clock in
2037 would delete everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from kioskd.domain.moment import stamp
from kioskd.ports import Checkpoint
from kioskd.store import chain
from kioskd.store.engine import transaction
from kioskd.store.faults import mapped

_AT_ONCE = 500  # rows a transaction
_MONTH = timedelta(days=30.5)


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long what is kept; the site chose all of it."""

    identified: timedelta
    unknown_cards: timedelta = timedelta(hours=24)
    rows: timedelta = timedelta(days=365)
    staff_months: int = 12
    attempts: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one run removed."""

    persons: int
    rows: int


def work_through(
    connection: Connection,
    path: Path,
    policy: RetentionPolicy,
    now: datetime,
    mac: chain.Mac,
    checkpoint: Checkpoint,
) -> Iterator[Forgotten]:
    """Remove what is due, a batch a step; the caller lets entries pass in between."""
    for cutoff, known in ((now - policy.identified, 1), (now - policy.unknown_cards, 0)):
        while persons := _persons(connection, path, cutoff, known, checkpoint):
            yield Forgotten(persons, 0)
    while rows := _rows(connection, path, policy, now, mac, checkpoint):
        yield Forgotten(0, rows)
    with transaction(connection, path) as run:
        run.exec_driver_sql(
            "DELETE FROM attempt WHERE last_failure < ? AND coalesce(until_wall, '') < ?",
            (stamp(now - policy.attempts), stamp(now)),
        )
    checkpoint("retention-checkpoint")
    with mapped(path):  # what was deleted leaves the WAL as well
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def erase(connection: Connection, path: Path, card: bytes) -> int:
    """Forget a card in every row; the commitments stay. Returns how many rows knew it."""
    with transaction(connection, path) as run:
        erased = run.exec_driver_sql("DELETE FROM journal_person WHERE card = ?", (card,)).rowcount
    with mapped(path):
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return int(erased)


def _persons(
    connection: Connection, path: Path, cutoff: datetime, known: int, checkpoint: Checkpoint
) -> int:
    with transaction(connection, path) as run:
        deleted = run.exec_driver_sql(
            "DELETE FROM journal_person WHERE seq IN (SELECT seq FROM journal_person "
            "JOIN event USING (seq) WHERE known <= ? AND at < ? LIMIT ?)",
            (known, stamp(cutoff), _AT_ONCE),
        ).rowcount
        checkpoint("retention-persons")
    return int(deleted)


def _rows(
    connection: Connection,
    path: Path,
    policy: RetentionPolicy,
    now: datetime,
    mac: chain.Mac,
    checkpoint: Checkpoint,
) -> int:
    due = (stamp(now - policy.rows), stamp(now - policy.staff_months * _MONTH))
    with transaction(connection, path) as run:
        rows = run.exec_driver_sql(
            "SELECT seq, hash FROM event WHERE CASE kind WHEN 'staff.action' THEN at < ?2 "
            "ELSE at < ?1 END AND seq NOT IN (SELECT seq FROM journal_person) "
            "AND seq < (SELECT max(seq) FROM event) ORDER BY seq LIMIT ?3",
            (*due, _AT_ONCE),
        ).fetchall()
        journal = run.exec_driver_sql("SELECT value FROM meta WHERE key='journal'").scalar()
        for seq, row in rows:
            _anchor(run, str(journal), int(seq), str(row), mac)
            run.exec_driver_sql("DELETE FROM event WHERE seq = ?", (seq,))
        checkpoint("retention-rows")
    return len(rows)


def _anchor(run: Connection, journal: str, seq: int, row: str, mac: chain.Mac) -> None:
    # A gap has one anchor: it grows with its neighbours on both sides.
    before = run.exec_driver_sql("SELECT first FROM anchor WHERE seq = ?", (seq - 1,)).scalar()
    after = run.exec_driver_sql("SELECT seq, hash FROM anchor WHERE first = ?", (seq + 1,)).first()
    first = int(before) if before is not None else seq
    last, last_hash = (int(after[0]), str(after[1])) if after else (seq, row)
    run.exec_driver_sql("DELETE FROM anchor WHERE seq IN (?, ?)", (seq - 1, last))
    text = chain.anchor_text(journal, first, last, last_hash)
    run.exec_driver_sql(
        'INSERT INTO anchor (seq, "first", hash, mac) VALUES (?, ?, ?, ?)',
        (last, first, last_hash, mac(text)),
    )
