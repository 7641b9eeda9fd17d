"""The journal as the daemon uses it: one thread, one transaction a call.

Commits never run in the loop, and nothing else runs in their thread.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from kioskd.access.lockout import Lockout
from kioskd.domain.record import Record
from kioskd.errors import StoreDamaged, StoreError
from kioskd.store.engine import connect
from kioskd.store.faults import mapped
from kioskd.store.journal_file import JournalFile
from kioskd.store.journal_start import JOURNAL, Mirror, Opened, mirror_of

T = TypeVar("T")


class ThreadedJournal:
    """ports.Journal over an open journal file."""

    def __init__(self, opened: Opened, directory: Path, reopen: Callable[[], Opened]) -> None:
        self._opened = opened
        self._path = directory / JOURNAL
        self._reopen = reopen
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._reader: Connection | None = None

    async def append(self, record: Record, cleared: bytes | None = None) -> None:
        """Append a row and its counts; returns once it is on the medium."""
        await self.run(lambda: self._write(lambda file: file.append(record, cleared)))

    async def charge(self, card: bytes, lockout: Lockout) -> None:
        """Write down a failed attempt; returns once it is on the medium."""
        await self.run(lambda: self._write(lambda file: file.charge(card, lockout)))

    def last_grant(self, card: bytes) -> datetime | None:
        """When this card was last let in here, while that is kept."""
        with mapped(self._path):
            if self._reader is None:
                self._reader = connect(self._path, read_only=True)
            at = self._reader.exec_driver_sql(
                "SELECT event.at FROM journal_person JOIN event USING (seq) "
                "WHERE card = ? AND decision = 'granted' ORDER BY seq DESC LIMIT 1",
                (card,),
            ).scalar()
        return datetime.fromisoformat(str(at)) if at else None

    async def run(self, work: Callable[[], T]) -> T:
        """Do something in the journal's thread, between two transactions."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _write(self, work: Callable[[JournalFile], None]) -> None:
        try:
            work(self._opened.file)
        except StoreDamaged:
            # This entry is lost; the next one finds a new chain that says what happened.
            self._opened.file.close()
            self._opened = self._reopen()
            raise

    @property
    def opened(self) -> Opened:
        """The file, for retention in the journal's thread."""
        return self._opened

    async def mirror(self) -> Mirror:
        """The last row, to be remembered elsewhere."""
        return await self.run(lambda: mirror_of(self._opened))

    def close(self) -> None:
        """Finish what was asked for, then close the file."""
        self._thread.submit(self._opened.file.close)
        self._thread.shutdown()
        if self._reader is not None:
            self._reader.close()


class NoJournal:
    """ports.Journal where no journal can be had: every entry is denied, and says why."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def append(self, record: Record, cleared: bytes | None = None) -> None:
        """Refuse: no record, no opening."""
        raise StoreError(self._why)

    async def charge(self, card: bytes, lockout: Lockout) -> None:
        """Refuse: an attempt that cannot be charged is not verified."""
        raise StoreError(self._why)

    def last_grant(self, card: bytes) -> datetime | None:
        """Nobody knows."""
        return None
