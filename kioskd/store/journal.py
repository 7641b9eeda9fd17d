"""The journal as the daemon uses it: one thread, one transaction a call.

Commits never run in the loop, and nothing else runs in their thread.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from kioskd.access.lockout import Lockout
from kioskd.domain.record import Record
from kioskd.errors import StoreDamaged, StoreError
from kioskd.store.engine import connect, whole
from kioskd.store.faults import mapped
from kioskd.store.journal_file import JournalFile
from kioskd.store.journal_start import JOURNAL, Opened, condemn
from kioskd.store.outbox import Delivered, mark, told
from kioskd.store.times import time_of

log = logging.getLogger("kioskd.store")
T = TypeVar("T")


class ThreadedJournal:
    """ports.Journal over an open journal file."""

    def __init__(self, opened: Opened, directory: Path, reopen: Callable[[], Opened]) -> None:
        self._opened = opened
        self._path = directory / JOURNAL
        self._reopen = reopen
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._lost = False
        self._reader: Connection | None = None
        self._reads: Opened | None = None  # whose rows the reader sees

    async def append(self, record: Record, cleared: tuple[bytes, ...] = ()) -> None:
        """Append a row and its counts; returns once it is on the medium."""
        await self.run(lambda: self._write(lambda file: file.append(record, cleared)))

    async def charge(self, card: bytes, lockout: Lockout) -> None:
        """Write down a failed attempt; returns once it is on the medium."""
        await self.run(lambda: self._write(lambda file: file.charge(card, lockout)))

    async def mark_delivered(
        self, journal: str, through: int, dead: Sequence[tuple[int, str]], at: datetime
    ) -> None:
        """The hub has every row of this journal up to `through`, or refuses it for good.

        journal: whose rows those were; marks of another journal than this are left out.
        """
        marks = Delivered(journal, through, tuple(dead), at)
        await self.run(lambda: self._write(lambda file: mark(file.connection, self._path, marks)))

    async def drop_activities(self, keys: Sequence[bytes]) -> None:
        """The hub has these activities; what they said is gone from the medium."""
        await self.run(lambda: self._write(lambda file: told(file.connection, self._path, keys)))

    def last_grant(self, card: bytes) -> datetime | None:
        """When this card was last let in here, while that is kept."""
        with mapped(self._path):
            if self._reader is None or self._reads is not self._opened:
                self._close_reader()
                self._reads = self._opened
                self._reader = connect(self._path, read_only=True)
            at = self._reader.exec_driver_sql(
                "SELECT event.at FROM journal_person JOIN event USING (seq) "
                "WHERE card = ? AND decision = 'granted' ORDER BY seq DESC LIMIT 1",
                (card,),
            ).scalar()
        return time_of(at)

    async def run(self, work: Callable[[], T]) -> T:
        """Do something in the journal's thread, between two transactions."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def check(self) -> None:
        """Read the whole file beside the entries; one that is damaged is set aside.

        StoreDamaged, StoreError.
        """
        try:
            await asyncio.to_thread(self._look_through)
        except StoreDamaged as error:
            why = str(error)
            await self.run(lambda: self._begin_anew(why))
            raise

    def _look_through(self) -> None:
        connection = connect(self._path, read_only=True)
        try:
            whole(connection, self._path)
        finally:
            connection.close()

    def _write(self, work: Callable[[JournalFile], None]) -> None:
        if self._lost:
            self._reopen_now()
        try:
            work(self._opened.file)
        except StoreDamaged as error:
            # This entry is lost; the next one finds a new chain that says what happened.
            with suppress(StoreError):  # the first error is the one to tell; tried again then
                self._begin_anew(str(error))
            raise

    def _begin_anew(self, why: str) -> None:
        log.error("journal.damaged", extra={"why": why})
        condemn(self._path.parent)
        self._opened.file.close()
        self._reopen_now()

    def _reopen_now(self) -> None:
        self._lost = True
        self._opened = self._reopen()
        self._lost = False

    @property
    def opened(self) -> Opened:
        """The file, for retention in the journal's thread."""
        return self._opened

    def close(self) -> None:
        """Finish what was asked for, then close the file."""
        self._thread.submit(self._close_file)
        self._thread.shutdown()
        self._close_reader()

    def _close_file(self) -> None:
        if not self._lost:
            self._opened.file.close()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class NoJournal:
    """ports.Journal where no journal can be had: every entry is denied, and says why."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def append(self, record: Record, cleared: tuple[bytes, ...] = ()) -> None:
        """Refuse: no record, no opening."""
        raise StoreError(self._why)

    async def mark_delivered(
        self, journal: str, through: int, dead: Sequence[tuple[int, str]], at: datetime
    ) -> None:
        """Refuse: it goes out again, and the hub knows it by its id."""
        raise StoreError(self._why)

    async def drop_activities(self, keys: Sequence[bytes]) -> None:
        """Refuse: they go out again, to no effect."""
        raise StoreError(self._why)

    async def charge(self, card: bytes, lockout: Lockout) -> None:
        """Refuse: an attempt that cannot be charged is not verified."""
        raise StoreError(self._why)

    def last_grant(self, card: bytes) -> datetime | None:
        """Nobody knows."""
        return None
