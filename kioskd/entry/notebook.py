"""Facts that follow an entry (strike secured, device lost): written off the path, in order."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping

from kioskd.domain.record import NO_DETAIL, Kind, Record
from kioskd.errors import StoreError
from kioskd.ports import Clock, ClockTrust, Journal

log = logging.getLogger("kioskd.entry")
_KEEP = 1000  # facts that wait for a slow or full disk; then the oldest goes


class Notebook:
    """Takes facts at once and writes them into the journal one by one."""

    def __init__(self, journal: Journal, clock: Clock, trust: ClockTrust) -> None:
        self._journal = journal
        self._clock = clock
        self._trust = trust
        self._waiting: deque[Record] = deque(maxlen=_KEEP)
        self._more = asyncio.Event()
        self._writing = asyncio.Lock()
        self._failing = False

    def note(
        self, kind: Kind, door: str | None = None, detail: Mapping[str, object] = NO_DETAIL
    ) -> None:
        """Write this down when there is time. Never blocks, never raises."""
        now = self._clock.moment()
        trusted = self._trust.judge(now).trusted
        record = Record(
            self._clock.new_id(), now.wall, kind, door=door, detail=detail, trusted=trusted
        )
        self._waiting.append(record)
        self._more.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._more.wait()
            self._more.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write all that waits; what the disk refuses is dropped and logged.

        Returns when nothing is waiting and nothing is being written, by `run` either.
        """
        async with self._writing:
            while self._waiting:
                await self._write(self._waiting.popleft())

    async def _write(self, record: Record) -> None:
        try:
            await self._journal.append(record)
            self._failing = False
        except StoreError as error:
            level = logging.DEBUG if self._failing else logging.ERROR
            log.log(level, "fact.lost", extra={"kind": record.kind, "why": str(error)})
            self._failing = True
