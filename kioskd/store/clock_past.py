"""What clocks said so far, kept in the journal: a clock far ahead of it must not delete.

In journal.db and not in state.db, so that a journal that is put back brings its own past.
Deliberately not here: what far ahead means (kioskd.access.clock_trust).
"""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from kioskd.access.clock_trust import ClockPast, followed
from kioskd.domain.moment import stamp
from kioskd.store.engine import transaction
from kioskd.store.faults import mapped
from kioskd.store.journal_start import Opened
from kioskd.store.times import time_of

_SEEN, _AHEAD = "clock.seen", "clock.ahead"


def follow_clock(opened: Opened, path: Path, now: datetime, *, synchronised: bool) -> ClockPast:
    """The past with a trusted `now` in it, remembered; for the journal's thread. StoreError."""
    connection = opened.file.connection
    before = _read(connection, path, opened.newest_trusted)
    after = followed(before, now, synchronised=synchronised)
    if after != before:
        _keep(connection, path, after)
    return after


def _read(connection: Connection, path: Path, newest: datetime | None) -> ClockPast:
    with mapped(path):
        rows = connection.exec_driver_sql(
            "SELECT key, value FROM meta WHERE key IN (?, ?)", (_SEEN, _AHEAD)
        ).fetchall()
    kept = {row[0]: time_of(row[1]) for row in rows}
    return ClockPast(kept.get(_SEEN) or newest, kept.get(_AHEAD))


def _keep(connection: Connection, path: Path, past: ClockPast) -> None:
    with transaction(connection, path) as run:
        for key, at in ((_SEEN, past.seen), (_AHEAD, past.ahead)):
            run.exec_driver_sql("DELETE FROM meta WHERE key = ?", (key,))
            if at is not None:
                run.exec_driver_sql("INSERT INTO meta VALUES (?, ?)", (key, stamp(at)))
