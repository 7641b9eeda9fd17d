"""sync.line_ports.Outbox over the journal: rows leave without a person, activities without a row.

Reading is here, in the process of the line; what is to be remembered goes to the journal's one
writer through `Marks`. Of a row's detail only the keys named here leave, by kind; of what staff
did, only what it is called. A text that has not the form of a code stays as well.

Deliberately not here: when to push (sync), and what a hub makes of it.
"""

import asyncio
import json
import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar, cast

from kioskd.daemon.line_outbox_seal import SealedActivityBook
from kioskd.domain.record import Kind
from kioskd.errors import VaultError
from kioskd.store.outbox_read import OutboxReader, OutboxRow, SealedActivity, Waiting
from kioskd.store.times import time_of
from sync.hub_wire import Event
from sync.line_ports import OwedActivity
from sync.threads import in_thread

log = logging.getLogger("kioskd.line")
T = TypeVar("T")
Value = str | int | float | bool | None

_DOOR: Final = frozenset({"entry", "why", "left_out"})
_PREVIOUS: Final = ("previous_journal", "previous_seq", "previous_hash")
_STAFF: Final = frozenset({"action"})
_ALERT: Final = frozenset({"alert", "subject", "left_out"})
LEAVES: Final[Mapping[str, frozenset[str]]] = {
    Kind.ENTRY_DECIDED: frozenset({"cache_age_s", "clock"}),
    Kind.STRIKE_RELEASED: frozenset({"entry", "seconds", "why", "first"}),
    Kind.STRIKE_SECURED: frozenset({"why"}),
    Kind.DOOR_NOT_OPENED: _DOOR,
    Kind.DOOR_OPENED: _DOOR,
    Kind.DOOR_CLOSED: _DOOR,
    Kind.DOOR_HELD: _DOOR,
    Kind.DOOR_FORCED: _DOOR,
    Kind.DOOR_TAILGATING: _DOOR,
    Kind.INPUT_REX: frozenset({"left_out"}),
    Kind.DEVICE_LOST: frozenset({"device"}),
    Kind.DEVICE_BACK: frozenset({"device"}),
    Kind.ALERT_RAISED: _ALERT,
    Kind.ALERT_CLEARED: _ALERT,
    Kind.SYNC_DONE: frozenset({"generation", "credentials"}),
    Kind.JOURNAL_STARTED: frozenset({"why", *_PREVIOUS}),
    Kind.DAEMON_STARTED: frozenset({"version"}),
    Kind.STAFF_ACTION: _STAFF,
    Kind.SCHEDULE_CHANGED: _STAFF,
    Kind.CONFIG_CHANGED: _STAFF,
    Kind.CLOCK_CORRECTED: _STAFF,
}
_CODE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z ._:+-]{0,63}")
_DECISIONS: Final = frozenset({"granted", "denied"})
_DECIDED_BY: Final = frozenset({"cache", "register", "list"})


class Marks(Protocol):
    """The journal's one writer, wherever it runs. StoreError."""

    async def mark_delivered(
        self, journal: str, through: int, dead: Sequence[tuple[int, str]]
    ) -> None: ...
    async def drop_activities(self, keys: Sequence[bytes]) -> None: ...


class JournalOutbox:
    """sync.line_ports.Outbox. book: None without keys; then no activity leaves.

    One look at a time, each in a thread.
    """

    def __init__(
        self, directory: Path, marks: Marks, book: Callable[[], SealedActivityBook] | None = None
    ) -> None:
        self._reader = OutboxReader(directory)
        self._marks = marks
        self._book = book
        self._turn = asyncio.Lock()
        self._journal = ""  # whose rows were given out last

    async def events(self, most: int) -> Sequence[Event]:
        """The oldest rows that the hub has not, without their persons."""
        self._journal, events = await self._in_turn(lambda: self._events(most))
        return events

    async def delivered(self, through: int, dead: Sequence[tuple[int, str]]) -> None:
        """Of the rows given out last, the hub has all up to this one, or will not have them."""
        await self._marks.mark_delivered(self._journal, through, dead)

    async def activities(self, most: int) -> Sequence[OwedActivity]:
        """Cards that were used, each once a day."""
        return await self._in_turn(lambda: self._activities(most))

    async def told(self, keys: Sequence[bytes]) -> None:
        """The hub has these; what they say is forgotten here."""
        await self._marks.drop_activities(keys)

    async def waiting(self) -> int:
        """How many rows the hub has not."""
        return (await self.counts()).rows

    async def counts(self) -> Waiting:
        """Rows that wait, and rows that the hub refused for good."""
        return await self._in_turn(self._reader.waiting)

    async def close(self) -> None:
        """Let go of the journal."""
        await self._in_turn(self._reader.close)

    async def _in_turn(self, look: Callable[[], T]) -> T:
        async with self._turn:
            return await in_thread(look)

    def _events(self, most: int) -> tuple[str, list[Event]]:
        """Rows that are damaged must not hide those behind them."""
        journal, rows = self._reader.rows(most)
        events = _of(journal, rows)
        while rows and not events:
            again, rows = self._reader.rows(most, rows[-1].seq)
            events = _of(journal, rows) if again == journal else []
        return journal, events

    def _activities(self, most: int) -> list[OwedActivity]:
        if self._book is None:
            return []
        book, found = self._book(), self._reader.activities(most)
        opened = [_opened(book, one) for one in found]
        return [one for one in opened if one is not None]


def event_of(journal: str, row: OutboxRow) -> Event | None:
    """A row as it leaves the device; None for one that is damaged, of which `verify` tells."""
    at = time_of(row.at)
    if at is None or not all(isinstance(text, str) for text in (row.id, row.kind)):
        log.warning("line.row_unreadable", extra={"seq": row.seq})
        return None
    decided = row.decision if row.decision in _DECISIONS else None
    by = row.decided_by if row.decided_by in _DECIDED_BY else None
    return Event(
        id=row.id,
        journal=journal,
        seq=row.seq,
        at=at,
        kind=row.kind,
        door=row.door,
        decision=cast("Literal['granted', 'denied'] | None", decided),
        reason=row.reason,
        decided_by=cast("Literal['cache', 'register', 'list'] | None", by),
        detail=_leaving(row),
    )


def _of(journal: str, rows: Sequence[OutboxRow]) -> list[Event]:
    return [event for row in rows if (event := event_of(journal, row)) is not None]


def _leaving(row: OutboxRow) -> dict[str, Value]:
    keys = LEAVES.get(row.kind)
    if not keys:
        return {}
    try:
        detail = json.loads(row.detail)
    except (ValueError, TypeError, RecursionError):
        return {}
    if not isinstance(detail, dict):
        return {}
    flat = _flat(detail)
    return {key: flat[key] for key in sorted(keys & flat.keys()) if _may_leave(flat[key])}


def _flat(detail: Mapping[str, Any]) -> dict[str, Any]:
    """A new journal names the old one in a table of its own; an event is one level deep."""
    previous = detail.get("previous")
    if not isinstance(previous, dict):
        return dict(detail)
    return {**detail, **{f"previous_{key}": value for key, value in previous.items()}}


def _may_leave(value: object) -> bool:
    match value:
        case str():
            return _CODE.fullmatch(value) is not None
        case float():
            return math.isfinite(value)
        case _:
            return isinstance(value, int)


def _opened(book: SealedActivityBook, sealed: SealedActivity) -> OwedActivity | None:
    try:
        return OwedActivity(sealed.key, book.ref_of(sealed.key, sealed.sealed), sealed.day)
    except VaultError as error:
        log.warning("line.activity_unreadable", extra={"why": str(error)})
        return None
