"""What is deleted when: persons first, rows later, an anchor for every gap.

Runs in the journal's thread, a few hundred rows a transaction, so that an entry in between
waits for one small commit at most. It is not run while the clock is not trusted: a clock in
2037 would delete everything.
"""

import logging
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from kioskd.domain.moment import stamp
from kioskd.ports import Checkpoint
from kioskd.store import chain
from kioskd.store.chain import Anchor
from kioskd.store.engine import folded, transaction
from kioskd.store.faults import mapped
from kioskd.store.journal_start import former_ids, journal_id
from kioskd.store.outbox import forget_activities

log = logging.getLogger("kioskd.store")
_AT_ONCE = 500  # rows a transaction
_SCANNED = 20_000  # rows read between two entries: some 3 ms on a small board
_FOLD_TRIES = 40
_MONTH = timedelta(days=30.5)
_OLDER = (
    "SELECT max(seq) FILTER (WHERE at < ?1), max(seq) FILTER (WHERE at < ?2), "
    "max(seq) FILTER (WHERE at < ?3), max(seq) FILTER (WHERE at < ?4) "
    "FROM event WHERE trusted = 1 AND seq > ?5 AND seq <= ?6"
)


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long what is kept; the site chose all of it. lockout: the longest step of the ladder."""

    identified: timedelta
    unknown_cards: timedelta = timedelta(hours=24)
    rows: timedelta = timedelta(days=365)
    staff_months: int = 12
    attempts: timedelta = timedelta(hours=24)
    undelivered: timedelta = timedelta(days=45)
    lockout: timedelta = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one run removed. activities: of those that no hub was told of in time."""

    persons: int
    rows: int
    activities: int = 0


def work_through(
    connection: Connection,
    path: Path,
    policy: RetentionPolicy,
    now: datetime,
    mac: chain.Mac,
    checkpoint: Checkpoint,
) -> Iterator[Forgotten]:
    """Remove what is due, a batch a step; the caller lets entries pass in between."""
    due = yield from _due(connection, path, policy, now)
    for last, known in ((due.identified, 1), (due.unknown_cards, 0)):
        while persons := _persons(connection, path, last, known, checkpoint):
            yield Forgotten(persons, 0)
    while rows := _rows(connection, path, due, mac, checkpoint):
        yield Forgotten(0, rows)
    _attempts(connection, path, policy, now)
    if lost := forget_activities(connection, path, now - policy.undelivered, now):
        yield Forgotten(0, 0, lost)
    checkpoint("retention-checkpoint")
    for _ in range(_FOLD_TRIES):
        if folded(connection, path):
            return
        yield Forgotten(0, 0)
    log.warning("retention.log_kept", extra={"why": "a reader holds it; next time"})


def _attempts(connection: Connection, path: Path, policy: RetentionPolicy, now: datetime) -> None:
    longest = stamp(now + policy.lockout)
    with transaction(connection, path) as run:
        # A failure of the future is one of now: by its own time it would lock the card for a
        # step at every start and never be forgotten.
        run.exec_driver_sql(
            "UPDATE attempt SET last_failure = min(last_failure, ?1), "
            "until_wall = min(until_wall, ?2) WHERE last_failure > ?1 OR until_wall > ?2",
            (stamp(now), longest),
        )
        run.exec_driver_sql(
            "DELETE FROM attempt WHERE coalesce(last_failure, '') < ? "
            "AND coalesce(until_wall, '') < ?",
            (stamp(now - policy.attempts), stamp(now)),
        )


@dataclass(frozen=True, slots=True)
class _Due:
    """The last row, by number, that is older than each period."""

    identified: int
    unknown_cards: int
    rows: int
    staff: int


def _due(
    connection: Connection, path: Path, policy: RetentionPolicy, now: datetime
) -> Generator[Forgotten, None, _Due]:
    # Age goes by number: what stands before a trusted row of a time was written before it. A row
    # of an untrusted clock (1970, 2037) is neither kept for ever nor deleted at once.
    periods = (policy.identified, policy.unknown_cards, policy.rows, policy.staff_months * _MONTH)
    cutoffs = [stamp(now - period) for period in periods]
    found = [0, 0, 0, 0]
    with mapped(path):
        last = connection.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM event").scalar_one()
    for start in range(0, int(last), _SCANNED):
        with mapped(path):
            row = connection.exec_driver_sql(_OLDER, (*cutoffs, start, start + _SCANNED)).one()
        found = [max(old, new or 0) for old, new in zip(found, row, strict=True)]
        yield Forgotten(0, 0)
    return _Due(*found)


