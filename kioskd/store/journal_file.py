"""journal.db as its one writer sees it: a row, its person, its counts and its attempt, at once.

Synchronous; kioskd.store.journal runs it in a thread of its own. The head of the chain is kept
here, so an append reads nothing.

Deliberately not here: opening a damaged file (journal_start), reading (journal_read), deleting
(retention).
"""

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert
from sqlalchemy.dialects import sqlite

from kioskd.access.lockout import Lockout
from kioskd.domain.moment import stamp
from kioskd.domain.record import Kind, Record
from kioskd.errors import StoreFull
from kioskd.store import chain
from kioskd.store.engine import quick_transaction
from kioskd.store.in_use import InUse
from kioskd.store.journal_schema import ACTIVITY, ATTEMPT, EVENT, PERSON, TALLY
from kioskd.store.reserve import Reserve
from kioskd.store.times import time_of

log = logging.getLogger("kioskd.store")
Statement = tuple[str, tuple[object, ...]]
_WAY_OUT = "keep other programs away from it, and restore it from a backup"
MAX_ATTEMPTS = 10_000  # cards with failures that are remembered; the oldest is dropped
_PRUNE_EVERY = 256  # charges
# What a sound row of an attempt is below; a flipped bit soon makes more of it.
_MOST_FAILURES = 1_000_000
_MOST_STEPS = 100
_MOST_BOOT_SECONDS = 1e10


def _sql(statement: object) -> str:
    # Compiled once: an append is on the path between a PIN and a strike.
    compiled = statement.compile(dialect=sqlite.dialect(paramstyle="qmark"))  # type: ignore[attr-defined]
    return str(compiled)


_INSERT_EVENT = _sql(insert(EVENT))
_INSERT_PERSON = _sql(insert(PERSON))
_PUT_ATTEMPT = _sql(insert(ATTEMPT).prefix_with("OR REPLACE"))
_OWE = _sql(insert(ACTIVITY).prefix_with("OR IGNORE"))
_COUNT = _sql(insert(TALLY)) + " ON CONFLICT DO UPDATE SET n = n + 1"
_FORGET = "DELETE FROM attempt WHERE card = ?"
_PRUNE = (
    "DELETE FROM attempt WHERE card IN (SELECT card FROM attempt "
    "ORDER BY last_failure DESC LIMIT -1 OFFSET ?)"
)


@dataclass(slots=True)
class Head:
    """The last row: its number and hash."""

    seq: int = 0
    hash: str = chain.GENESIS


def body_of(record: Record, seq: int, personal: str | None) -> dict[str, object]:
    """What a row's hash covers, and what an export shows."""
    decision = record.decision
    return {
        "id": record.id,
        "seq": seq,
        "at": stamp(record.at),
        "kind": record.kind.value,
        "door": record.door,
        "decision": None if decision is None else "granted" if decision.granted else "denied",
        "reason": None if decision is None else decision.reason.value,
        "decided_by": record.decided_by.value if record.decided_by else None,
        "by": record.by,
        "detail": dict(record.detail),
        "personal": personal,
    }


