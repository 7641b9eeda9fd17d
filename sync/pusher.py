"""Pushes: what is owed to the hub leaves in its order, at least once, and is settled row by row.

    pushed = await pusher.turn()

accepted, duplicate: delivered. rejected: dead, with the hub's reason; it is kept and shown. An
answer that does not name exactly the rows that were sent, in their order, settles none of them.

Where the hub refuses a batch as such, it is halved until the row that it cannot take stands alone;
that row is dead. A hub that refuses everything is another matter: after a few rows in a row the
last of the batch is tried, and unless that one is taken nothing more is given up.

Deliberately not here: when to push (sync.line), and what an event may say (the outbox).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Generic, Protocol, TypeVar

from sync.hub_faults import HubFault, RequestRefused, Why, bad_answer, cleaned
from sync.hub_wire import MAX_EVENTS, Activity, Event, EventResult
from sync.line_ports import Outbox, OwedActivity
from sync.line_report import Pushed

GIVEN_UP_MOST: Final = 3  # rows in a row, before it is the hub that is in doubt
T = TypeVar("T")


class PushesTo(Protocol):
    """The hub as a pusher calls it; sync.hub_client."""

    async def events(self, events: Sequence[Event]) -> list[EventResult]: ...
    async def activity(self, activities: Sequence[Activity]) -> list[EventResult]: ...


@dataclass(frozen=True, slots=True)
class Settled(Generic[T]):
    """Rows that are done with, in their order, and why some of them are dead."""

    rows: Sequence[T]
    dead: tuple[tuple[T, str], ...] = ()


class Pusher:
    """Empties the outbox, a batch a turn. Never two turns at once."""

    def __init__(self, hub: PushesTo, outbox: Outbox, batch: int = MAX_EVENTS) -> None:
        self._hub = hub
        self._outbox = outbox
        self._batch = batch
        self._events = Halving(self._send_events, self._delivered)
        self._activities = Halving(self._send_activities, self._told)
        self._pushed = Pushed()

    async def turn(self) -> Pushed:
        """The oldest events and activities. HubFault or StoreError; what was settled stays so."""
        self._pushed = Pushed()
        oldest = await self._outbox.events(self._batch)
        events = of_one_journal(oldest)
        await self._events.settle(events)
        activities = await self._outbox.activities(self._batch)
        await self._activities.settle(activities)
        full = max(len(oldest), len(activities)) >= self._batch
        return replace(self._pushed, more=full or len(events) < len(oldest))

    async def _send_events(self, events: Sequence[Event]) -> Settled[Event]:
        results = await self._hub.events(events)
        return matched(events, [event.id for event in events], results)

    async def _delivered(self, settled: Settled[Event]) -> None:
        dead = [(event.seq, reason) for event, reason in settled.dead]
        await self._outbox.delivered(settled.rows[-1].seq, dead)
        done, taken = self._pushed, len(settled.rows) - len(dead)
        self._pushed = replace(done, delivered=done.delivered + taken, dead=done.dead + len(dead))

    async def _send_activities(self, owed: Sequence[OwedActivity]) -> Settled[OwedActivity]:
        told = [Activity(row.ref, date.fromisoformat(row.date)) for row in owed]
        results = await self._hub.activity(told)
        return matched(owed, [str(place) for place in range(len(owed))], results)

    async def _told(self, settled: Settled[OwedActivity]) -> None:
        await self._outbox.told([row.key for row in settled.rows])
        done, strange = self._pushed, len(settled.dead)
        taken = done.activities + len(settled.rows) - strange
        self._pushed = replace(done, activities=taken, strange=done.strange + strange)


class Halving(Generic[T]):
    """Sends rows, smaller batches where the hub refuses one, and settles them in their order."""

    def __init__(
        self,
        send: Callable[[Sequence[T]], Awaitable[Settled[T]]],
        keep: Callable[[Settled[T]], Awaitable[None]],
    ) -> None:
        self._send = send
        self._keep = keep
        self._given_up = 0  # rows in a row, over the turns, since the hub took one

    async def settle(self, rows: Sequence[T]) -> None:
        """All of these, or as far as it went when this raises."""
        waiting = [rows] if rows else []
        while waiting:
            batch = waiting.pop()
            try:
                settled = await self._send(batch)
            except RequestRefused as fault:
                if len(batch) > 1:
                    half = len(batch) // 2
                    waiting += [batch[half:], batch[:half]]
                    continue
                settled = await self._give_up(batch, rows[-1], fault)
            else:
                self._given_up = 0
            await self._keep(settled)

    async def _give_up(self, row: Sequence[T], last: T, fault: RequestRefused) -> Settled[T]:
        if self._given_up >= GIVEN_UP_MOST:
            await self._doubt(row, last, fault)
        self._given_up += 1
        return Settled(row, ((row[0], cleaned(str(fault))),))

    async def _doubt(self, row: Sequence[T], last: T, fault: RequestRefused) -> None:
        # Sent out of its order and not settled: it comes again in its turn, as a duplicate.
        try:
            if row[0] is last:
                raise fault
            await self._send([last])
        except RequestRefused:
            raise HubFault(
                Why.REQUEST,
                f"{fault}; it refuses whatever is sent: are device and hub of versions that fit?",
            ) from None
        self._given_up = 0


def matched(rows: Sequence[T], ids: Sequence[str], results: Sequence[EventResult]) -> Settled[T]:
    """What became of these rows; HubFault unless the answer is about exactly them."""
    if [result.id for result in results] != list(ids):
        raise bad_answer("the hub's answer is about other rows than were sent; none is settled")
    dead = tuple(
        (row, cleaned(result.reason or "rejected by the hub"))
        for row, result in zip(rows, results, strict=True)
        if result.status == "rejected"
    )
    return Settled(rows, dead)


def of_one_journal(events: Sequence[Event]) -> Sequence[Event]:
    """The events up to the first of another journal: a number means nothing across two."""
    for place, event in enumerate(events):
        if event.journal != events[0].journal:
            return events[:place]
    return events
