"""Around every request: problems instead of exceptions, a time for sending, one log line, counts.

The line has method, path as the interface names it, status, milliseconds and device: no query, no
body, no token, and of a path that is not ours nothing.

Deliberately not here: which problem (problems), and the format of log lines.
"""

import asyncio
import logging
import socket
import struct
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from kioskd.errors import KioskError
from sync.hub.counts import Counts
from sync.hub.problems import Refused, of_http, refusal_of, respond

SEND_SECONDS: Final = 30.0  # for an answer that is no stream
SERVER: Final = "kioskd-hub"
DEVICE: Final = web.RequestKey("device", str)
_RESET: Final = struct.pack("ii", 1, 0)  # linger: on, for no time
_METHODS: Final = frozenset(hdrs.METH_ALL)
_QUIET: Final = frozenset({"/healthz", "/metrics"})
_log = logging.getLogger("kioskd.hub")


@dataclass(frozen=True, slots=True)
class _Seen:
    method: str
    path: str


def answering(counts: Counts, send_seconds: float = SEND_SECONDS) -> Middleware:
    """The outermost middleware."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        started = loop.time()
        seen = _seen(request)
        status = 499  # who asked went away before there was an answer
        try:
            response = await _answered(request, handler, seen)
            status = response.status
            await _sent(request, response, send_seconds)
        finally:
            seconds = loop.time() - started
            counts.add(seen.path, status, seconds)
            _tell(request, seen, status, seconds)
        return response

    return answer


def cut(request: web.Request, why: str, error: Exception | None = None) -> None:
    """Reset the connection of an answer that cannot be finished; a device sees that it is torn."""
    if error is not None and not isinstance(error, ConnectionError):
        _unforeseen(request, error, _seen(request))
    elif why:
        told = {"path": _seen(request).path, "device": _device(request), "why": why}
        _log.info("answer cut", extra=told)
    transport = request.transport
    if transport is not None:
        plug = transport.get_extra_info("socket")
        if plug is not None:  # no orderly end, which HTTP/1.0 takes for the end of the body
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()


async def prepared(request: web.Request, response: web.StreamResponse) -> None:
    """on_response_prepare: headers of every answer."""
    response.headers[hdrs.SERVER] = SERVER
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"


async def _answered(request: web.Request, handler: Handler, seen: _Seen) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return of_http(error)
    except ConnectionError:
        raise
    except Exception as error:
        refused = refusal_of(error)
        if not isinstance(error, Refused) and refused.status >= 500:
            _unforeseen(request, error, seen)
        return respond(refused)


async def _sent(request: web.Request, response: web.StreamResponse, seconds: float) -> None:
    """Send it here rather than behind us, so that nobody holds a connection by reading slowly."""
    if response.prepared:
        return
    try:
        async with asyncio.timeout(seconds):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        cut(request, "reads too slowly")


def _unforeseen(request: web.Request, error: Exception, seen: _Seen) -> None:
    extra = {"path": seen.path, "device": _device(request)}
    if isinstance(error, KioskError):
        _log.warning("request failed", extra={**extra, "why": str(error)})
    else:
        _log.error("request failed", extra=extra, exc_info=error)


def _seen(request: web.Request) -> _Seen:
    method = request.method if request.method in _METHODS else "OTHER"
    resource = request.match_info.route.resource
    return _Seen(method, resource.canonical if resource is not None else "-")


def _device(request: web.Request) -> str:
    name: str = request.get(DEVICE, "-")
    return name


def _tell(request: web.Request, seen: _Seen, status: int, seconds: float) -> None:
    quiet = seen.path in _QUIET and status < 400
    _log.log(
        logging.DEBUG if quiet else logging.INFO,
        "request",
        extra={
            "method": seen.method,
            "path": seen.path,
            "status": status,
            "ms": round(seconds * 1000),
            "device": _device(request),
        },
    )
