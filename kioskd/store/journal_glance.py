"""Short looks into the journal beside its writer: the last attempt, counts, the newest rows.

No look reads a person: neither a card's index nor an item leaves here. Deliberately not here:
the whole journal (journal_read), and whether its chain holds (journal_verify).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row

from kioskd.domain.attempt import Attempt, PastRow
from kioskd.domain.moment import stamp
from kioskd.errors import StoreError
from kioskd.store.engine import connect
from kioskd.store.faults import is_readable, mapped
from kioskd.store.journal_start import JOURNAL, newest_trusted

AFTER: Final = 40  # rows that follow an entry; its pulse and the door's events are among them
_COLUMNS: Final = "seq, id, at, kind, door, decision, reason, decided_by, detail"
_LAST: Final = (
    f"SELECT {_COLUMNS} FROM event WHERE kind = 'entry.decided' AND door = ? "  # noqa: S608
    "ORDER BY seq DESC LIMIT 1"
)
_FOLLOWING: Final = (
    f"SELECT {_COLUMNS} FROM event WHERE seq > ? AND door = ? "  # noqa: S608
    "AND kind != 'staff.action' ORDER BY seq LIMIT ?"
)
_NEWEST: Final = f"SELECT {_COLUMNS} FROM event ORDER BY seq DESC LIMIT ?"  # noqa: S608
_REASONS: Final = (
    "SELECT door, reason, count(*) FROM event WHERE kind = 'entry.decided' AND at >= ? "
    "AND door IS NOT NULL AND reason IS NOT NULL GROUP BY door, reason"
)


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the journal reaches. anchor: the highest seq whose rows were deleted; 0 for none."""

    rows: int
    seq: int
    anchor: int


class JournalGlance:
    """One open journal, read beside its writer. StoreError where it cannot be read."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / JOURNAL
        if not is_readable(self._path):
            raise StoreError(f"{self._path}: there is no journal yet; `kioskd run` begins one")
        self._connection: Connection = connect(self._path, read_only=True)

    def last_attempt(self, door: str) -> Attempt | None:
        """The newest decided entry of a door; None when there is none."""
        found = self._rows(_LAST, door)
        if not found:
            return None
        after: list[PastRow] = []
        for row in self._rows(_FOLLOWING, found[0].seq, door, AFTER):
            if row.kind == "entry.decided":
                break
            after.append(row)
        return Attempt(found[0], tuple(after))

    def newest(self, count: int) -> tuple[PastRow, ...]:
        """The last `count` rows, oldest first."""
        return tuple(reversed(self._rows(_NEWEST, count)))

    def reasons(self, since: datetime) -> dict[str, dict[str, int]]:
        """How many entries were decided for which reason, by door."""
        counts: dict[str, dict[str, int]] = {}
        with mapped(self._path):
            rows = self._connection.exec_driver_sql(_REASONS, (stamp(since),)).fetchall()
        for door, reason, count in rows:
            counts.setdefault(str(door), {})[str(reason)] = int(count)
        return counts

    def extent(self) -> Extent:
        """How far it reaches now."""
        with mapped(self._path):
            rows, seq = self._connection.exec_driver_sql(
                "SELECT count(*), coalesce(max(seq), 0) FROM event"
            ).one()
            anchor = self._connection.exec_driver_sql(
                "SELECT coalesce(max(seq), 0) FROM anchor"
            ).scalar_one()
        return Extent(int(rows), int(seq), int(anchor))

    def newest_trusted(self) -> datetime | None:
        """The time of the newest row written while the clock was trusted."""
        with mapped(self._path):
            return newest_trusted(self._connection)

    def close(self) -> None:
        """Let go of the file."""
        engine = self._connection.engine
        self._connection.close()
        engine.dispose()

    def _rows(self, query: str, *values: object) -> list[PastRow]:
        with mapped(self._path):
            rows = self._connection.exec_driver_sql(query, values).fetchall()
        return [_glanced(row) for row in rows]


def _glanced(row: Row[Any]) -> PastRow:
    return PastRow(
        int(row.seq),
        str(row.id),
        str(row.at),
        str(row.kind),
        row.door,
        row.decision,
        row.reason,
        row.decided_by,
        _detail(row.detail),
    )


def _detail(text: object) -> Mapping[str, Any]:
    # What a damaged row holds is nobody's business here; `journal verify` tells of it.
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
