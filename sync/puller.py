"""Pulls: what the hub knows comes into the cache, whole or not at all.

    pulled = await puller.turn()

A turn asks for restrictions until there are no more, then for credentials; each page is verified
whole before the cache sees any of it, and its cursor is committed with it. Without positions, or
when the hub cannot go on from them (another generation, a cursor that is gone, a digest that
failed twice), a snapshot is taken: the present restrictions go into the old cache first, because
a block must not wait for a million rows.

Forced snapshots are bounded: two hubs on different databases behind one name would otherwise have
every device take one a turn.

Deliberately not here: when to pull and when to try again (sync.line), and what is in a line.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, Protocol

import msgspec

from kioskd.ports import Clock
from sync.hub_client import Page
from sync.hub_faults import CursorGone, HubFault, RequestRefused, StreamDamaged, Why
from sync.hub_wire import DEFAULT_PAGE, Trailer
from sync.line_ports import Applied, Held, LineCache, SnapshotSink
from sync.line_report import Pulled

FORCED_MOST: Final = 3
FORCED_SECONDS: Final = 600.0
# A list of blocks that cannot be had must not keep the snapshot away; a hub that is away may.
_NO_REASON_TO_WAIT: Final = frozenset({Why.ANSWER, Why.DAMAGED, Why.GONE, Why.REQUEST})
MAX_PAGES: Final = 5_000  # of one stream in one turn; more is a hub that never ends


class PullsFrom(Protocol):
    """The hub as a puller calls it; sync.hub_client."""

    async def restrictions(self, cursor: str = "", limit: int = DEFAULT_PAGE) -> Page: ...
    async def credentials(self, cursor: str, limit: int = DEFAULT_PAGE) -> Page: ...
    async def snapshot(self, write: Callable[[bytes], Awaitable[None]]) -> Trailer: ...


Ask = Callable[[str, int], Awaitable[Page]]
Put = Callable[[list[bytes], Trailer], Awaitable[Applied]]


class Puller:
    """Brings the cache up to date, one turn at a time. Never two turns at once."""

    def __init__(
        self, hub: PullsFrom, cache: LineCache, clock: Clock, page: int = DEFAULT_PAGE
    ) -> None:
        self._hub = hub
        self._cache = cache
        self._clock = clock
        self._page = page
        self._forced: deque[float] = deque(maxlen=FORCED_MOST)

    async def turn(self) -> Pulled:
        """One complete pull. HubFault or StoreError; what was committed until then stays.

        InputError: the cache refused a snapshot, because nothing would be left of it.
        """
        begun = self._clock.monotonic()
        held = await self._cache.held()
        if held.generation and held.credentials:
            pulled = await self._from(held)
        else:
            pulled = await self._snapshot(held)
        return replace(pulled, seconds=self._clock.monotonic() - begun)

    async def _from(self, held: Held) -> Pulled:
        try:
            return await self._changes(held)
        except (CursorGone, RequestRefused, StreamDamaged) as fault:
            self._allow_forced(fault)
            # Lines that are damaged say nothing about the position.
            if not isinstance(fault, StreamDamaged):
                await self._cache.drop_positions()
            return replace(await self._snapshot(held), forced=str(fault))

    async def _changes(self, held: Held) -> Pulled:
        restrictions, credentials = self._hub.restrictions, self._hub.credentials
        # A snapshot's cursor is good for both: what was restricted by then is in it.
        since = held.restrictions or held.credentials
        first = _Stream(restrictions, self._cache.restrict, since, held.generation)
        second = _Stream(credentials, self._cache.apply, held.credentials, held.generation)
        first.kept = held.restrictions
        restricted = await first.drain(self._page)
        pulled, trailer = await second.drain(self._page), second.trailer
        if trailer is not None:
            # Only now is the cache as new as the hub, whatever the pages before this had in them.
            await self._cache.touch(trailer)
        return _sum(restricted, pulled, held.generation)

    async def _snapshot(self, held: Held) -> Pulled:
        restricted = await self._blocks_first() if held.count else Pulled()
        try:
            pulled = await self._whole()
        except StreamDamaged:
            pulled = await self._whole()
        return _sum(restricted, pulled, pulled.generation)

    async def _blocks_first(self) -> Pulled:
        stream = _Stream(self._hub.restrictions, self._cache.restrict, "", "")
        try:
            return await stream.drain(self._page)
        except HubFault as fault:
            if fault.why not in _NO_REASON_TO_WAIT:
                raise
            return Pulled(pages=stream.pages)  # the snapshot has them too, only later

    async def _whole(self) -> Pulled:
        into = _Sink(self._cache)
        try:
            trailer = await self._hub.snapshot(into.write)
            await into.write(msgspec.json.encode(trailer) + b"\n")
            applied = await into.finish()
        except BaseException:
            await into.abandon()
            raise
        return Pulled(
            snapshot=True,
            pages=1,
            put=applied.put,
            removed=applied.removed,
            bad=applied.bad,
            generation=trailer.generation,
        )

    def _allow_forced(self, fault: HubFault) -> None:
        now = self._clock.monotonic()
        if len(self._forced) == FORCED_MOST and now - self._forced[0] < FORCED_SECONDS:
            raise HubFault(
                Why.GONE,
                f"{fault}; {FORCED_MOST} snapshots in {FORCED_SECONDS / 60:.0f} minutes did not "
                "mend it: do several hubs with different databases answer to this name?",
            ) from fault
        self._forced.append(now)


class _Sink:
    """The cache's sink, not started before the hub has sent something."""

    def __init__(self, cache: LineCache) -> None:
        self._cache = cache
        self._sink: SnapshotSink | None = None

    async def write(self, data: bytes) -> None:
        self._sink = self._sink or await self._cache.snapshot()
        await self._sink.write(data)

    async def finish(self) -> Applied:
        assert self._sink is not None  # noqa: S101
        return await self._sink.finish()

    async def abandon(self) -> None:
        if self._sink is not None:
            await self._sink.abandon()


