"""A backlog of events: a journal full of rows that no hub has, and the real pusher that drains it.

Deliberately not here: how many there are, and how fast it has to go.
"""

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.hub_line import threaded
from bench.hub_rig import BRANCH, Serving
from kioskd.clock.system import SystemClock
from kioskd.daemon.line_outbox import JournalOutbox
from kioskd.domain.moment import stamp
from kioskd.store.engine import transaction
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_start import JOURNAL
from sync.hub_address import HubAddress
from sync.hub_client import HubClient
from sync.pusher import Pusher

_PUT: Final = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ENTRY: Final = secrets.token_hex(18)
# What one visit leaves behind.
_VISIT: Final[Sequence[tuple[str, str | None, dict[str, Any]]]] = (
    ("entry.decided", "granted", {"cache_age_s": 4711, "clock": "rtc"}),
    ("strike.released", None, {"entry": _ENTRY, "seconds": 5.0, "why": "entry"}),
    ("door.opened", None, {"entry": _ENTRY}),
    ("strike.secured", None, {"why": "time"}),
    ("door.closed", None, {"entry": _ENTRY}),
)


class Marks:
    """kioskd.daemon.line_outbox.Marks straight into the journal."""

    def __init__(self, journal: ThreadedJournal) -> None:
        self._journal = journal

    async def mark_delivered(
        self, journal: str, through: int, dead: Sequence[tuple[int, str]]
    ) -> None:
        """The hub has these rows."""
        await self._journal.mark_delivered(journal, through, dead, datetime.now(UTC))

    async def drop_activities(self, keys: Sequence[bytes]) -> None:
        """The hub has these activities."""
        await self._journal.drop_activities(keys)


class Backlog:
    """A device's journal with so many rows more."""

    def __init__(self, directory: Path, count: int) -> None:
        directory.mkdir(parents=True, mode=0o700)
        self.directory = directory
        self.journal = threaded(directory)
        self.count = count + self.journal.opened.file.head.seq
        connection = self.journal.opened.file.connection
        # In one piece and without its chain: whoever delivers looks at neither.
        with transaction(connection, directory / JOURNAL) as run:
            for row in _rows(self.journal.opened.file.head.seq + 1, count):
                run.exec_driver_sql(_PUT, row)

    async def drained(self, hub: Serving, token: str) -> float:
        """Seconds until the hub has all of it."""
        outbox = JournalOutbox(self.directory, Marks(self.journal))
        async with HubClient(HubAddress(hub.url, token), SystemClock()) as client:
            pusher = Pusher(client, outbox)
            delivered, more, began = 0, True, time.perf_counter()
            while more:
                pushed = await pusher.turn()
                assert not pushed.dead
                delivered, more = delivered + pushed.delivered, pushed.more
            took = time.perf_counter() - began
        assert delivered == self.count, (delivered, self.count)
        assert await outbox.waiting() == 0
        await outbox.close()
        return took

    def close(self) -> None:
        """Let go of the journal."""
        self.journal.close()


def hub_rows(count: int) -> list[tuple[Any, ...]]:
    """Rows of the hub's event table like those of a backlog."""
    now = stamp(datetime.now(UTC))
    found = []
    for row in _rows(1, count):
        body = json.dumps(
            {"id": row[1], "journal": _ENTRY, "seq": row[0], "at": row[2]}
            | {"kind": row[3], "door": row[4], "detail": json.loads(row[9])}
        )
        found.append(("door-1", row[1], BRANCH, row[2], now, row[3], _ENTRY, row[0], body))
    return found


def _rows(first: int, count: int) -> Iterator[tuple[Any, ...]]:
    start = datetime.now(UTC) - timedelta(days=7)
    for number in range(count):
        kind, decision, detail = _VISIT[number % len(_VISIT)]
        at = stamp(start + timedelta(seconds=number * 6))
        granted = (decision, "OK", "cache") if decision else (None, None, None)
        text = json.dumps(detail, separators=(",", ":"))
        # As a UUIDv7 has it: in the order of time.
        id_ = f"{int(start.timestamp() * 1000) + number * 6000:012x}{secrets.token_hex(10)}"
        head = (first + number, id_, at, kind, "front")
        yield (*head, *granted, None, text, None, secrets.token_hex(32), 1)


def checked(rows: Sequence[tuple[Any, ...]], count: int) -> None:
    """Whether a device's events are all there, each once. rows: count, ids, first, last."""
    assert [tuple(row) for row in rows] == [(count, count, 1, count)], rows
