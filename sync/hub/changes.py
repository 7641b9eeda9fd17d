"""GET /v1/changes: server-sent events that say that there is something, for as long as it is asked.

    id: <position>          as a device that has everything would ask with
    event: change           also command, config
    data: {}

A stream begins with a change when Last-Event-ID is not the present position (or is missing), and
with a command when one waits. A comment keeps it alive. It ends when the device is revoked, reads
too slowly, or the hub shuts down.

Deliberately not here: when something changed (hints, signs).
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from sync.hub.answering import cut
from sync.hub.auth import Asker, Door
from sync.hub.hints import Hints, Subscription
from sync.hub.problems import Refused, refusal_of
from sync.hub.signs import Hint
from sync.hub_wire import KEEPALIVE_SECONDS

EVENT_STREAM: Final = "text/event-stream"
GAP_SECONDS: Final = 0.5  # between two hints of a stream: an import commits many times a second
WRITE_SECONDS: Final = 10.0
_MARGIN_SECONDS: Final = 1.0  # a comment comes at least every KEEPALIVE_SECONDS
_RETRY_MS: Final = 3000
_TOLD: Final = (Hint.CHANGE, Hint.COMMAND, Hint.CONFIG)  # in this order


@dataclass(frozen=True, slots=True)
class Pace:
    """Of a stream, in seconds. alive: between comments."""

    alive: float = KEEPALIVE_SECONDS - _MARGIN_SECONDS
    gap: float = GAP_SECONDS
    write: float = WRITE_SECONDS


class Changes:
    """The streams of hints."""

    def __init__(self, hints: Hints, door: Door, pace: Pace | None = None) -> None:
        self._hints = hints
        self._door = door
        self._pace = pace or Pace()

    async def stream(self, request: web.Request, asker: Asker) -> web.StreamResponse:
        """One stream, until it ends."""
        with self._hints.subscribed(asker.device.name, asker.branch.code) as told:
            # Only after this could a revocation be missed: ask once more.
            if not await self._door.still(asker):
                raise Refused(401, "this token was revoked")
            first = await self._first(request, asker)
            response = web.StreamResponse(headers=_HEADERS)
            try:
                async with asyncio.timeout(self._pace.write):
                    await response.prepare(request)
                    await response.write(f": kioskd-hub\nretry: {_RETRY_MS}\n\n".encode())
                await self._go_on(response, asker, told, first)
            except TimeoutError:
                cut(request, "reads too slowly")
            except Exception as error:
                cut(request, "", None if refusal_of(error).status == 503 else error)
            return response

    async def _first(self, request: web.Request, asker: Asker) -> frozenset[Hint]:
        had = request.headers.get("Last-Event-ID", "")
        first = {Hint.CHANGE} if had != await self._hints.position(asker.branch) else set()
        if self._hints.has_commands(asker.device.name):
            first.add(Hint.COMMAND)
        return frozenset(first)

    async def _go_on(
        self,
        response: web.StreamResponse,
        asker: Asker,
        told: Subscription,
        hints: frozenset[Hint],
    ) -> None:
        while not told.ended:
            if Hint.REVOKED in hints and not await self._door.still(asker):
                return
            lines = await self._lines(asker, hints) if hints else b": alive\n\n"
            async with asyncio.timeout(self._pace.write):
                await response.write(lines)
            await told.rest(self._pace.gap if hints else 0.0)
            hints = await told.take(self._pace.alive)

    async def _lines(self, asker: Asker, hints: frozenset[Hint]) -> bytes:
        position = await self._hints.position(asker.branch)
        events = [
            f"id: {position}\nevent: {hint}\ndata: {{}}\n\n" for hint in _TOLD if hint in hints
        ]
        return "".join(events).encode() or b": alive\n\n"


_HEADERS: Final = {
    hdrs.CONTENT_TYPE: EVENT_STREAM,
    "X-Accel-Buffering": "no",  # a proxy before the hub must not keep hints back
}
