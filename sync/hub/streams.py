"""Streams of lines to devices: gzip where they take it, a deadline over the whole, few at once.

A stream that cannot be finished is cut: the connection is reset, so that no device can take what it
has for the whole (and its last line, the trailer, is missing). Snapshots hold a view of the
database open, so there are SNAPSHOTS of them at most. A device that asks for a second one loses its
first: it was started anew, and what it has left behind must not hold a place.

Deliberately not here: what is in the lines (pulls), and who may ask (auth).
"""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from sync.hub.answering import cut
from sync.hub.problems import RETRY_SECONDS, Refused
from sync.hub_wire import NDJSON

SNAPSHOT_SECONDS: Final = 900.0
PAGE_SECONDS: Final = 60.0
STALL_SECONDS: Final = 30.0  # for one piece; a view of the database is not kept for a dead line
SNAPSHOTS: Final = 4
_PIECE: Final = 64 * 1024
_GZIP: Final = 31
_LEVEL: Final = 1

Opening = Callable[[], Awaitable[AsyncIterator[bytes]]]


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """In seconds; snapshots: at once, of all devices together."""

    snapshot: float = SNAPSHOT_SECONDS
    page: float = PAGE_SECONDS
    stall: float = STALL_SECONDS
    snapshots: int = SNAPSHOTS


class Streams:
    """Sends streams, and knows which are open so that it can end them."""

    def __init__(self, limits: StreamLimits | None = None) -> None:
        self._limits = limits or StreamLimits()
        self._snapshots: dict[str, asyncio.Timeout] = {}
        self._open: set[asyncio.Timeout] = set()

    async def page(self, request: web.Request, opening: Opening) -> web.StreamResponse:
        """A page of a stream with a cursor."""
        return await self._within(request, opening, asyncio.timeout(self._limits.page), "")

    async def whole(
        self, request: web.Request, opening: Opening, device: str
    ) -> web.StreamResponse:
        """All of a stream, in one view; Refused (503) when too many are under way."""
        others = [name for name in self._snapshots if name != device]
        if len(others) >= self._limits.snapshots:
            raise Refused(503, "too many snapshots at once", retry_after=RETRY_SECONDS)
        if (earlier := self._snapshots.get(device)) is not None:
            _end(earlier)
        return await self._within(request, opening, asyncio.timeout(self._limits.snapshot), device)

    @property
    def snapshots(self) -> int:
        """How many are under way."""
        return len(self._snapshots)

    def close(self) -> None:
        """Cut what is open."""
        for deadline in self._open:
            _end(deadline)

    async def _within(
        self, request: web.Request, opening: Opening, deadline: asyncio.Timeout, device: str
    ) -> web.StreamResponse:
        response = _response(request)
        try:
            async with deadline:
                with self._known(deadline, device):
                    chunks = await opening()
                    await self._send(request, response, chunks)
        except TimeoutError:
            if not response.prepared:
                raise Refused(503, "not ready in time", retry_after=RETRY_SECONDS) from None
            cut(request, "too slow, or no longer wanted")
        except Exception as error:
            if not response.prepared:
                raise
            cut(request, "", error)
        return response

    @contextlib.contextmanager
    def _known(self, deadline: asyncio.Timeout, device: str) -> Iterator[None]:
        self._open.add(deadline)
        if device:
            self._snapshots[device] = deadline
        try:
            yield
        finally:
            self._open.discard(deadline)
            if self._snapshots.get(device) is deadline:
                del self._snapshots[device]

    async def _send(
        self, request: web.Request, response: web.StreamResponse, chunks: AsyncIterator[bytes]
    ) -> None:
        pieces = _gathered(chunks)
        if hdrs.CONTENT_ENCODING in response.headers:
            pieces = _packed(pieces)
        async with contextlib.aclosing(pieces):
            await response.prepare(request)
            async for piece in pieces:
                async with asyncio.timeout(self._limits.stall):
                    await response.write(piece)
            async with asyncio.timeout(self._limits.stall):
                await response.write_eof()


def _end(deadline: asyncio.Timeout) -> None:
    with contextlib.suppress(RuntimeError):  # it is ending already
        deadline.reschedule(asyncio.get_running_loop().time())


def _response(request: web.Request) -> web.StreamResponse:
    headers = {hdrs.CONTENT_TYPE: NDJSON, hdrs.VARY: hdrs.ACCEPT_ENCODING}
    if takes_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return web.StreamResponse(headers=headers)


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding names gzip, and does not rule it out."""
    for part in accepted.lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        if name == "gzip":
            return not any(_is_zero(parameter) for parameter in parameters)
    return False


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and not value.strip().strip("0.")


async def _gathered(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in pieces that are worth a write; closes what it reads from."""
    waiting = bytearray()
    try:
        async for chunk in chunks:
            waiting += chunk
            if len(waiting) >= _PIECE:
                yield bytes(waiting)
                waiting.clear()
        if waiting:
            yield bytes(waiting)
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


async def _packed(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """As gzip, compressed in a thread."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            if made := await asyncio.to_thread(packer.compress, piece):
                yield made
    yield packer.flush()