def erase(connection: Connection, path: Path, card: bytes) -> int:
    """Forget a card in every row; the commitments stay. Returns how many rows knew it."""
    with transaction(connection, path) as run:
        erased = run.exec_driver_sql("DELETE FROM journal_person WHERE card = ?", (card,)).rowcount
    for _ in range(_FOLD_TRIES):
        if folded(connection, path):
            break
    return int(erased)


def _persons(
    connection: Connection, path: Path, last: int, known: int, checkpoint: Checkpoint
) -> int:
    with transaction(connection, path) as run:
        deleted = run.exec_driver_sql(
            "DELETE FROM journal_person WHERE seq IN (SELECT seq FROM journal_person "
            "WHERE seq <= ? AND known <= ? ORDER BY seq LIMIT ?)",
            (last, known, _AT_ONCE),
        ).rowcount
        checkpoint("retention-persons")
    return int(deleted)


def _rows(
    connection: Connection, path: Path, due: _Due, mac: chain.Mac, checkpoint: Checkpoint
) -> int:
    with transaction(connection, path) as run:
        rows = run.exec_driver_sql(
            "SELECT seq, hash FROM event "
            "WHERE seq <= CASE kind WHEN 'staff.action' THEN ?1 ELSE ?2 END "
            "AND seq <= max(?1, ?2) AND seq NOT IN (SELECT seq FROM journal_person) "
            "AND seq < (SELECT max(seq) FROM event) ORDER BY seq LIMIT ?3",
            (due.staff, due.rows, _AT_ONCE),
        ).fetchall()
        for gap in _gaps((int(r[0]), str(r[1])) for r in rows):
            _anchor(run, gap, mac)
            for table in ("event", "dead"):
                run.exec_driver_sql(
                    f"DELETE FROM {table} WHERE seq BETWEEN ? AND ?",  # noqa: S608
                    (gap.first, gap.seq),
                )
        checkpoint("retention-rows")
    return len(rows)


def _gaps(rows: Iterable[tuple[int, str]]) -> Iterator[Anchor]:
    """Runs of neighbouring rows, each as the anchor that will stand for it, not signed yet."""
    gap: Anchor | None = None
    for seq, row in rows:
        if gap is not None and gap.seq + 1 == seq:
            gap = replace(gap, seq=seq, hash=row)
            continue
        if gap is not None:
            yield gap
        gap = Anchor(seq, seq, row, b"")
    if gap is not None:
        yield gap


def _anchor(run: Connection, gap: Anchor, mac: chain.Mac) -> None:
    """One anchor for a gap and its neighbours, as far as those are ours: none is laundered."""
    journal = journal_id(run)
    ids = (journal, *former_ids(run))
    for neighbour in _neighbours(run, gap):
        if chain.holds(neighbour, ids, mac):
            later = max(gap, neighbour, key=lambda anchor: anchor.seq)
            gap = replace(later, first=min(gap.first, neighbour.first))
            run.exec_driver_sql("DELETE FROM anchor WHERE seq = ?", (neighbour.seq,))
    text = chain.anchor_text(journal, gap.first, gap.seq, gap.hash)
    run.exec_driver_sql(
        'INSERT INTO anchor (seq, "first", hash, mac) VALUES (?, ?, ?, ?)',
        (gap.seq, gap.first, gap.hash, mac(text)),
    )


def _neighbours(run: Connection, gap: Anchor) -> list[Anchor]:
    rows = run.exec_driver_sql(
        'SELECT "first", seq, hash, mac FROM anchor WHERE seq = ? OR "first" = ?',
        (gap.first - 1, gap.seq + 1),
    )
    return [Anchor(r[0], r[1], str(r[2]), bytes(r[3])) for r in rows.fetchall()]
