"""The hub's listening socket: who may come, how slowly they may speak, and how it ends.

Headers that do not arrive within IDLE_SECONDS, idle connections and those above the limit are
closed; what is no HTTP is answered with a problem like everything else, and never with its own
bytes or a traceback.

Deliberately not here: the application (app), how many (sockets), and certificates (transport).
"""

import asyncio
import logging
import ssl
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from kioskd.errors import InputError
from sync.hub.answering import SERVER
from sync.hub.problems import Refused, of_http, raw_problem, respond
from sync.hub.sockets import STRANGERS, Places, address_of, connections_within, files

IDLE_SECONDS: Final = 75.0  # devices ask every 30 s
HANDSHAKE_SECONDS: Final = 10.0
LINGER_SECONDS: Final = 2.0  # for a body that nobody wants
SHUTDOWN_SECONDS: Final = 1.5  # for answers under way, and as much again to end them
MAX_HEADER: Final = 4096  # bytes of a line; the longest are a cursor and a token
MAX_HEADERS: Final = 64
_BACKLOG: Final = 1024
_log = logging.getLogger("kioskd.hub")


class Front:
    """An application on a socket, as an async context. InputError: it cannot listen there."""

    def __init__(
        self,
        app: web.Application,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        *,
        connections: int | None = None,
        strangers: int = STRANGERS,
        idle: float = IDLE_SECONDS,
    ) -> None:
        """connections: at once; None: what open files allow. strangers: of those, see sockets."""
        self._place = host, port
        self._tls = tls
        most = connections_within(files()) if connections is None else connections
        self._places = Places(most, strangers)
        self._options: dict[str, Any] = {
            "access_log": None,
            "auto_decompress": False,  # bodies are inflated with a bound (bodies)
            "keepalive_timeout": idle,
            "lingering_time": LINGER_SECONDS,
            "max_line_size": MAX_HEADER,
            "max_field_size": MAX_HEADER,
            "max_headers": MAX_HEADERS,
        }
        self._runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_SECONDS, **self._options)
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens; the one that was given out when 0 was asked for."""
        if self._server is None:
            return self._place[1]
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            self._server = await self._listen()
        except OSError as error:
            await self._runner.cleanup()
            host, port = self._place
            raise InputError(f"hub.listen: {host}:{port}: {error.strerror or error}") from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    async def _listen(self) -> asyncio.Server:
        host, port = self._place
        handshake = None if self._tls is None else HANDSHAKE_SECONDS
        return await asyncio.get_running_loop().create_server(
            self._connection,
            host,
            port,
            ssl=self._tls,
            backlog=_BACKLOG,
            ssl_handshake_timeout=handshake,
        )

    def _connection(self) -> asyncio.Protocol:
        server = self._runner.server
        if server is None:
            return _Full()
        loop = asyncio.get_running_loop()
        return _Connection(server, self._places, loop=loop, **self._options)


def welcome(request: web.Request) -> None:
    """A good token came over this connection: it counts no more among those of strangers."""
    if isinstance(request.protocol, _Connection):
        request.protocol.welcome()


class _Full(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so and close."""
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(raw_problem(503, "too many connections"))
        transport.close()


class _Connection(RequestHandler):
    """aiohttp's connection, with our words where it would use its own."""

    __slots__ = ("_address", "_places", "_there")

    def __init__(self, server: web.Server, places: Places, **options: Any) -> None:
        super().__init__(server, **options)
        self._places = places
        self._there = False
        self._address: str | None = None  # while it counts as a stranger's

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there is no place."""
        address = address_of(transport.get_extra_info("peername"))
        self._there = self._places.come(address)
        if self._there:
            self._address = address
            super().connection_made(transport)
        else:
            full = _Full()
            transport.set_protocol(full)
            full.connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        if self._there:
            self._there = False
            self._places.leave(self._address)
            self._address = None
        super().connection_lost(exc)

    def welcome(self) -> None:
        """It is no stranger's any more."""
        if self._address is not None:
            self._places.welcome(self._address)
            self._address = None

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP, and what nobody foresaw. Its bytes and its text stay here."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        if isinstance(exc, ConnectionError):  # who asked went away: nobody's fault, and often
            _log.debug("connection lost", extra={"why": type(exc).__name__})
        elif status >= 500:
            _log.error("connection failed", exc_info=exc)
        response = respond(Refused(status, "this is no HTTP request" if status == 400 else ""))
        response.headers["Server"] = SERVER
        response.force_close()
        return response

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """aiohttp's own refusals that never came to the application, in our words."""
        if isinstance(resp, web.HTTPException):
            resp = of_http(resp)
        return await super().finish_response(request, resp, start_time)
