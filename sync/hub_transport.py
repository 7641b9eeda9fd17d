"""HTTP to one hub and nowhere else: connections, deadlines, statuses, bodies.

Redirects are not followed, cookies are not kept, no proxy is taken from the environment, TLS is
verified. A deadline is over the whole of a call, so that a server which drips cannot hold it.

Deliberately not here: the calls of the API (sync.hub_client), and words for faults.
"""

import asyncio
import contextlib
import gzip
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from sync.hub_address import HubAddress
from sync.hub_broken import fault_from, too_slow
from sync.hub_faults import HubFault, Why, bad_answer, fault_of, not_the_hub
from sync.hub_inflate import Body
from sync.hub_wire import PROBLEM

JSON: Final = "application/json"
_PROBLEM_BYTES: Final = 16 * 1024
_KEEP_SECONDS: Final = 45.0  # over a pull and a heartbeat, below the 60 s of usual proxies
_READ_AHEAD: Final = 64 * 1024
_WORTH_PACKING: Final = 16 * 1024  # bytes of a request; lines are often mobile


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. within: seconds for all of it. again: may be sent twice without harm.

    within of a stream without an end is that of its beginning.
    """

    method: str
    path: str
    within: float
    accept: str = JSON
    params: Mapping[str, str] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] | None = None
    again: bool = True
    endless: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """What the last connection looked like. expires: of the hub's certificate; None without TLS.

    local: the address of this device on it.
    """

    local: str = ""
    expires: datetime | None = None


class Answered:
    """An answer of the right status and media type, whose body is to be read once."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def pieces(self, most: int) -> AsyncIterator[bytes]:
        """The body, inflated, in bounded pieces, and never more than `most` bytes."""
        body = Body(_encoding(self._response), most)
        while data := await self._response.content.readany():
            for piece in body.feed(data):
                yield piece
                await asyncio.sleep(0)  # a full buffer must not keep the loop
        body.finish()

    async def whole(self, most: int) -> bytes:
        """All of the body at once, at most `most` bytes."""
        return b"".join([piece async for piece in self.pieces(most)])


class Transport:
    """Requests to one hub over connections that are kept. Use as an async context."""

    def __init__(self, address: HubAddress) -> None:
        self.address = address
        self.link = Link()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        trust = await asyncio.to_thread(self.address.trust) if self.address.secure else True
        self._session = aiohttp.ClientSession(
            connector=_Connector(self._linked, trust),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=_READ_AHEAD,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @contextlib.asynccontextmanager
    async def answer(self, ask: Ask) -> AsyncIterator[Answered]:
        """The answer to this request, within its time. HubFault for everything else."""
        try:
            async with asyncio.timeout(ask.within) as limit, self._response(ask) as response:
                await self._accepted(ask, response)
                if ask.endless:
                    limit.reschedule(None)
                yield Answered(response)
        except TimeoutError:
            raise too_slow(self.address, ask.within) from None
        except (aiohttp.ClientError, OSError) as error:
            raise fault_from(error, self.address) from None

    @contextlib.asynccontextmanager
    async def _response(self, ask: Ask) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            response = await self._request(ask)
        except aiohttp.ServerDisconnectedError:
            if not ask.again:
                raise
            # A kept connection that the other side had closed meanwhile; a new one settles it.
            response = await self._request(ask)
        try:
            yield response
        finally:
            _let_go(response)

    async def _request(self, ask: Ask) -> aiohttp.ClientResponse:
        if self._session is None:
            raise HubFault(Why.BROKEN_OFF, f"{self.address.host}: the line is closed")
        headers, body = self._headers(ask), ask.body
        if body is not None and len(body) > _WORTH_PACKING:
            body = await asyncio.to_thread(gzip.compress, body, 1)
            headers["Content-Encoding"] = "gzip"
        return await self._session.request(
            ask.method,
            self.address.base + ask.path,
            params=ask.params,
            data=body,
            headers=headers,
            allow_redirects=False,
            proxy=self.address.proxy or None,
        )

    def _headers(self, ask: Ask) -> dict[str, str]:
        headers = {"Accept": ask.accept, "Accept-Encoding": "gzip", **(ask.headers or {})}
        if ask.endless:
            headers["Accept-Encoding"] = "identity"  # a compressor would hold hints back
        if ask.body is not None:
            headers["Content-Type"] = JSON
        if self.address.token:
            headers["Authorization"] = f"Bearer {self.address.token}"
        return headers

    async def _accepted(self, ask: Ask, response: aiohttp.ClientResponse) -> None:
        host, kind = self.address.host, response.content_type
        if response.status != 200:
            said = await _problem(response) if kind == PROBLEM else b""
            asked = response.headers.get("Retry-After")
            raise fault_of(host, response.status, kind, asked, said)
        if kind == "text/html":
            raise not_the_hub(host, "a web page")
        if kind != ask.accept:
            raise bad_answer(f"{host}: answered with another kind of content than {ask.accept}")

    def _linked(self, connection: Connection) -> None:
        transport = connection.transport
        if transport is None:
            return
        name = transport.get_extra_info("sockname")
        certificate = transport.get_extra_info("peercert")
        self.link = Link(str(name[0]) if name else "", _expiry(certificate))


class _Connector(aiohttp.TCPConnector):
    """Tells of each connection as it is taken: a short answer has let go of it when it is read."""

    def __init__(self, linked: Callable[[Connection], None], trust: ssl.SSLContext | bool) -> None:
        super().__init__(ssl=trust, keepalive_timeout=_KEEP_SECONDS, limit=8)
        self._tell = linked

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        """As of the base class."""
        connection = await super().connect(req, traces, timeout)
        self._tell(connection)
        return connection


def _let_go(response: aiohttp.ClientResponse) -> None:
    # What was not read to its end cannot be used for another request.
    if response.content.at_eof():
        response.release()
    else:
        response.close()


async def _problem(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await Answered(response).whole(_PROBLEM_BYTES)
    except (HubFault, aiohttp.ClientError):
        return b""  # the status alone says enough


def _encoding(response: aiohttp.ClientResponse) -> str:
    return str(response.headers.get("Content-Encoding", "")).strip().lower()


def _expiry(certificate: Any) -> datetime | None:
    ends = certificate.get("notAfter") if certificate else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None
