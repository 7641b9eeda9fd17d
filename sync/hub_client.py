"""The hub's API as a device calls it. Every call ends within its time or raises a HubFault.

    async with HubClient(HubAddress(url, token, ca_file), clock) as hub:
        page = await hub.credentials(cursor)         # verified whole
        await hub.snapshot(sink.write)               # verified at its end

What comes back is bounded, of the right kind and decoded by the contract (sync.hub_wire); keys
that this version does not know are ignored. Nothing that is sent is ever in a message.

Deliberately not here: when to call, when to try again, and what is done with an answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec

from kioskd.ports import Clock
from sync.hub_address import HubAddress
from sync.hub_faults import bad_answer
from sync.hub_hints import Heard, HintLines
from sync.hub_lines import TrustedLines, lines_of
from sync.hub_transport import Ask, Transport
from sync.hub_wire import (
    DEFAULT_PAGE,
    MAX_PAGE,
    NDJSON,
    Activity,
    Event,
    EventResult,
    EventResults,
    Heartbeat,
    HeartbeatAnswer,
    Join,
    Joined,
    SignedConfig,
    Trailer,
    Verdict,
    Verify,
)

EVENT_STREAM: Final = "text/event-stream"
_SMALL: Final = 256 * 1024  # bytes of an answer that has no list in it
_RESULTS: Final = 1024 * 1024  # bytes of a thousand results
_CONFIG: Final = 4 * 1024 * 1024
_PAGE: Final = 32 * 1024 * 1024
_SNAPSHOT: Final = 4 * 1024**3
_FOREVER: Final = 1 << 62
_IN_A_THREAD: Final = 64 * 1024  # bytes; a longer JSON body is read beside the loop
_SPLIT_BESIDE: Final = 4 * 1024 * 1024
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds for the whole of a call, dripping servers included."""

    call: float = 15.0
    page: float = 60.0
    push: float = 60.0
    snapshot: float = 900.0


@dataclass(frozen=True, slots=True)
class Page:
    """Verified lines without their line feeds, and what to ask with next."""

    lines: list[bytes]
    trailer: Trailer


