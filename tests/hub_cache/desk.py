"""A journal and its outbox, as the daemon and the line have them between them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from kioskd.daemon.line_outbox import JournalOutbox
from kioskd.daemon.line_outbox_seal import SealedActivityBook
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_start import Mirror, open_journal
from kioskd.vault.keyring import Keyring
from tests.store.rig import NOW, ZONE, Rig, card, entry

TODAY = date(2026, 11, 23)


@dataclass
class Desk:
    """A daemon's journal, and the outbox that reads beside it."""

    directory: Path
    book: SealedActivityBook = field(init=False)
    journal: ThreadedJournal = field(init=False)
    outbox: JournalOutbox = field(init=False)
    rig: Rig = field(init=False)
    entries: int = 0

    def __post_init__(self) -> None:
        self.rig = Rig(self.directory)
        self.book = SealedActivityBook(Keyring.create(self.directory, bytes(32)))
        self.begin()

    def begin(self, mirror: Mirror | None = None) -> None:
        opened = open_journal(self.directory, ZONE, NOW, "id-start", mirror)
        self.journal = ThreadedJournal(opened, self.directory, lambda: opened)
        self.outbox = JournalOutbox(self.directory, self, lambda: self.book)

    async def mark_delivered(
        self, journal: str, through: int, dead: Sequence[tuple[int, str]]
    ) -> None:
        await self.journal.mark_delivered(journal, through, dead, NOW)

    async def drop_activities(self, keys: Sequence[bytes]) -> None:
        await self.journal.drop_activities(keys)

    async def enters(self, ref: str, day: date = TODAY, at: datetime = NOW) -> None:
        """A granted entry of the patron with this reference."""
        self.entries += 1
        record = entry(self.entries, at, card=card(sum(ref.encode())))
        owed = self.book.owed(ref, day)
        await self.journal.append(replace(record, activity=owed))

    async def close(self) -> None:
        await self.outbox.close()
        await asyncio.to_thread(self.journal.close)
