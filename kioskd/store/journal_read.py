"""The journal as its readers see it: export, counts, lockouts. Read-only, beside the daemon.

Deliberately not here: whether the chain holds (journal_verify).
"""

import json
from collections.abc import Generator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from kioskd.access.lockout import Lockout
from kioskd.domain.moment import stamp
from kioskd.errors import StoreDamaged, StoreError
from kioskd.store import chain
from kioskd.store.engine import connect
from kioskd.store.faults import is_readable, mapped
from kioskd.store.journal_file import lockouts
from kioskd.store.journal_start import JOURNAL, Mirror, newest_trusted
from kioskd.store.journal_verify import ROWS, UNREADABLE, Verified, body_of_row, verify

__all__ = ["COLUMNS", "JournalReader", "Verified"]

COLUMNS = (
    "id",
    "seq",
    "at",
    "kind",
    "door",
    "decision",
    "reason",
    "decided_by",
    "card",
    "item",
    "by",
    "detail",
    "personal",
    "hash",
    "prev",
)


class JournalReader:
    """One open journal, read beside its writer."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / JOURNAL
        if not is_readable(self._path):
            raise StoreError(f"{self._path}: there is no journal yet; `kioskd run` begins one")
        self._connection: Connection = connect(self._path, read_only=True)

    def rows(self, since: datetime | None = None) -> Generator[dict[str, object], None, None]:
        """Exported rows in order, from `since` on (by their own time)."""
        with mapped(self._path):
            first = self._first_seq(since)
            prev, last = self._hash_before(first), first
            for row in self._connection.exec_driver_sql(
                f"{ROWS}WHERE event.seq >= ? ORDER BY event.seq", (first,)
            ):
                exported = self._exported(row, prev)
                # After a gap the row follows an anchor, not the row before it.
                if row.seq > last + 1:
                    exported["prev"] = self._hash_before(row.seq)
                prev, last = row.hash, row.seq
                yield exported

    def tallies(self, first: str, last: str) -> list[tuple[str, int, str, str, int]]:
        """Counts (day, hour, door, what, n) of local days `first` to `last`, both included."""
        with mapped(self._path):
            rows = self._connection.exec_driver_sql(
                "SELECT day, hour, door, what, n FROM tally WHERE day BETWEEN ? AND ? "
                "ORDER BY day, hour, door, what",
                (first, last),
            ).fetchall()
        return [tuple(r) for r in rows]

    def lockouts(self) -> dict[bytes, Lockout]:
        """Every remembered attempt."""
        with mapped(self._path):
            return lockouts(self._connection)

    def newest_trusted(self) -> datetime | None:
        """The time of the newest row written while the clock was trusted."""
        with mapped(self._path):
            return newest_trusted(self._connection)

    def verify(self, mac: chain.Mac | None, mirror: Mirror | None = None) -> Verified:
        """Walk the chain from its first row or anchor; `mac` None leaves anchors unchecked.

        mirror: the journal as last seen elsewhere; without it, rows missing at the end do not show.
        """
        return verify(self._connection, self._path, mac, mirror)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _exported(self, row: Row[Any], prev: str) -> dict[str, object]:
        try:
            return _exported(row, prev)
        except UNREADABLE:
            raise StoreDamaged(
                f"{self._path}: row {row.seq} cannot be read; `kioskd journal verify` tells more"
            ) from None

    def _first_seq(self, since: datetime | None) -> int:
        # Rows are told apart by seq: a corrected clock may have written times out of order.
        if since is None:
            return 0
        return int(
            self._connection.exec_driver_sql(
                "SELECT coalesce(min(seq), 1 << 62) FROM event WHERE at >= ?", (stamp(since),)
            ).scalar_one()
        )

    def _hash_before(self, seq: int) -> str:
        found = self._connection.exec_driver_sql(
            "SELECT hash FROM (SELECT seq, hash FROM event UNION ALL SELECT seq, hash FROM anchor) "
            "WHERE seq < (SELECT min(seq) FROM event WHERE seq >= ?) ORDER BY seq DESC LIMIT 1",
            (seq,),
        ).scalar()
        return str(found) if found else chain.GENESIS


def _exported(row: Row[Any], prev: str) -> dict[str, object]:
    body = body_of_row(row)
    card = row.card
    body["card"] = None if card is None else bytes.hex(card)
    body["item"] = row.item
    body["hash"] = row.hash
    body["prev"] = prev
    json.dumps(body)  # a damaged row may hold what no text can show
    return {name: body[name] for name in COLUMNS}
