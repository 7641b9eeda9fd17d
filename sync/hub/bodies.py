"""The body of a request: its type, its size while it arrives and while it is inflated.

A body of gzip is inflated piece by piece and cut at MAX_BODY, so that a small one cannot become a
large one in memory. Who sends slower than BODY_SECONDS in all is refused, and so is who comes when
the memory for bodies is given out. Without a token a body is a few lines, and not packed.

Deliberately not here: JSON (bounds), and how much memory there is (limits).
"""

import asyncio
import zlib
from collections.abc import Callable
from typing import Final, TypeVar

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from sync.hub.answering import DEVICE
from sync.hub.limits import Budget, Held
from sync.hub.problems import Refused
from sync.hub_wire import MAX_BODY

BODY_SECONDS: Final = 30.0
FEW_SECONDS: Final = 10.0  # for a body of FEW bytes
FEW: Final = 4096  # bytes from who has no token
_PIECE: Final = 64 * 1024
_GZIP: Final = 31  # window bits: a gzip header is expected
_IN_THREAD: Final = 64 * 1024  # larger bodies are decoded off the loop
_AT_ONCE: Final = 2  # of those: what comes of 4 MB of JSON may have many times their size
_INFLATING: Final = 64 * 1024  # bytes that inflating takes besides what comes of it
_T = TypeVar("_T")


class Bodies:
    """Reads bodies, of all requests of an application, within one budget."""

    def __init__(self, budget: Budget | None = None) -> None:
        self._budget = budget or Budget()
        self._decoding = asyncio.Semaphore(_AT_ONCE)

    async def read(
        self, request: web.Request, read: Callable[[bytes], _T], *, seconds: float = BODY_SECONDS
    ) -> _T:
        """What `read` makes of a device's body; Refused: 400, 408, 413, 415, 503."""
        with self._budget.holding(request.get(DEVICE, "")) as held:
            packed = _is_packed(request)
            data = await _within(request, held, seconds, MAX_BODY, packed=packed)
            if len(data) <= _IN_THREAD:
                return read(data)
            async with self._decoding:
                return await asyncio.to_thread(read, data)

    async def read_few(self, request: web.Request, read: Callable[[bytes], _T]) -> _T:
        """The same for whoever has no token yet: at most FEW bytes, and no gzip."""
        with self._budget.holding("") as held:
            if _is_packed(request):
                raise Refused(415, "no Content-Encoding here")
            return read(await _within(request, held, FEW_SECONDS, FEW, packed=False))


async def _within(
    request: web.Request, held: Held, seconds: float, most: int, *, packed: bool
) -> bytes:
    """The bytes that were sent, inflated; never more than `most`."""
    _check_type(request)
    if request.content_length is not None and request.content_length > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(seconds):
            return await _pieces(request, held, most, packed=packed)
    except TimeoutError:
        raise Refused(408, f"the body did not arrive within {seconds:.0f} s") from None
    except (HttpProcessingError, web.RequestPayloadError):
        raise Refused(400, "the body is not framed as its headers say") from None


async def _pieces(request: web.Request, held: Held, most: int, *, packed: bool) -> bytes:
    inflating = Inflating() if packed else None
    held.grow(_INFLATING if packed else 0)
    taken = bytearray()
    received = 0
    async for piece in request.content.iter_chunked(_PIECE):
        received += len(piece)
        made = piece if inflating is None else inflating.feed(piece, most + 1 - len(taken))
        if max(received, len(taken) + len(made)) > most:
            raise _too_large(most)
        held.grow(len(made))
        taken += made
    if inflating is not None and not inflating.complete:
        raise Refused(400, "the gzip ends too early")
    return bytes(taken)


class Inflating:
    """One gzip member, inflated no further than asked. Refused (400) when it is none."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)

    def feed(self, piece: bytes, most: int) -> bytes:
        """What comes of it, at most `most` bytes; what is behind that is never made."""
        try:
            made = self._stream.decompress(piece, max(1, most))
        except zlib.error:
            raise Refused(400, "the body is not gzip, although its headers say so") from None
        if self._stream.unused_data:
            raise Refused(400, "something stands behind the gzip")
        return made

    @property
    def complete(self) -> bool:
        """Its end was there and its checksum is right."""
        return self._stream.eof


def _check_type(request: web.Request) -> None:
    if hdrs.CONTENT_TYPE not in request.headers or request.content_type != "application/json":
        raise Refused(415, "send Content-Type: application/json")
    if (request.charset or "utf-8").lower() not in {"utf-8", "utf8"}:
        raise Refused(415, "send UTF-8")


def _is_packed(request: web.Request) -> bool:
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if coding not in {"identity", "gzip"}:
        raise Refused(415, "Content-Encoding: gzip, or none")
    return coding == "gzip"


def _too_large(most: int) -> Refused:
    return Refused(413, f"a body has at most {most} bytes here, before and after gzip")
