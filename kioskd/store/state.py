"""state.db: lists, enrolled verifiers, lockdown, and what the journal was when last seen.

Reads are single rows by primary key on a held connection. A lockdown that cannot be read is a
lockdown; the caller decides that, here a failed read is a StoreError. What a door reads it reads
only while the file that is held is the one that staff write to.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection

from kioskd.access.schedule import StaffException
from kioskd.domain.credential import Credential
from kioskd.domain.moment import Moment, stamp
from kioskd.domain.staff import Enrolment, ListEntry, Lockdown, Which
from kioskd.errors import StoreError
from kioskd.ports import Listed
from kioskd.store import state_rows
from kioskd.store.engine import connect, migrate, transaction, whole
from kioskd.store.faults import is_readable, mapped
from kioskd.store.in_use import InUse
from kioskd.store.journal_start import Mirror
from kioskd.store.state_schema import STEPS

STATE = "state.db"
WAY_OUT = (
    "put it back or restore it from a backup, then restart kioskd; until then every door is "
    "locked down"
)
_MOST_ROWS = 1 << 63  # what SQLite counts to
Unseal = Callable[[bytes, bytes], Credential]


class StateDatabase:
    """ports.StateFile over state.db. `unseal(index, sealed)` opens an enrolled verifier.

    create: whether a file that is not there is begun. A daemon that runs has one, so that one
    which is gone was taken away: beginning another would make its lockdown forgotten.
    """

    def __init__(
        self, directory: Path, unseal: Unseal, *, read_only: bool = False, create: bool = True
    ) -> None:
        self._path = directory / STATE
        self._unseal = unseal
        if read_only and not is_readable(self._path):
            raise StoreError(f"{self._path}: there is no state yet; `kioskd run` begins it")
        if not create:
            still_there(self._path)
        self._connection: Connection = connect(self._path, read_only=read_only, create=create)
        try:
            whole(self._connection, self._path)
            if not read_only:
                migrate(self._connection, self._path, STEPS)
            self._in_use = InUse(self._path, WAY_OUT)
        except BaseException:
            self.close()
            raise

    def listed(self, indices: tuple[bytes, ...], now: datetime) -> Listed:
        """Which lists the card is on now."""
        self._in_use.check()
        found: set[str] = set()
        with mapped(self._path):
            for index in indices:
                rows = self._connection.exec_driver_sql(
                    "SELECT which FROM listed WHERE card = ? AND until > ?", (index, stamp(now))
                )
                found.update(str(row[0]) for row in rows.fetchall())
        return Listed(allowed="allow" in found, denied="deny" in found)

    def enrolled(self, indices: tuple[bytes, ...]) -> Credential | None:
        """The verifier that staff enrolled for the card."""
        self._in_use.check()
        for index in indices:
            with mapped(self._path):
                sealed = self._connection.exec_driver_sql(
                    "SELECT sealed FROM enrolled WHERE card = ?", (index,)
                ).scalar()
            if sealed is not None:
                return self._unseal(index, bytes(sealed))
        return None

    def lockdown(self) -> bool:
        """Whether the building is locked down."""
        self._in_use.check()
        return self.value(state_rows.LOCKDOWN) not in (None, "off")  # what cannot be read is one

    def set_lockdown(self, *, on: bool) -> None:
        """Lock the building down or lift it; it survives a restart."""
        with transaction(self._connection, self._path) as run:
            state_rows.put_lockdown(run, Lockdown(on))

    def exceptions(self) -> tuple[StaffException, ...]:
        """Hours that staff gave single dates, in order of the dates."""
        with mapped(self._path):
            return state_rows.exceptions(self._connection)

    def clock_mark(self) -> Moment | None:
        """The reading of all clocks that an operator vouched for last, if it can be read."""
        try:
            with mapped(self._path):
                return state_rows.clock_mark(self._connection)
        except StoreError:
            return None  # nobody is then known to have vouched for the clock

    def put_listed(self, index: bytes, which: str, until: datetime, why: str, by: str) -> None:
        """Put a card on a list."""
        entry = ListEntry(index, Which(which), until, why, by)
        with transaction(self._connection, self._path) as run:
            state_rows.put_entry(run, entry, older=())

    def put_enrolled(self, index: bytes, sealed: bytes) -> None:
        """Keep a sealed verifier for a card."""
        with transaction(self._connection, self._path) as run:
            state_rows.put_enrolment(run, Enrolment(index), sealed, older=())

    def enrolled_cards(self) -> set[bytes]:
        """The index of every card that staff enrolled."""
        with mapped(self._path):
            rows = self._connection.exec_driver_sql("SELECT card FROM enrolled").fetchall()
        return {bytes(row[0]) for row in rows}

    def drop_enrolled(self, indices: Iterable[bytes]) -> int:
        """Forget the verifiers of these cards; how many went."""
        with transaction(self._connection, self._path) as run:
            return state_rows.drop_enrolments(run, indices)

    def indices(self) -> set[bytes]:
        """Every card index on a list or enrolled."""
        with mapped(self._path):
            rows = self._connection.exec_driver_sql(
                "SELECT card FROM listed UNION SELECT card FROM enrolled"
            ).fetchall()
        return {bytes(row[0]) for row in rows}

    def forget_expired(self, now: datetime) -> int:
        """Delete list entries whose time is over; how many."""
        with transaction(self._connection, self._path) as run:
            gone = run.exec_driver_sql("DELETE FROM listed WHERE until <= ?", (stamp(now),))
        return int(gone.rowcount)

    def forget_exceptions(self, before: date) -> int:
        """Delete staff's hours of dates before this one; how many.

        Yesterday's may run on past midnight: give the day before today, in the site's zone.
        """
        with transaction(self._connection, self._path) as run:
            return state_rows.drop_exceptions_before(run, before)

    def sealed_rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Every enrolled verifier, sealed, for rekeying."""
        with mapped(self._path):
            rows = self._connection.exec_driver_sql("SELECT card, sealed FROM enrolled").fetchall()
        return ((bytes(r[0]), bytes(r[1])) for r in rows)

    def replace_sealed(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Write resealed verifiers, all or none."""
        with transaction(self._connection, self._path) as run:
            for index, sealed in rows:
                run.exec_driver_sql(
                    "UPDATE enrolled SET sealed = ? WHERE card = ?", (sealed, index)
                )

    def mirror(self) -> Mirror | None:
        """The journal as last seen; None before it was, and when the note was damaged."""
        try:
            seen = json.loads(self.value("journal") or "{}")
        except (ValueError, RecursionError):
            return None
        match seen:
            case {"journal": str(journal), "seq": int(seq), "hash": str(row)}:
                sound = journal.isascii() and row.isascii() and 0 <= seq < _MOST_ROWS
                return Mirror(journal, seq, row) if sound else None
            case _:
                return None

    def put_mirror(self, mirror: Mirror) -> None:
        """Remember the journal as it is now."""
        self.put_value("journal", json.dumps(asdict(mirror)))

    def value(self, key: str) -> str | None:
        """A single remembered value."""
        with mapped(self._path):
            found = self._connection.exec_driver_sql(
                "SELECT value FROM value WHERE key = ?", (key,)
            ).scalar()
        return None if found is None else str(found)

    def put_value(self, key: str, value: str) -> None:
        """Remember a single value."""
        with transaction(self._connection, self._path) as run:
            run.exec_driver_sql("INSERT OR REPLACE INTO value VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Let go of the file."""
        engine = self._connection.engine
        self._connection.close()
        engine.dispose()


def still_there(path: Path) -> None:
    """StoreError when a state.db that somebody uses has no file any more."""
    with mapped(path):
        if not path.exists():
            raise StoreError(f"{path}: No such file any more; {WAY_OUT}")


class NoState:
    """ports.StateFile where state.db cannot be read: locked down until somebody looks."""

    def listed(self, indices: tuple[bytes, ...], now: datetime) -> Listed:
        """Nobody is known to be on a list."""
        return Listed()

    def enrolled(self, indices: tuple[bytes, ...]) -> Credential | None:
        """No verifier can be read."""
        return None

    def lockdown(self) -> bool:
        """A lockdown that cannot be read means lockdown."""
        return True

    def exceptions(self) -> tuple[StaffException, ...]:
        """No hours of staff can be read; those of the file stand."""
        return ()

    def clock_mark(self) -> Moment | None:
        """Nobody is known to have vouched for the clock."""
        return None
