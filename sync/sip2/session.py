"""A link that is logged in, made when it is needed and made anew when it has failed.

Order on a new link: 93 where there is a user, then 99 where the dialect wants it. What fails is
not tried again for a second, and a log-in that was refused not for a minute: trying on could lock
the account. Meanwhile the same words are said at once.

The name of the host is asked for in a thread that nobody need wait for, one at a time: a name
server that is silent costs one thread, and no end of this process.

Deliberately not here: requests of callers (client), and any wish to be connected: a library system
that nobody asks is left alone.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kioskd.ports import Clock
from sync.sip2.connection import KEEP_ALIVE
from sync.sip2.faults import LogInRefused, NoAnswer, NotAsked
from sync.sip2.messages import Message
from sync.sip2.settings import SipSettings, Watcher
from sync.sip2.transport import Link, Place

FAILED_SECONDS: Final = 1.0  # after a connection that did not come about
REFUSED_SECONDS: Final = 60.0  # after a log-in that was refused
FRESH_SECONDS: Final = 60.0  # what a name server said too late for one serves the next so long
OFF_LINE: Final = "the library system says that it is off-line"

_log = logging.getLogger("sync.sip2")


@dataclass(frozen=True, slots=True)
class ClientView:
    """How the library system stood when it was last needed, and what it says of itself.

    up: it answered then; since: of that, None before the first need. why: it is not up.
    institution, supported: AO and BX of its 98, empty without one. offline_ok: of the same.
    """

    up: bool
    why: str
    since: datetime | None
    institution: str = ""
    supported: str = ""
    offline_ok: bool = False


def login(settings: SipSettings) -> Message:
    """93 of this account."""
    fields = [("CN", settings.user), ("CO", settings.password)]
    if settings.login_location:
        fields.append(("CP", settings.login_location))
    return Message("93", {"uid_algorithm": "0", "pwd_algorithm": "0"}, tuple(fields))


@dataclass(frozen=True, slots=True)
class _Told:
    """What was said of a name, and when."""

    places: Sequence[Place]
    fault: OSError | ValueError | None
    at: float


class Names:
    """Where one host is. A question that is not answered yet is not asked again."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._asking: asyncio.Future[_Told] | None = None

    async def places(self) -> Sequence[Place]:
        """All its addresses. OSError, ValueError; takes as long as the name server does."""
        asking = self._asking
        if asking is None or _is_stale(asking):
            asking = self._asking = self._ask()
        told = await asyncio.shield(asking)
        self._asking = None
        if told.fault:
            raise told.fault
        return told.places

    def _ask(self) -> asyncio.Future[_Told]:
        loop = asyncio.get_running_loop()
        asking: asyncio.Future[_Told] = loop.create_future()

        def ask() -> None:
            found, fault = _looked_up(self._host, self._port)
            told = _Told(found, fault, loop.time())
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(asking.set_result, told)

        # No executor's: its end, and the loop's, would wait for it.
        threading.Thread(target=ask, name="sip2-name", daemon=True).start()
        return asking


def _is_stale(asking: asyncio.Future[_Told]) -> bool:
    if not asking.done():
        return False
    told = asking.result()
    return bool(told.fault) or asking.get_loop().time() - told.at > FRESH_SECONDS


def _looked_up(host: str, port: int) -> tuple[Sequence[Place], OSError | ValueError | None]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), None
    except (OSError, ValueError) as error:
        return (), error
    except LookupError:  # a codec, loaded when it is needed
        return (), ValueError("a name that cannot be written for a name server")


class Session:
    """At most one link. status: the newest 98, of whichever link."""

    def __init__(self, settings: SipSettings, clock: Clock, watcher: Watcher | None) -> None:
        self.status: Message | None = None
        self._settings = settings
        self._clock = clock
        self._watcher = watcher
        self._names = Names(settings.host, settings.port)
        self._link: Link | None = None
        self._fault: NotAsked | None = None  # the last one, while it is not to be tried again
        self._held_until = 0.0
        self._off_line = False
        self._up = False
        self._why = "not asked yet"
        self._since: datetime | None = None

    async def link(self) -> Link:
        """A usable link, logged in. NotAsked, LogInRefused; within the time-outs of its parts."""
        if self._link and self._link.usable and not self._off_line:
            return self._link
        await self.close()
        self._raise_if_held()
        try:
            self._link = await self._made()
        except LogInRefused as fault:
            self._hold(fault, REFUSED_SECONDS)
            raise
        except NotAsked as fault:
            self._hold(fault, FAILED_SECONDS)
            raise
        return self._link

    async def close(self) -> None:
        """Bounded; never raises. A later call of `link` opens another."""
        link, self._link = self._link, None
        if link:
            await link.close()

    def answered(self) -> None:
        """A request was answered on the link."""
        if self._up:
            return
        _log.info("sip2.up", extra={"where": self._settings.where})
        self._up, self._why, self._since = True, "", self._clock.moment().wall

    def lost(self, why: str) -> None:
        """The link failed, or did not come about. The first is told, what repeats is not."""
        news = self._up or self._since is None
        _log.log(
            logging.WARNING if news else logging.DEBUG,
            "sip2.down",
            extra={"where": self._settings.where, "why": why},
        )
        if news:
            self._since = self._clock.moment().wall
        self._up, self._why = False, why

    def view(self) -> ClientView:
        """As it stands now."""
        status = self.status
        if status is None:
            return ClientView(self._up, self._why, self._since)
        return ClientView(
            self._up,
            self._why,
            self._since,
            status.first("AO") or "",
            status.first("BX") or "",
            status.fixed["offline_ok"] == "Y",
        )

    async def _made(self) -> Link:
        link = await Link.open(self._settings, self._watcher, self._names.places)
        link.on_told, link.on_noted = self._told, self._noted
        self._off_line = False  # what it said on another link counts no more
        try:
            await self._introduce(link)
        except NoAnswer as fault:  # it ended the link, and nothing of a caller's went out
            raise NotAsked(str(fault)) from None
        except BaseException:
            await link.close()
            raise
        return link

    async def _introduce(self, link: Link) -> None:
        where = self._settings.where
        if self._settings.user:
            answer = await link.ask(login(self._settings))
            if answer.fixed["ok"] != "1":
                raise LogInRefused(
                    f"{where}: the log-in was refused; look at user and secret in [register.sip2]"
                )
        if self._settings.dialect.send_status:
            self._told(await link.ask(KEEP_ALIVE))
        if self._off_line:
            raise NotAsked(f"{where}: {OFF_LINE}")

    def _told(self, message: Message) -> None:
        self.status = message
        self._off_line = message.fixed["online_status"].upper() != "Y"

    def _noted(self, what: str) -> None:
        _log.info("sip2.noted", extra={"where": self._settings.where, "what": what})

    def _hold(self, fault: NotAsked, seconds: float) -> None:
        self._fault = fault
        self._held_until = self._clock.monotonic() + seconds
        self.lost(str(fault))

    def _raise_if_held(self) -> None:
        fault = self._fault
        if fault and self._clock.monotonic() < self._held_until:
            raise type(fault)(str(fault), transient=fault.transient)
        self._fault = None
