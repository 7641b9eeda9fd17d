"""Whether the chain holds: a walk over all rows, anchors and persons in one read transaction.

Whatever the file holds, the answer is a value: a text that is no text or a number where a text
was written is a row that cannot be read, never an exception.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from kioskd.domain.moment import stamp
from kioskd.domain.record import Kind
from kioskd.errors import StoreDamaged, StoreError
from kioskd.store import chain
from kioskd.store.engine import whole
from kioskd.store.faults import mapped
from kioskd.store.journal_start import Mirror, former_ids, journal_id
from kioskd.store.times import time_of

# A quoted name that is no column would be read as a text; with its table's before it, it is not.
ROWS = (
    "SELECT event.seq AS seq, id, at, kind, door, decision, reason, decided_by, "
    'event."by" AS "by", detail, personal, hash, journal_person.seq AS person, salt, card, item '
    "FROM event LEFT JOIN journal_person USING (seq) "
)
# What a damaged text or type can raise while a row is put into its one form.
UNREADABLE = (ValueError, TypeError, RecursionError)
_LOSSES = ("restored", "damaged", "missing")


@dataclass(frozen=True, slots=True)
class Restart:
    """A row with which the journal began anew or went on from a copy: what was before may lack.

    why: restored, damaged or missing.
    """

    seq: int
    at: str
    why: str


@dataclass(slots=True)
class Verified:
    """What verify found. `broken` names the first row that does not hold, None when all do.

    restarts: rows of a sound chain that tell of rows lost before them.
    """

    journal: str = ""
    rows: int = 0
    persons: int = 0
    erased: int = 0
    anchored: int = 0
    anchors_checked: bool = False
    broken: int | None = None
    why: str = ""
    restarts: list[Restart] = field(default_factory=list)


def verify(
    connection: Connection, path: Path, mac: chain.Mac | None, mirror: Mirror | None
) -> Verified:
    """Walk the chain of an open journal. Never raises StoreError: that is `broken` too.

    mirror: read before the call, or a row appended in between would seem to be missing.
    """
    found = Verified(anchors_checked=mac is not None)
    try:
        with mapped(path):
            # One read transaction: the daemon may append while we walk.
            connection.exec_driver_sql("BEGIN")
            try:
                _walk(connection, _begun(connection, path, found, mac, mirror))
            finally:
                with suppress(SQLAlchemyError):  # a damaged file may refuse even this
                    connection.exec_driver_sql("COMMIT")
        if found.broken is None:
            whole(connection, path)
    except StoreError as error:
        # Every row up to where reading stopped is there or anchored: the next one is the first.
        _broken(found, found.rows + found.anchored + 1, str(error))
    return found


@dataclass(slots=True)
class _Walk:
    found: Verified
    mac: chain.Mac | None
    ids: tuple[str, ...]
    mirror: Mirror | None
    seq: int = 0
    prev: str = chain.GENESIS
    named: tuple[int, object] | None = None
    anchors: dict[int, chain.Anchor] = field(default_factory=dict)


def _begun(
    connection: Connection,
    path: Path,
    found: Verified,
    mac: chain.Mac | None,
    mirror: Mirror | None,
) -> _Walk:
    found.journal = journal_id(connection)
    rows = connection.exec_driver_sql('SELECT "first", seq, hash, mac FROM anchor').fetchall()
    anchors = {r[0]: chain.Anchor(*r) for r in rows}
    types = [(int, int, str, bytes)] * len(rows)
    sound = [tuple(map(type, r)) for r in rows] == types
    if not sound or len(anchors) < len(rows):
        raise StoreDamaged(f"{path}: the anchors of deleted rows cannot be read")
    return _Walk(found, mac, (found.journal, *former_ids(connection)), mirror, anchors=anchors)


def _walk(connection: Connection, walk: _Walk) -> None:
    for row in connection.exec_driver_sql(f"{ROWS}ORDER BY event.seq"):
        if not _step(walk, row):
            return
    _end(walk)


def _step(walk: _Walk, row: Row[Any]) -> bool:
    found = walk.found
    if row.seq != walk.seq + 1 and not _over_gap(walk, row.seq):
        return False
    try:
        body = body_of_row(row)
        fits = chain.row_hash(walk.prev, body) == row.hash
    except UNREADABLE:
        return _broken(found, row.seq, "the row cannot be read")
    if not fits:
        return _broken(found, row.seq, "the row was changed, or a row before it is missing")
    if not _person(found, row):
        return False
    if row.kind == Kind.JOURNAL_STARTED:
        walk.named = (row.seq, _detail_of(body).get("journal"))
        _note_restart(found, row.seq, body)
    found.rows += 1
    walk.seq, walk.prev = row.seq, row.hash
    return _as_mirrored(walk)


def _detail_of(body: dict[str, object]) -> dict[str, object]:
    detail = body["detail"]
    return detail if isinstance(detail, dict) else {}


def _note_restart(found: Verified, seq: int, body: dict[str, object]) -> None:
    why, at = _detail_of(body).get("why"), time_of(body["at"])
    for known in _LOSSES:
        if why == known:
            found.restarts.append(Restart(seq, stamp(at) if at else "?", known))


def _person(found: Verified, row: Row[Any]) -> bool:
    if row.person is None:
        found.erased += row.personal is not None
        return True
    salt, card = _bytes(row.salt), _bytes(row.card)
    if row.personal is None:
        return _broken(found, row.seq, "a person was put on a row that has none")
    item = row.item if isinstance(row.item, str) else None
    readable = salt is not None and (card is not None or row.card is None)
    if not readable or item != row.item:
        return _broken(found, row.seq, "the person of the row cannot be read")
    if chain.commitment(salt or b"", card.hex() if card else None, item) != row.personal:
        return _broken(found, row.seq, "the person of the row was changed")
    found.persons += 1
    return True


def _over_gap(walk: _Walk, seq: int) -> bool:
    while walk.seq + 1 != seq:
        anchor = walk.anchors.pop(walk.seq + 1, None)
        if anchor is None or not anchor.first <= anchor.seq < seq:
            return _broken(
                walk.found, walk.seq + 1, "rows are missing and no anchor stands for them"
            )
        if not _take(walk, anchor):
            return False
    return True


def _take(walk: _Walk, anchor: chain.Anchor) -> bool:
    if walk.mac is not None and not chain.holds(anchor, walk.ids, walk.mac):
        return _broken(walk.found, anchor.first, "the anchor of deleted rows was changed")
    walk.found.anchored += anchor.seq - anchor.first + 1
    walk.seq, walk.prev = anchor.seq, anchor.hash
    return _as_mirrored(walk)


def _as_mirrored(walk: _Walk) -> bool:
    seen = walk.mirror
    if seen is None or seen.seq != walk.seq or seen.journal not in walk.ids:
        return True
    if seen.hash == walk.prev:
        return True
    return _broken(walk.found, seen.seq, "the journal had another row here when it was last seen")


def _end(walk: _Walk) -> None:
    found, seen = walk.found, walk.mirror
    if walk.anchors:
        _broken(
            found, min(walk.anchors), "an anchor stands for rows that are there, or for the end"
        )
    elif walk.named is not None and walk.named[1] != found.journal:
        _broken(found, walk.named[0], "the journal has another id than this row says")
    elif seen is not None and seen.journal in walk.ids and seen.seq > walk.seq:
        _broken(found, walk.seq + 1, "rows at the end are missing: it was longer when last seen")


def _broken(found: Verified, seq: int, why: str) -> bool:
    found.broken, found.why = seq, why
    return False


def body_of_row(row: Row[Any]) -> dict[str, object]:
    """ValueError or TypeError when the row's detail is not what an append writes."""
    detail = json.loads(row.detail)
    if not isinstance(detail, dict) or chain.canonical_json(detail).decode() != row.detail:
        raise ValueError("detail is not in its one form")
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
        "detail": detail,
        "personal": row.personal,
    }


def _bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None