class _Stream:
    """One stream with a cursor, page after page, into the cache."""

    def __init__(self, ask: Ask, put: Put, cursor: str, generation: str) -> None:
        self._ask = ask
        self._put = put
        self._cursor = cursor
        self._generation = generation
        self.kept = cursor  # in the cache by now
        self.pages = 0
        self.trailer: Trailer | None = None

    async def drain(self, limit: int) -> Pulled:
        """All pages that there are; each is in the cache before the next is asked for."""
        lines = put = removed = bad = 0
        while self.trailer is None or self.trailer.more:
            page = await self._verified(limit)
            if page.lines or page.trailer.cursor != self.kept:
                applied = await self._put(page.lines, page.trailer)
                put, removed, bad = put + applied.put, removed + applied.removed, bad + applied.bad
            lines += len(page.lines)
            self._go_on(page.trailer)
        return Pulled(pages=self.pages, put=put, removed=removed, bad=bad, restricted=lines)

    async def _verified(self, limit: int) -> Page:
        try:
            page = await self._ask(self._cursor, limit)
        except StreamDamaged:
            page = await self._ask(self._cursor, limit)
        self._generation = self._generation or page.trailer.generation
        if page.trailer.generation != self._generation:
            raise CursorGone("the hub's credentials are of another generation")
        return page

    def _go_on(self, trailer: Trailer) -> None:
        self.pages += 1
        stands = trailer.more and trailer.cursor == self._cursor
        if stands or self.pages >= MAX_PAGES:
            raise HubFault(Why.ANSWER, "the hub says that there is more and does not get on")
        self._cursor = self.kept = trailer.cursor
        self.trailer = trailer


def _sum(restricted: Pulled, pulled: Pulled, generation: str) -> Pulled:
    return Pulled(
        snapshot=pulled.snapshot,
        pages=restricted.pages + pulled.pages,
        put=restricted.put + pulled.put,
        removed=restricted.removed + pulled.removed,
        bad=restricted.bad + pulled.bad,
        restricted=restricted.restricted,
        generation=generation,
    )
