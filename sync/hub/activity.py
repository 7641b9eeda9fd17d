"""Days on which a card was used, on their way to the register: a patron who only visits is alive.

Idempotent by (ref, day); no hour, no branch, no device is kept with it, because the register
needs none and together they would be a log of movements.

    async for card, day in activities.owed("esi", keys, before): print(card, day)
    await activities.forget(before, "esi")      # what came in meanwhile has a later time

Deliberately not here: how the register is told.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, tuple_

from kioskd.domain.moment import stamp
from sync.hub.database import Database
from sync.hub.devices import Asker
from sync.hub.inserts import insert_into
from sync.hub.model import HubConfig
from sync.hub.schema import ACTIVITY, PATRON
from sync.hub.sealing import HubKeys
from sync.hub_wire import MAX_EVENTS, Activity, EventResult

OLDEST: Final = timedelta(days=60)  # a device keeps what it owes for 45
AHEAD: Final = timedelta(days=1)  # a clock a little fast at midnight
KEPT: Final = timedelta(days=400)  # where nobody ever fetches them
_MAX_REF: Final = 64
_PAGE: Final = 500

_Key = tuple[str, str]


class Activities:
    """Takes days of use, and gives them to who tells the register."""

    def __init__(self, database: Database, config: HubConfig, now: Callable[[], datetime]) -> None:
        self._database = database
        self._config = config
        self._zone = ZoneInfo(config.timezone)
        self._now = now

    async def take(self, device: Asker, items: Sequence[Activity]) -> list[EventResult]:
        """What became of each, in their order; the id of a result is its place, from 0."""
        results: list[EventResult] = []
        for start in range(0, len(items), MAX_EVENTS):
            some = items[start : start + MAX_EVENTS]
            taken = await self._take(device, some)
            results += [_numbered(start + n, outcome) for n, outcome in enumerate(taken)]
        return results

    async def owed(
        self, feed: str, keys: HubKeys, before: datetime
    ) -> AsyncIterator[tuple[str, date]]:
        """Card and day, oldest day first, of a feed's patrons; of those received before then.

        One line a patron and day, under one of the patron's live cards. VaultError: wrong key.
        """
        last: _Key = ("", "")
        while rows := await self._page(feed, before, last):
            for card, day in await asyncio.to_thread(_opened, rows, keys, feed):
                yield card, day
            last = (rows[-1].day, rows[-1].ref)

    async def forget(self, before: datetime, feed: str | None = None) -> int:
        """Drop what was received before then, of a feed's patrons or of all; how many."""
        over = ACTIVITY.c.received < stamp(before)
        if feed is not None:
            over &= ACTIVITY.c.ref.in_(select(PATRON.c.ref).where(PATRON.c.feed == feed))
        async with self._database.writing() as connection:
            gone = await connection.execute(delete(ACTIVITY).where(over))
            return gone.rowcount

    async def _take(self, device: Asker, items: Sequence[Activity]) -> list[str]:
        """Of each: accepted, duplicate, or the reason of its rejection."""
        now = self._now()
        today = now.astimezone(self._zone).date()
        faults = [_fault(item, today) for item in items]
        refs = {item.ref for item, fault in zip(items, faults, strict=True) if not fault}
        if not refs:
            return faults
        known = await self._known(device, refs)
        keys = [
            None if fault or item.ref not in known else (item.ref, item.date.isoformat())
            for item, fault in zip(items, faults, strict=True)
        ]
        fresh = await self._insert({key for key in keys if key is not None}, now)
        outcomes = []
        for key, fault in zip(keys, faults, strict=True):
            outcomes.append(_outcome(key, fault, fresh))
            fresh.discard(key or ("", ""))
        return outcomes

    async def _known(self, device: Asker, refs: Collection[str]) -> set[str]:
        """Those that are of a patron who may come to this device's branch."""
        branch = self._config.branch(device.branch)
        if branch is None:
            return set()
        asked = (
            select(PATRON.c.ref)
            .where(PATRON.c.ref.in_(sorted(refs)), PATRON.c.feed.in_(branch.feeds))
            .where(PATRON.c.deleted.is_(False))
        )
        async with self._database.reading() as connection:
            return set((await connection.execute(asked)).scalars())

    async def _insert(self, keys: Collection[_Key], now: datetime) -> set[_Key]:
        if not keys:
            return set()
        received = stamp(now)
        rows = [{"ref": ref, "day": day, "received": received} for ref, day in sorted(keys)]
        put = insert_into(self._database, ACTIVITY).on_conflict_do_nothing()
        returning = put.returning(ACTIVITY.c.ref, ACTIVITY.c.day)
        async with self._database.writing() as connection:
            return {(row.ref, row.day) for row in await connection.execute(returning, rows)}

    async def _page(self, feed: str, before: datetime, last: _Key) -> Sequence[Any]:
        place = (ACTIVITY.c.day, ACTIVITY.c.ref)
        due = (
            select(*place)
            .where(tuple_(*place) > tuple_(*last), ACTIVITY.c.received < stamp(before))
            .where(ACTIVITY.c.ref.in_(select(PATRON.c.ref).where(_live(feed))))
            .order_by(*place)
            .limit(_PAGE)
            .subquery()
        )
        asked = (
            select(due.c.day, due.c.ref, PATRON.c.card, PATRON.c.sealed)
            .join(PATRON, PATRON.c.ref == due.c.ref)
            .where(_live(feed))
            .order_by(due.c.day, due.c.ref, PATRON.c.card)
        )
        async with self._database.reading() as connection:
            return (await connection.execute(asked)).all()


def _live(feed: str) -> Any:
    return (PATRON.c.feed == feed) & PATRON.c.deleted.is_(False)


def _opened(rows: Sequence[Any], keys: HubKeys, feed: str) -> list[tuple[str, date]]:
    # A patron with two cards is one patron: the first card of each (day, ref) is enough.
    first = {(row.day, row.ref): row for row in reversed(rows)}
    return [
        (keys.open_person(feed, row.card, row.sealed).card, date.fromisoformat(row.day))
        for row in reversed(first.values())
    ]


def _fault(item: Activity, today: date) -> str:
    if not 0 < len(item.ref) <= _MAX_REF or not item.ref.isprintable():
        return "ref: none that the hub gave"
    if item.date > today + AHEAD:
        return "date: in the future; see the clock of the device"
    if item.date < today - OLDEST:
        return f"date: more than {OLDEST.days} days ago"
    return ""


def _outcome(key: _Key | None, fault: str, fresh: Collection[_Key]) -> str:
    if key is None:
        return fault or "ref: of no patron of this branch's registers"
    return "accepted" if key in fresh else "duplicate"


def _numbered(place: int, outcome: str) -> EventResult:
    if outcome == "accepted":
        return EventResult(str(place), "accepted")
    if outcome == "duplicate":
        return EventResult(str(place), "duplicate")
    return EventResult(str(place), "rejected", outcome)
