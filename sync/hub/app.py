"""The hub's HTTP application, of its parts.

    app = make_app(parts, hints)         hints.run() runs beside it
    async with Front(app, host, port): ...

Deliberately not here: sockets (front), and how parts are made (serve).
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec
from aiohttp import hdrs, web

from sync.hub.answering import answering, prepared
from sync.hub.app_parts import Parts
from sync.hub.auth import Asker, Door
from sync.hub.bodies import Bodies
from sync.hub.changes import Changes, Pace
from sync.hub.counts import Counts
from sync.hub.front import welcome
from sync.hub.hints import Hints
from sync.hub.limits import Budget, Intake
from sync.hub.openapi import document
from sync.hub.operations import OPERATIONS, Operation
from sync.hub.problems import Refused, respond
from sync.hub.routes import Asked, DeviceRoutes, Open, OpenRoutes
from sync.hub.streams import StreamLimits, Streams

DISTRIBUTION: Final = "kioskd-omatoimi"
_Route = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(
    parts: Parts,
    hints: Hints,
    *,
    limits: StreamLimits | None = None,
    pace: Pace | None = None,
    budget: Budget | None = None,
    intake: Intake | None = None,
) -> web.Application:
    """The application; every operation of the table, and nothing else."""
    counts, streams, bodies = Counts(), Streams(limits), Bodies(budget)
    intake = intake or Intake(parts.database)
    door = Door(parts.tokens, parts.config)
    open_routes = OpenRoutes(parts, bodies, counts, hints, streams, _document()).table()
    changes = Changes(hints, door, pace)
    device_routes = DeviceRoutes(parts, bodies, intake, streams, changes).table()
    app = web.Application(middlewares=[answering(counts)])
    for operation in OPERATIONS:
        route = _route(operation, door, open_routes, device_routes)
        app.router.add_route(
            operation.method, operation.path, route, name=operation.name, expect_handler=_expect
        )
    app.on_response_prepare.append(prepared)
    app.on_shutdown.append(partial(_close, hints, streams))
    return app


def _route(
    operation: Operation, door: Door, open_routes: dict[str, Open], routes: dict[str, Asked]
) -> _Route:
    # Deny by default: a route without a token must say so in the table.
    if operation.open:
        return open_routes[operation.name]
    known = frozenset(query.name for query in operation.queries)
    return partial(_let_in, door, routes[operation.name], known)


async def _let_in(
    door: Door, route: Asked, known: frozenset[str], request: web.Request
) -> web.StreamResponse:
    asker: Asker = await door.asker(request)
    welcome(request)
    # As with keys of a body: what the hub does not know, it must not pass over.
    if not known.issuperset(request.query):
        raise Refused(400, "the query has a parameter that is not known here")
    return await route(request, asker)


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """Expect: 100-continue, as the standard has it; anything else is a problem like all others."""
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        return respond(Refused(417, "Expect: 100-continue, or nothing"))
    if request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun
    return None


async def _close(hints: Hints, streams: Streams, _: web.Application) -> None:
    hints.close()
    streams.close()
    await asyncio.sleep(0)


def _document() -> bytes:
    try:
        number = version(DISTRIBUTION)
    except PackageNotFoundError:
        number = "0"
    return msgspec.json.encode(document(number))
