"""The body of a request: its type, its size while it arrives and while it is inflated.

A body of gzip is inflated piece by piece and cut at MAX_BODY, so that a small one cannot become a
large one in memory. Who sends slower than BODY_SECONDS in all is refused.

Deliberately not here: JSON (bounds).
"""

import asyncio
import zlib
from collections.abc import Callable
from typing import Final, TypeVar

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from sync.hub.problems import Refused
from sync.hub_wire import MAX_BODY

BODY_SECONDS: Final = 30.0
_PIECE: Final = 64 * 1024
_GZIP: Final = 31  # window bits: a gzip header is expected
_IN_THREAD: Final = 64 * 1024  # larger bodies are decoded off the loop
_T = TypeVar("_T")


async def body_as(
    request: web.Request, read: Callable[[bytes], _T], *, seconds: float = BODY_SECONDS
) -> _T:
    """What `read` makes of the body; Refused: 400, 408, 413, 415."""
    data = await body_of(request, seconds=seconds)
    if len(data) <= _IN_THREAD:
        return read(data)
    return await asyncio.to_thread(read, data)


async def body_of(request: web.Request, *, seconds: float = BODY_SECONDS) -> bytes:
    """The bytes that were sent, inflated; never more than MAX_BODY."""
    _check_type(request)
    packed = _is_packed(request)
    if request.content_length is not None and request.content_length > MAX_BODY:
        raise _too_large()
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, packed=packed)
    except TimeoutError:
        raise Refused(408, f"the body did not arrive within {seconds:.0f} s") from None
    except (HttpProcessingError, web.RequestPayloadError):
        raise Refused(400, "the body is not framed as its headers say") from None


async def _read(request: web.Request, *, packed: bool) -> bytes:
    inflating = Inflating() if packed else None
    taken = bytearray()
    received = 0
    async for piece in request.content.iter_chunked(_PIECE):
        received += len(piece)
        if inflating is not None:
            taken += inflating.feed(piece, MAX_BODY + 1 - len(taken))
        else:
            taken += piece
        if max(received, len(taken)) > MAX_BODY:
            raise _too_large()
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


def _too_large() -> Refused:
    return Refused(413, f"a body has at most {MAX_BODY} bytes, before and after gzip")
