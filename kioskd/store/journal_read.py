"""The journal as its readers see it: export, verify, counts. Read-only, beside the daemon."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Row

from kioskd.access.lockout import Lockout
from kioskd.domain.moment import stamp
from kioskd.errors import StoreError
from kioskd.store import chain
from kioskd.store.engine import connect
from kioskd.store.faults import mapped
from kioskd.store.journal_file import lockouts
from kioskd.store.journal_start import JOURNAL, newest_trusted

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

_ROWS = (
    'SELECT seq, id, at, kind, door, decision, reason, decided_by, "by", detail, personal, hash, '
    "salt, card, item FROM event LEFT JOIN journal_person USING (seq) "
)


@dataclass(slots=True)
class Verified:
    """What verify found. `broken` names the first row that does not hold, None when all do."""

    journal: str = ""
    rows: int = 0
    persons: int = 0
    erased: int = 0
    anchored: int = 0
    anchors_checked: bool = False
    broken: int | None = None
    why: str = ""


@dataclass(slots=True)
class _Walk:
    found: Verified
    seq: int = 0
    prev: str = chain.GENESIS
    anchors: dict[int, chain.Anchor] = field(default_factory=dict)


class JournalReader:
    """One open journal, read beside its writer."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / JOURNAL
        if not self._path.exists():
            raise StoreError(f"{self._path}: there is no journal yet; `kioskd run` begins one")
        self._connection: Connection = connect(self._path, read_only=True)

    def rows(self, since: datetime | None = None) -> Iterator[dict[str, object]]:
        """Exported rows in order, from `since` on (by their own time)."""
        with mapped(self._path):
            first = self._first_seq(since)
            prev, last = self._hash_before(first), first
            for row in self._connection.exec_driver_sql(
                f"{_ROWS}WHERE seq >= ? ORDER BY seq", (first,)
            ):
                exported = _exported(row, prev)
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

    def verify(self, mac: chain.Mac | None) -> Verified:
        """Walk the chain from its first row or anchor; `mac` None leaves anchors unchecked."""
        found = Verified(anchors_checked=mac is not None)
        try:
            self._walk(found, mac)
        except StoreError as error:
            found.broken, found.why = found.broken or found.rows + found.anchored + 1, str(error)
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

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

    def _walk(self, found: Verified, mac: chain.Mac | None) -> None:
        with mapped(self._path):
            # One read transaction: the daemon may append while we walk.
            self._connection.exec_driver_sql("BEGIN")
            try:
                found.journal = self._journal()
                walk = _Walk(found, anchors=self._anchors())
                for row in self._connection.exec_driver_sql(f"{_ROWS}ORDER BY seq"):
                    if not _step(walk, row, mac):
                        return
                _end(walk, mac)
            finally:
                self._connection.exec_driver_sql("COMMIT")

    def _journal(self) -> str:
        row = self._connection.exec_driver_sql("SELECT value FROM meta WHERE key='journal'")
        return str(row.scalar() or "")

    def _anchors(self) -> dict[int, chain.Anchor]:
        rows = self._connection.exec_driver_sql('SELECT "first", seq, hash, mac FROM anchor')
        return {r[0]: chain.Anchor(r[0], r[1], r[2], bytes(r[3])) for r in rows}


def _step(walk: _Walk, row: "Row[tuple[object, ...]]", mac: chain.Mac | None) -> bool:
    found = walk.found
    if row.seq != walk.seq + 1 and not _over_gap(walk, row.seq, mac):
        return False
    try:
        body = _body(row)
    except ValueError:
        return _broken(found, row.seq, "the row cannot be read")
    if chain.row_hash(walk.prev, body) != row.hash:
        return _broken(found, row.seq, "the row was changed, or a row before it is missing")
    if row.personal is not None and row.salt is not None:
        card = bytes(row.card).hex() if row.card is not None else None
        if chain.commitment(bytes(row.salt), card, row.item) != row.personal:
            return _broken(found, row.seq, "the person of the row was changed")
        found.persons += 1
    elif row.personal is not None:
        found.erased += 1
    elif row.salt is not None:
        return _broken(found, row.seq, "a person was put on a row that has none")
    found.rows += 1
    walk.seq, walk.prev = row.seq, row.hash
    return True


def _over_gap(walk: _Walk, seq: int, mac: chain.Mac | None) -> bool:
    anchor = walk.anchors.pop(walk.seq + 1, None)
    if anchor is None or anchor.seq != seq - 1:
        return _broken(walk.found, walk.seq + 1, "rows are missing and no anchor stands for them")
    return _take(walk, anchor, mac)


def _take(walk: _Walk, anchor: chain.Anchor, mac: chain.Mac | None) -> bool:
    text = chain.anchor_text(walk.found.journal, anchor.first, anchor.seq, anchor.hash)
    if mac is not None and mac(text) != anchor.mac:
        return _broken(walk.found, anchor.first, "the anchor of deleted rows was changed")
    walk.found.anchored += anchor.seq - anchor.first + 1
    walk.seq, walk.prev = anchor.seq, anchor.hash
    return True


def _end(walk: _Walk, mac: chain.Mac | None) -> None:
    last = walk.anchors.pop(walk.seq + 1, None)
    if last is not None:
        _take(walk, last, mac)
    if walk.anchors and walk.found.broken is None:
        _broken(walk.found, min(walk.anchors), "an anchor stands for rows that are there")


def _broken(found: Verified, seq: int, why: str) -> bool:
    found.broken, found.why = seq, why
    return False


def _body(row: "Row[tuple[object, ...]]") -> dict[str, object]:
    return {
        "id": row.id,
        "seq": row.seq,
        "at": row.at,
        "kind": row.kind,
        "door": row.door,
        "decision": row.decision,
        "reason": row.reason,
        "decided_by": row.decided_by,
        "by": row.by,
        "detail": json.loads(row.detail),
        "personal": row.personal,
    }


def _exported(row: "Row[tuple[object, ...]]", prev: str) -> dict[str, object]:
    body = _body(row)
    body["card"] = bytes(row.card).hex() if row.card is not None else None
    body["item"] = row.item
    body["hash"] = row.hash
    body["prev"] = prev
    return {name: body[name] for name in COLUMNS}
