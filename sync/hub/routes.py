"""What each operation does: read, ask the room behind, answer. One method an operation.

Deliberately not here: what may be asked (operations), refusals (problems), and all that the rooms
decide.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from sync.hub import metrics
from sync.hub.app_parts import Parts
from sync.hub.auth import Asker
from sync.hub.bodies import Bodies
from sync.hub.bounds import Malformed, items_of, struct_of
from sync.hub.changes import Changes
from sync.hub.counts import Counts
from sync.hub.hints import Hints
from sync.hub.limits import Intake
from sync.hub.operations import JSON, METRICS
from sync.hub.overview import overview
from sync.hub.problems import Refused
from sync.hub.streams import Streams
from sync.hub_wire import (
    DEFAULT_PAGE,
    MAX_PAGE,
    Activity,
    Event,
    EventResult,
    EventResults,
    Heartbeat,
    Join,
    Joined,
    Verify,
)

Open = Callable[[web.Request], Awaitable[web.StreamResponse]]
_T = TypeVar("_T")
Asked = Callable[[web.Request, Asker], Awaitable[web.StreamResponse]]
_LONGEST_CURSOR: Final = 2048  # characters; longer ones are nobody's


class OpenRoutes:
    """Operations that want no token."""

    def __init__(
        self,
        parts: Parts,
        bodies: Bodies,
        counts: Counts,
        hints: Hints,
        streams: Streams,
        document: bytes,
    ) -> None:
        self._parts = parts
        self._bodies = bodies
        self._counts = counts
        self._hints = hints
        self._streams = streams
        self._document = document

    def table(self) -> dict[str, Open]:
        """By the names of the operations."""
        return {
            "post_join": self.join,
            "get_healthz": self.healthz,
            "get_metrics": self.metrics,
            "get_openapi": self.openapi,
        }

    async def join(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/join."""
        ask = await self._bodies.read_few(request, partial(struct_of, kind=Join))
        new = await self._parts.tokens.join(ask.code)
        return answer(Joined(new.token, new.config_text, new.name, new.branch, self._parts.key))

    async def healthz(self, _: web.Request) -> web.StreamResponse:
        """GET /healthz: that the database answers, and no more."""
        await self._parts.database.meta("schema")
        return answer({"status": "ok"})

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """GET /metrics."""
        if not metrics.is_from_here(request):
            raise Refused(403, "only from the hub's own machine")
        parts = self._parts
        seen = await overview(parts.database, parts.config, parts.now())
        change = await metrics.newest_change(parts.database)
        lines = [*metrics.lines(seen, change, self._hints, self._streams), *self._counts.lines()]
        text = "\n".join(lines) + "\n"
        return web.Response(text=text, content_type=METRICS, charset="utf-8")

    async def openapi(self, _: web.Request) -> web.StreamResponse:
        """GET /openapi.json."""
        return web.Response(body=self._document, content_type=JSON)


class DeviceRoutes:
    """Operations of a device, whose token is good by now."""

    def __init__(
        self, parts: Parts, bodies: Bodies, intake: Intake, streams: Streams, changes: Changes
    ) -> None:
        self._parts = parts
        self._bodies = bodies
        self._intake = intake
        self._streams = streams
        self._changes = changes

    def table(self) -> dict[str, Asked]:
        """By the names of the operations."""
        return {
            "get_restrictions": self.restrictions,
            "get_credentials": self.credentials,
            "get_changes": self._changes.stream,
            "post_events": self.events,
            "post_activity": self.activity,
            "post_verify": self.verify,
            "post_heartbeat": self.heartbeat,
            "get_config": self.config,
        }

    async def restrictions(self, request: web.Request, asker: Asker) -> web.StreamResponse:
        """GET /v1/restrictions."""
        cursor, limit = cursor_of(request), limit_of(request)
        opening = partial(self._parts.pulls.restrictions, asker.branch, cursor, limit)
        if cursor is None:
            return await self._streams.whole(request, opening, asker.device.name)
        return await self._streams.page(request, opening)

    async def credentials(self, request: web.Request, asker: Asker) -> web.StreamResponse:
        """GET /v1/credentials."""
        cursor, limit = cursor_of(request), limit_of(request)
        if cursor is None:
            opening = partial(self._parts.pulls.snapshot, asker.branch)
            return await self._streams.whole(request, opening, asker.device.name)
        opening = partial(self._parts.pulls.credentials, asker.branch, cursor, limit)
        return await self._streams.page(request, opening)

    async def events(self, request: web.Request, asker: Asker) -> web.StreamResponse:
        """POST /v1/events."""
        items, size = await self._bodies.read(request, partial(_weighed, kind=Event))
        await self._intake.check(asker.device.name, len(items), size)
        return answer(EventResults(await self._parts.events.take(asker.device, items)))

    async def activity(self, request: web.Request, asker: Asker) -> web.StreamResponse:
        """POST /v1/activity."""
        items, size = await self._bodies.read(request, partial(_weighed, kind=Activity))
        await self._intake.check(asker.device.name, len(items), size)
        sound = [item for item in items if isinstance(item, Activity)]
        taken = iter(await self._parts.activities.take(asker.device, sound) if sound else [])
        results = [
            _placed(place, item if isinstance(item, tuple) else next(taken))
            for place, item in enumerate(items)
        ]
        return answer(EventResults(results))

    async def verify(self, request: web.Request, asker: Asker) -> web.StreamResponse:
        """POST /v1/verify."""
        ask = await self._bodies.read(request, partial(struct_of, kind=Verify))
        verifying = self._parts.verifying
        return answer(await verifying.verify(asker.device, asker.branch, ask.card, ask.pin))

    async def heartbeat(self, request: web.Request, asker: Asker) -> web.StreamResponse:
        """POST /v1/heartbeat."""
        said = await self._bodies.read(request, partial(struct_of, kind=Heartbeat))
        return answer(await self._parts.heartbeats.take(asker.device, said))

    async def config(self, _: web.Request, asker: Asker) -> web.StreamResponse:
        """GET /v1/config."""
        return answer(await self._parts.publishing.current(asker.branch.code))


def answer(value: object) -> web.Response:
    """JSON, status 200."""
    return web.Response(body=msgspec.json.encode(value), content_type=JSON)


def cursor_of(request: web.Request) -> str | None:
    """The cursor asked with; None: none, or an empty one."""
    cursor = _single(request, "cursor")
    if cursor and len(cursor) > _LONGEST_CURSOR:
        raise Refused(400, "cursor: too long to be one", field="cursor")
    return cursor or None


def limit_of(request: web.Request) -> int:
    """How many lines are wanted at most."""
    text = _single(request, "limit")
    if text is None:
        return DEFAULT_PAGE
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MAX_PAGE):
        raise Refused(400, f"limit: a whole number from 1 to {MAX_PAGE}", field="limit")
    return int(text)


def _single(request: web.Request, name: str) -> str | None:
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise Refused(400, f"{name}: given more than once", field=name)
    return values[0] if values else None


def _weighed(data: bytes, kind: type[_T]) -> tuple[list[_T | Malformed], int]:
    """The entries, and how many bytes they came in."""
    return items_of(data, kind), len(data)


def _placed(place: int, result: EventResult | Malformed) -> EventResult:
    if isinstance(result, tuple):
        return EventResult(str(place), "rejected", result[1])
    return EventResult(str(place), result.status, result.reason)
