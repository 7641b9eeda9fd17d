"""One connection to a library system: a socket, its timers, and the connection machine on it.

    link = await Link.open(settings, watcher)
    answer = await link.ask(message)
    await link.close()

The loop calls the link as bytes come; it has no task of its own, and nothing of it is left once it
is closed. A link that failed is never mended: another is opened.

Deliberately not here: the log-in (session), deadlines and asking again (client), what is sent when
and what a byte means (connection).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, Self, cast

from sync.sip2.connection import (
    Answered,
    Arm,
    Connection,
    Failed,
    Noted,
    Send,
    Signal,
    Timer,
    Told,
)
from sync.sip2.faults import Malformed, NoAnswer, NotAsked
from sync.sip2.framing import Framer
from sync.sip2.layouts import NAMES
from sync.sip2.messages import TERMINATOR, Message
from sync.sip2.settings import SipSettings, Watcher, Way
from sync.sip2.tls import trust, words

CONNECT_SECONDS: Final = 5.0  # for name, connection and TLS together
_NAME_SECONDS: Final = 3.0  # below the former, so that a silent name server can be told
_HANDSHAKE_SECONDS: Final = 3.0  # below the former, so that what hung can be told
_CLOSE_SECONDS: Final = 0.5  # for an orderly end; then the socket is closed all the same

Place = tuple[Any, Any, int, str, tuple[Any, ...]]  # as socket.getaddrinfo has it
Places = Callable[[], Awaitable[Sequence[Place]]]


def _nobody(message: Message) -> None:
    """Whoever wants to hear of a 98 sets on_told."""


class Link(asyncio.Protocol):
    """One connection, plain or TLS. What asyncio.Protocol has is the loop's to call.

    on_told: hears every 98 that was not asked for here. on_noted: what is odd about the other
    side, once each. Neither may raise.
    """

    def __init__(self, settings: SipSettings, watcher: Watcher | None = None) -> None:
        self.on_told: Callable[[Message], None] = _nobody
        self.on_noted: Callable[[str], None] = lambda _: None
        self._where = settings.where
        self._machine = Connection(
            settings.dialect, answer_seconds=settings.answer_seconds, retries=settings.retries
        )
        self._watch = _Watch(watcher) if watcher else None
        self._loop = asyncio.get_running_loop()
        self._gone = self._loop.create_future()  # done once the socket is closed
        self._turn = asyncio.Lock()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._answer: asyncio.Future[Message] | None = None
        self._calm: asyncio.Future[None] | None = None  # waits for the end of a keep-alive
        self._why = ""

    @classmethod
    async def open(
        cls, settings: SipSettings, watcher: Watcher | None = None, places: Places | None = None
    ) -> Self:
        """A new connection, within CONNECT_SECONDS. NotAsked says why there is none.

        places: where the host is; without them the loop is asked, whose end waits for a silent
        name server. Nobody is asked where an address is.
        """
        link = cls(settings, watcher)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await link._connect(settings, places)
        except (OSError, ValueError) as error:  # a TimeoutError and an SSLError are an OSError
            raise NotAsked(f"{settings.where}: {words(error)}") from None
        return link

    @property
    def usable(self) -> bool:
        """Whether another request can go out on it."""
        transport = self._transport
        return not (self._why or transport is None or transport.is_closing() or self._machine.spent)

    async def ask(self, message: Message) -> Message:
        """The answer to it. NotAsked when nothing of it went out; NoAnswer ends the link.

        Who comes while another asks, or while a keep-alive is on its way, waits. A call that is
        cancelled ends the link: the answer to it may come yet.
        """
        async with self._turn:
            while self._machine.waiting and self.usable:
                self._calm = self._loop.create_future()
                await self._calm
            answer = self._say(message)
            try:
                return await answer
            except asyncio.CancelledError:
                self.drop("given up")
                raise

    def drop(self, why: str) -> None:
        """End it at once; whoever asks is told so. Safe at any time and twice."""
        if self._why:
            return
        self._why = why
        if self._timer:
            self._timer.cancel()
        if self._transport:
            self._transport.abort()
        if self._answer and not self._answer.done():
            self._answer.set_exception(NoAnswer(f"{self._where}: {why}"))
        self._settle()

    async def close(self) -> None:
        """End it, politely where there is time. Bounded; never raises."""
        transport = self._transport
        if transport is None:
            return
        if self.usable and not self._machine.waiting:
            transport.close()  # says goodbye in TLS
            await asyncio.wait([self._gone], timeout=_CLOSE_SECONDS)
        self.drop("closed")
        await asyncio.wait([self._gone], timeout=_CLOSE_SECONDS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection, and TLS where it is asked for."""
        self._transport = cast("asyncio.Transport", transport)
        self._act(self._machine.start())

    def data_received(self, data: bytes) -> None:
        """Bytes as they come."""
        if self._watch:
            self._watch.received(data)
        self._act(self._machine.receive(data))

    def eof_received(self) -> None:
        """The other side says no more; the transport closes itself then."""
        self._act(self._machine.ended())

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        self._act(self._machine.ended())
        self.drop("the connection broke off")
        if not self._gone.done():
            self._gone.set_result(None)

    async def _connect(self, settings: SipSettings, places: Places | None) -> None:
        context = await trust(settings.ca_file) if settings.tls else None
        found = await self._found(settings, places)
        await self._loop.create_connection(
            lambda: self,
            sock=await self._reached(found),
            ssl=context,
            server_hostname=settings.host if context else None,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if context else None,
            ssl_shutdown_timeout=_CLOSE_SECONDS if context else None,
        )

    async def _found(self, settings: SipSettings, places: Places | None) -> Sequence[Place]:
        if known := _place(settings.host, settings.port):
            return [known]
        try:
            async with asyncio.timeout(_NAME_SECONDS):
                if places:
                    return await places()
                return await self._loop.getaddrinfo(
                    settings.host, settings.port, type=socket.SOCK_STREAM
                )
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "no answer") from None

    async def _reached(self, places: Sequence[Place]) -> socket.socket:
        """A socket that is connected to the first place that takes it. OSError: to the first."""
        faults: list[OSError] = []
        for place in places:
            try:
                return await self._connected(place)
            except OSError as error:
                faults.append(error)
        raise faults[0] if faults else socket.gaierror(socket.EAI_NONAME, "no address")

    async def _connected(self, place: Place) -> socket.socket:
        family, kind, protocol, _, address = place
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            await self._loop.sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    def _say(self, message: Message) -> asyncio.Future[Message]:
        if not self.usable:
            raise NotAsked(f"{self._where}: {self._why or 'the connection is closed'}")
        try:
            signals = self._machine.request(message)
        except ValueError:  # its text may hold what could not be said
            what = NAMES.get(message.code, "a request")
            raise NotAsked(
                f"{self._where}: {what} holds what this library system cannot be told",
                transient=False,
            ) from None
        self._answer = self._loop.create_future()
        self._act(signals)
        return self._answer

    def _act(self, signals: list[Signal]) -> None:
        for signal in signals:
            match signal:
                case Send(data):
                    self._send(data)
                case Arm(timer, seconds):
                    self._arm(timer, seconds)
                case Answered(message):
                    self._answered(message)
                case Told(message):
                    self.on_told(message)
                case Noted(what):
                    self.on_noted(what)
                case Failed(why):
                    self.drop(why)
        self._settle()

    def _send(self, data: bytes) -> None:
        if self._transport is None or self._why:
            return
        if self._watch:
            self._watch.sent(data)
        self._transport.write(data)

    def _answered(self, message: Message) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(message)

    def _arm(self, timer: Timer, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        if not self._why:
            self._timer = self._loop.call_later(seconds, self._fired, timer)

    def _fired(self, timer: Timer) -> None:
        self._act(self._machine.fired(timer))

    def _settle(self) -> None:
        calm = self._calm
        if calm and not calm.done() and not (self._machine.waiting and self.usable):
            calm.set_result(None)


def _place(host: str, port: int) -> Place | None:
    """Where it is, when it is an address already."""
    try:
        known = ip_address(host)
    except ValueError:
        return None
    if not isinstance(known, IPv6Address):
        return (socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port))
    if known.scope_id:  # the name of an interface
        return None
    return (socket.AF_INET6, socket.SOCK_STREAM, 0, "", (host, port, 0, 0))


class _Watch:
    """Shows whole messages to a watcher, whatever way their bytes are split."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._framer = Framer()

    def sent(self, data: bytes) -> None:
        self._watcher(Way.SENT, data.removesuffix(TERMINATOR))

    def received(self, data: bytes) -> None:
        with suppress(Malformed):  # a line without an end; the connection says so
            for line in self._framer.feed(data):
                self._watcher(Way.RECEIVED, line)
