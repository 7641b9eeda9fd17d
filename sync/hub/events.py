"""What devices say that happened: each row once, and counted once.

A device sends a row until it has an answer, so the hub gets many of them twice, and at times the
same from two sides at once. A row and the count that it raises are one transaction, and the row's
key (device, id) decides: whoever inserts it counts it, everybody after that is told `duplicate`.

Deliberately not here: what an event may say (event_rules), and statistics.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.moment import stamp
from sync.hub.database import Database
from sync.hub.devices import Asker
from sync.hub.event_rules import Count, Filed, count_of, filed
from sync.hub.inserts import insert_into
from sync.hub.model import HubConfig
from sync.hub.schema import EVENT, TALLY
from sync.hub_wire import MAX_EVENTS, Event, EventResult

ANOTHER: Final = "id: another event has this id"
_AT_ONCE: Final = MAX_EVENTS  # rows of one statement and one transaction

log = logging.getLogger("kioskd.hub")

Item = Event | tuple[str, str]


@dataclass(slots=True)
class _Batch:
    """Some items as they were judged. first: of each id, the one that may become a row."""

    received: datetime
    outcomes: list[Filed | str]
    first: dict[str, Filed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for outcome in self.outcomes:
            if isinstance(outcome, Filed):
                self.first.setdefault(outcome.event.id, outcome)


class Events:
    """Takes events. Safe to call for one device from several hubs at once."""

    def __init__(self, database: Database, config: HubConfig, now: Callable[[], datetime]) -> None:
        self._database = database
        self._zone = ZoneInfo(config.timezone)
        self._now = now

    async def take(self, device: Asker, items: Sequence[Item]) -> list[EventResult]:
        """What became of each, in their order. A tuple is a line that is no event: id, reason.

        Results are told only once all accepted rows are committed; StoreError: none of them is.
        """
        results: list[EventResult] = []
        for start in range(0, len(items), _AT_ONCE):
            results += await self._take(device, items[start : start + _AT_ONCE])
        return results

    async def _take(self, device: Asker, items: Sequence[Item]) -> list[EventResult]:
        batch = await asyncio.to_thread(_judged, items, self._now())
        fresh: set[str] = set()
        bodies: Mapping[str, str] = {}
        if batch.first:
            async with self._database.writing() as connection:
                fresh = await self._insert(connection, device, batch)
                await self._count(connection, device, [batch.first[id_] for id_ in fresh])
                bodies = await _kept(connection, device, batch.first.keys() - fresh)
        self._tell(device, batch, fresh)
        return _results(items, batch, fresh, bodies)

    async def _insert(self, connection: AsyncConnection, device: Asker, batch: _Batch) -> set[str]:
        """Insert what is not there; the ids that are new. In the order of ids: two transactions
        that insert the same rows wait for each other, and in one order only one way."""
        rows = [_row(device, batch.first[id_], batch.received) for id_ in sorted(batch.first)]
        put = insert_into(self._database, EVENT).on_conflict_do_nothing()
        inserted = await connection.execute(put.returning(EVENT.c.id), rows)
        return set(inserted.scalars())

    async def _count(
        self, connection: AsyncConnection, device: Asker, fresh: Sequence[Filed]
    ) -> None:
        counted = (count_of(one, self._zone) for one in fresh)
        counts = Counter(count for count in counted if count is not None)
        if not counts:
            return
        put = insert_into(self._database, TALLY)
        put = put.on_conflict_do_update(
            index_elements=[TALLY.c.branch, TALLY.c.day, TALLY.c.hour, TALLY.c.what],
            set_={"n": TALLY.c.n + put.excluded.n},
        )
        await connection.execute(put, [_cell(device, c, counts[c]) for c in sorted(counts)])

    def _tell(self, device: Asker, batch: _Batch, fresh: set[str]) -> None:
        misdated = sum(batch.first[id_].misdated for id_ in fresh)
        if misdated:
            more = {"device": device.name, "events": misdated}
            log.warning("events.clock", extra={**more, "why": "dated years off; see its clock"})


def _judged(items: Sequence[Item], received: datetime) -> _Batch:
    outcomes = [item[1] if isinstance(item, tuple) else filed(item, received) for item in items]
    return _Batch(received, outcomes)


async def _kept(connection: AsyncConnection, device: Asker, ids: "set[str]") -> Mapping[str, str]:
    """The bodies that these ids already have."""
    if not ids:
        return {}
    asked = select(EVENT.c.id, EVENT.c.body).where(
        EVENT.c.device == device.name, EVENT.c.id.in_(sorted(ids))
    )
    return {row.id: row.body for row in await connection.execute(asked)}


def _results(
    items: Sequence[Item], batch: _Batch, fresh: set[str], bodies: Mapping[str, str]
) -> list[EventResult]:
    results = []
    unsaid = set(fresh)
    for item, outcome in zip(items, batch.outcomes, strict=True):
        id_ = item[0] if isinstance(item, tuple) else item.id
        if isinstance(outcome, str):
            results.append(EventResult(id_, "rejected", outcome))
        elif id_ in unsaid:
            unsaid.discard(id_)
            results.append(EventResult(id_, "accepted"))
        else:
            same = outcome.body == bodies.get(id_, batch.first[id_].body)
            results.append(_again(id_, same=same))
    return results


def _again(id_: str, *, same: bool) -> EventResult:
    return EventResult(id_, "duplicate") if same else EventResult(id_, "rejected", ANOTHER)


def _row(device: Asker, one: Filed, received: datetime) -> dict[str, object]:
    return {
        "device": device.name,
        "id": one.event.id,
        "branch": device.branch,
        "at": stamp(one.at),
        "received": stamp(received),
        "kind": one.event.kind,
        "journal": one.event.journal,
        "seq": one.event.seq,
        "body": one.body,
    }


def _cell(device: Asker, count: Count, n: int) -> dict[str, object]:
    cell = {"branch": device.branch, "day": count.day, "hour": count.hour}
    return {**cell, "what": count.what, "n": n}