class HubClient:
    """A device's calls to its hub. Use as an async context; safe for several tasks."""

    def __init__(
        self, address: HubAddress, clock: Clock, deadlines: Deadlines | None = None
    ) -> None:
        self._http = Transport(address)
        self._clock = clock
        self._within = deadlines or Deadlines()

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    @property
    def host(self) -> str:
        """Host and port of the hub, as messages name it."""
        return self._http.address.host

    @property
    def local_address(self) -> str:
        """The address of this device that the hub's side sees first; empty before a call."""
        return self._http.link.local

    @property
    def certificate_days(self) -> int | None:
        """Whole days that the hub's certificate is good for; None before a call and without TLS."""
        expires = self._http.link.expires
        return None if expires is None else (expires - self._clock.moment().wall).days

    async def restrictions(self, cursor: str = "", limit: int = DEFAULT_PAGE) -> Page:
        """A page of the restrictions that changed; without a cursor all that there are, at once.

        HubFault of Why.ANSWER where that is more than this device would hold in its memory.
        """
        return await self._page("/v1/restrictions", cursor, limit)

    async def credentials(self, cursor: str, limit: int = DEFAULT_PAGE) -> Page:
        """A page of the credentials that changed after this cursor."""
        return await self._page("/v1/credentials", cursor, limit)

    async def snapshot(self, write: Callable[[bytes], Awaitable[None]]) -> Trailer:
        """All credentials, given to `write` in blocks of whole lines as they come.

        They are good once this returns; the trailer is not among them.
        """
        ask = Ask("GET", "/v1/credentials", self._within.snapshot, NDJSON)
        return await self._stream(ask, _SNAPSHOT, write)

    async def events(self, events: Sequence[Event]) -> list[EventResult]:
        """What became of these events, as the hub says it; not compared with what was asked."""
        return await self._push("/v1/events", events)

    async def activity(self, activities: Sequence[Activity]) -> list[EventResult]:
        """What became of these days of use; not compared with what was asked."""
        return await self._push("/v1/activity", activities)

    async def heartbeat(self, beat: Heartbeat) -> HeartbeatAnswer:
        """Tell how this device is; what the hub wants of it."""
        return await self._call("/v1/heartbeat", beat, HeartbeatAnswer)

    async def config(self) -> SignedConfig:
        """The published configuration as it came: its signature is not checked here."""
        ask = Ask("GET", "/v1/config", self._within.call)
        return await self._answered(ask, _CONFIG, SignedConfig)

    async def verify(self, card: str, pin: str, within: float) -> Verdict:
        """Whether this is the PIN of this card. Sent once only: a wrong one counts."""
        return await self._call("/v1/verify", Verify(card, pin), Verdict, within, again=False)

    async def join(self, code: str) -> Joined:
        """A token in exchange for a one-time code. Sent once only: the code is used up."""
        return await self._call("/v1/join", Join(code), Joined, again=False)

    async def reach(self) -> None:
        """Whether a hub answers at this address; for `doctor`."""
        async with self._http.answer(Ask("GET", "/healthz", self._within.call)) as answer:
            await answer.whole(_SMALL)

    async def changes(self, last_id: str, heard: Callable[[Heard], None]) -> None:
        """Listen until the stream ends, telling each hint and each sign of life."""
        headers = {"Last-Event-ID": last_id, "Cache-Control": "no-store"} if last_id else None
        within, lines = self._within.call, HintLines()
        ask = Ask("GET", "/v1/changes", within, EVENT_STREAM, headers=headers, endless=True)
        async with self._http.answer(ask) as answer:
            heard(Heard("open"))
            async for piece in answer.pieces(_FOREVER):
                for hint in lines.feed(piece):
                    heard(hint)

    async def _page(self, path: str, cursor: str, limit: int) -> Page:
        most = min(max(limit, 1), MAX_PAGE)
        params = {"limit": str(most)} | ({"cursor": cursor} if cursor else {})
        # Without a cursor all comes at once, and a hub may take its time to look for it.
        within = self._within.page if cursor else self._within.snapshot
        blocks: list[bytes] = []

        async def keep(block: bytes) -> None:
            blocks.append(block)

        trailer = await self._stream(Ask("GET", path, within, NDJSON, params=params), _PAGE, keep)
        if cursor and trailer.count > most:
            raise bad_answer(f"{self.host}: sent more lines than were asked for")
        return Page(await _split(blocks), trailer)

    async def _stream(
        self, ask: Ask, most: int, write: Callable[[bytes], Awaitable[None]]
    ) -> Trailer:
        lines = TrustedLines()
        async with self._http.answer(ask) as answer:
            async for piece in answer.pieces(most):
                block = lines.feed(piece)
                if block:
                    await write(block)
        return lines.finish()

    async def _push(self, path: str, items: Sequence[msgspec.Struct]) -> list[EventResult]:
        ask = Ask("POST", path, self._within.push, body=msgspec.json.encode(items))
        return (await self._answered(ask, _RESULTS, EventResults)).results

    async def _call(
        self,
        path: str,
        body: msgspec.Struct,
        kind: type[T],
        within: float | None = None,
        *,
        again: bool = True,
    ) -> T:
        seconds = self._within.call if within is None else within
        ask = Ask("POST", path, seconds, body=msgspec.json.encode(body), again=again)
        return await self._answered(ask, _SMALL, kind)

    async def _answered(self, ask: Ask, most: int, kind: type[T]) -> T:
        async with self._http.answer(ask) as answer:
            body = await answer.whole(most)
        try:
            if len(body) > _IN_A_THREAD:
                return await asyncio.to_thread(msgspec.json.decode, body, type=kind)
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise bad_answer(
                f"{self.host}: the answer of {ask.path} is not what a hub of this version says"
            ) from None


async def _split(blocks: list[bytes]) -> list[bytes]:
    data = b"".join(blocks)
    if len(data) > _SPLIT_BESIDE:
        return await asyncio.to_thread(lines_of, data)
    return lines_of(data)
