"""What the journal owes a hub: how far its rows were delivered, and cards that were used.

The writing side runs in the journal's thread. The row itself is the outbox row; here is only how
far the hub has them. An activity is told once: what is left of it until the day has passed is its
key, so that the same card's next entry of the day owes nothing.

Deliberately not here: reading (outbox_read), sealing (kioskd.daemon), and the hub.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from kioskd.domain.moment import stamp
from kioskd.store.engine import folded, transaction

MOST_REASON: Final = 200  # characters of why a hub refused a row
_JOURNAL: Final = "SELECT value FROM meta WHERE key = 'journal'"
_THROUGH: Final = (
    "INSERT INTO delivery (journal, through, at) "
    "VALUES (?1, min(?2, (SELECT coalesce(max(seq), 0) FROM event)), ?3) "
    "ON CONFLICT (journal) DO UPDATE SET through = max(through, excluded.through), at = ?3"
)
_DEAD: Final = (
    "INSERT OR IGNORE INTO dead (seq, reason, at) SELECT seq, ?2, ?3 FROM event WHERE seq = ?1"
)
_TOLD: Final = "UPDATE activity SET sealed = x'' WHERE key = ?"
# The clock is not asked: a day has passed once another one has begun.
_PASSED: Final = "DELETE FROM activity WHERE sealed = x'' AND day < (SELECT max(day) FROM activity)"


@dataclass(frozen=True, slots=True)
class Delivered:
    """Of this journal the hub has all rows up to `through`; dead: but these, and why."""

    journal: str
    through: int
    dead: tuple[tuple[int, str], ...]
    at: datetime


def mark(connection: Connection, path: Path, marks: Delivered) -> None:
    """Remember it. Marks never go back, and those of another journal change nothing."""
    at = stamp(marks.at)
    with transaction(connection, path) as run:
        if run.exec_driver_sql(_JOURNAL).scalar() != marks.journal:
            return  # set aside, or put back, since its rows were read
        run.exec_driver_sql(_THROUGH, (marks.journal, marks.through, at))
        for seq, reason in marks.dead:
            run.exec_driver_sql(_DEAD, (seq, _clean(reason), at))


def told(connection: Connection, path: Path, keys: Sequence[bytes]) -> None:
    """Forget whom these activities are of, in the file and in its log."""
    with transaction(connection, path) as run:
        for key in keys:
            run.exec_driver_sql(_TOLD, (key,))
        run.exec_driver_sql(_PASSED)
    folded(connection, path)  # a reader that is in its way: retention folds it again


def forget_activities(connection: Connection, path: Path, before: datetime, now: datetime) -> int:
    """Delete those that no hub was told of since, and what is left of the told; how many were lost.

    Days are local ones and the limits are UTC: a day more is kept.
    """
    with transaction(connection, path) as run:
        lost = run.exec_driver_sql(
            "DELETE FROM activity WHERE sealed != x'' AND day < ?", (_day(before),)
        ).rowcount
        run.exec_driver_sql("DELETE FROM activity WHERE sealed = x'' AND day < ?", (_day(now),))
    return int(lost)


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def _clean(reason: str) -> str:
    """What a hub said, bounded and safe for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in reason[:MOST_REASON])
