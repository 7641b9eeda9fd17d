"""A storage directory with a journal in it, and a second opinion on its chain.

`chain_of` computes every hash from an export alone, by the words of the documentation: it shares
no code with the journal.
"""

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from kioskd.domain.decision import DecidedBy, Decision, Reason
from kioskd.domain.record import Kind, Record
from kioskd.ports import Checkpoint, pass_by
from kioskd.store.journal_file import JournalFile
from kioskd.store.journal_read import JournalReader, Verified
from kioskd.store.journal_start import JOURNAL, Mirror, Opened, mirror_of, open_journal
from kioskd.store.retention import Forgotten, RetentionPolicy, work_through

ZONE = ZoneInfo("Europe/Helsinki")
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = RetentionPolicy(identified=14 * DAY)
CHAIN_KEY = bytes(range(32))


class Later(StrEnum):
    """A kind that later versions write and this one must keep as long as it says."""

    STAFF_ACTION = "staff.action"


STAFF_ACTION = cast("Kind", Later.STAFF_ACTION)


def mac(text: bytes) -> bytes:
    return hmac.digest(CHAIN_KEY, text, "sha256")


def other_mac(text: bytes) -> bytes:
    return hmac.digest(bytes(32), text, "sha256")


def card(number: int) -> bytes:
    """A card index."""
    return hashlib.sha256(b"%d" % number).digest()[:16]


def entry(number: int, at: datetime = NOW, reason: Reason = Reason.OK, **changed: Any) -> Record:
    """A decided entry of one card."""
    values: dict[str, Any] = {"card": card(number), "detail": {"cache_age_s": number}, **changed}
    decision = Decision(reason)
    return Record(
        f"id-{number}", at, Kind.ENTRY_DECIDED, "front", decision, DecidedBy.CACHE, **values
    )


@dataclass
class Rig:
    """One storage directory."""

    directory: Path
    opened: Opened | None = None

    @property
    def path(self) -> Path:
        return self.directory / JOURNAL

    @property
    def file(self) -> JournalFile:
        return (self.opened or self.open()).file

    def open(self, mirror: Mirror | None = None, now: datetime = NOW) -> Opened:
        self.close()
        self.opened = open_journal(self.directory, ZONE, now, "id-start", mirror)
        return self.opened

    def close(self) -> None:
        if self.opened is not None:
            self.opened.file.close()
            self.opened = None

    def mirror(self) -> Mirror:
        assert self.opened is not None
        return mirror_of(self.opened)

    def append(self, *records: Record) -> None:
        for record in records:
            self.file.append(record)

    def filled(self, count: int = 20) -> Verified:
        """A closed journal of the start row and so many entries."""
        self.append(*(entry(n) for n in range(2, count + 2)))
        self.close()
        return self.verified()

    def retention(
        self,
        now: datetime = NOW,
        policy: RetentionPolicy = POLICY,
        checkpoint: Checkpoint = pass_by,
    ) -> Forgotten:
        steps = list(self.steps(now, policy, checkpoint))
        return Forgotten(sum(s.persons for s in steps), sum(s.rows for s in steps))

    def steps(
        self,
        now: datetime = NOW,
        policy: RetentionPolicy = POLICY,
        checkpoint: Checkpoint = pass_by,
    ) -> Iterator[Forgotten]:
        return work_through(self.file.connection, self.path, policy, now, mac, checkpoint)

    def verified(self, mirror: Mirror | None = None, *, with_key: bool = True) -> Verified:
        with closing(JournalReader(self.directory)) as reader:
            return reader.verify(mac if with_key else None, mirror)

    def exported(self) -> list[dict[str, object]]:
        with closing(JournalReader(self.directory)) as reader:
            return list(reader.rows())

    def sql(self, statement: str, values: Iterable[object] = ()) -> list[Any]:
        """What somebody with the file and without this program can do."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            return connection.execute(statement, tuple(values)).fetchall()

    def everything(self) -> bytes:
        """All bytes of the journal's files as they lie on the disk."""
        parts = sorted(self.directory.glob(f"{JOURNAL}*"))
        return b"".join(part.read_bytes() for part in parts)


BODY = (
    "id", "seq", "at", "kind", "door", "decision", "reason", "decided_by", "by", "detail",
    "personal",
)  # fmt: skip


def chain_of(rows: Iterable[dict[str, object]]) -> list[str]:
    """Hashes of exported rows, each from its own `prev`, as the documentation says."""
    hashes = []
    for row in rows:
        body = {name: row[name] for name in BODY}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        hashes.append(hashlib.sha256(f"{row['prev']}\n{text}".encode()).hexdigest())
    return hashes
