"""control.why's Attempts over journal.db: each look off the loop, over a connection of its own."""

import asyncio
from contextlib import closing
from pathlib import Path

from kioskd.domain.attempt import Attempt
from kioskd.store.faults import is_there
from kioskd.store.journal_glance import JournalGlance
from kioskd.store.journal_start import JOURNAL


class JournalAttempts:
    """The last attempts of one storage directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def last(self, door: str) -> Attempt | None:
        """The last decided entry of a door; None before there is one. StoreError."""
        return await asyncio.to_thread(self._last, door)

    def _last(self, door: str) -> Attempt | None:
        if not is_there(self._directory / JOURNAL):
            return None
        with closing(JournalGlance(self._directory)) as glance:
            return glance.last_attempt(door)