class JournalFile:
    """The open journal. Every method is one durable transaction, or raises StoreError."""

    def __init__(
        self, connection: Connection, path: Path, head: Head, zone: ZoneInfo, reserve: Reserve
    ) -> None:
        self._connection = connection
        self._path = path
        self._head = head
        self._zone = zone
        self._reserve = reserve
        self._charges = 0
        self._in_use = InUse(path, _WAY_OUT)

    @property
    def head(self) -> Head:
        """The last committed row."""
        return Head(self._head.seq, self._head.hash)

    @property
    def connection(self) -> Connection:
        """The writing connection, for retention in the same thread."""
        return self._connection

    def append(
        self, record: Record, cleared: tuple[bytes, ...] = (), also: Sequence[Statement] = ()
    ) -> None:
        """Append a row; `cleared` are indices of a card whose failures this row forgets.

        also: statements of the same transaction.
        """
        self._with_reserve(lambda: self._append(record, cleared, also))

    def charge(self, card: bytes, lockout: Lockout) -> None:
        """Write down a failed attempt."""
        self._with_reserve(lambda: self._charge(card, lockout))

    def close(self) -> None:
        """Fold the WAL into the file and let go of it."""
        engine = self._connection.engine
        self._connection.close()
        engine.dispose()

    def _with_reserve(self, work: Callable[[], None]) -> None:
        self._in_use.check()
        try:
            work()
        except StoreFull:
            if not self._reserve.free():
                raise
            why = "the reserve was freed; make room on this file system"
            log.error("disk.full", extra={"path": str(self._path), "why": why})  # noqa: TRY400
            work()

    def _append(
        self, record: Record, cleared: tuple[bytes, ...], also: Sequence[Statement] = ()
    ) -> None:
        seq = self._head.seq + 1
        salt, personal = self._commit_to(record)
        body = body_of(record, seq, personal)
        row = chain.row_hash(self._head.hash, body)
        with quick_transaction(self._connection, self._path) as run:
            run.execute(_INSERT_EVENT, _event_row(body, row, trusted=record.trusted))
            if salt is not None:
                run.execute(_INSERT_PERSON, (seq, salt, record.card, None, int(record.known)))
            if record.activity is not None:
                owed = record.activity
                run.execute(_OWE, (owed.key, owed.sealed, owed.day))
            for statement, values in also:
                run.execute(statement, values)
            for index in cleared:
                run.execute(_FORGET, (index,))
            if record.kind is Kind.ENTRY_DECIDED:
                run.execute(_COUNT, self._count_of(record))
        self._head = Head(seq, row)

    def _charge(self, card: bytes, lockout: Lockout) -> None:
        with quick_transaction(self._connection, self._path) as run:
            run.execute(_PUT_ATTEMPT, _attempt_row(card, lockout))
            self._charges += 1
            if self._charges % _PRUNE_EVERY == 0:
                run.execute(_PRUNE, (MAX_ATTEMPTS,))

    def _commit_to(self, record: Record) -> tuple[bytes | None, str | None]:
        if record.card is None:
            return None, None
        salt = secrets.token_bytes(32)
        return salt, chain.commitment(salt, record.card.hex(), None)

    def _count_of(self, record: Record) -> tuple[object, ...]:
        local = record.at.astimezone(self._zone)
        reason = record.decision.reason.value if record.decision else ""
        return (local.date().isoformat(), local.hour, record.door or "", reason, 1)


def _event_row(body: Mapping[str, object], row: str, *, trusted: bool) -> tuple[object, ...]:
    detail = json.dumps(body["detail"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    values = {**body, "detail": detail, "hash": row, "trusted": int(trusted)}
    return tuple(values[column.name] for column in EVENT.columns)


def _attempt_row(card: bytes, lockout: Lockout) -> tuple[object, ...]:
    return (
        card,
        lockout.failures,
        lockout.step,
        stamp(lockout.last_failure) if lockout.last_failure else None,
        lockout.boot_id,
        lockout.until_boot,
        stamp(lockout.until_wall) if lockout.until_wall else None,
    )


def lockouts(connection: Connection) -> dict[bytes, Lockout]:
    """Every remembered attempt, oldest first; a row that was damaged is left out."""
    rows = connection.exec_driver_sql(
        "SELECT card, failures, step, last_failure, boot_id, until_boot, until_wall "
        "FROM attempt ORDER BY last_failure"
    ).fetchall()
    found = {}
    for card, failures, step, last, boot_id, until_boot, until_wall in rows:
        if isinstance(card, bytes) and _counts(failures, step):
            # Without a sound time of its boot a lockout goes by its wall time, as after a boot.
            sound = isinstance(until_boot, float) and 0 <= until_boot < _MOST_BOOT_SECONDS
            boot, until = (str(boot_id), until_boot) if sound else ("", 0.0)
            found[card] = Lockout(failures, step, time_of(last), boot, until, time_of(until_wall))
    return found


def _counts(failures: object, step: object) -> bool:
    if not (isinstance(failures, int) and isinstance(step, int)):
        return False
    return 0 <= failures < _MOST_FAILURES and 0 <= step <= _MOST_STEPS
