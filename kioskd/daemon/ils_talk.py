"""A conversation with a library system, to see how it goes: connect, 93, 99, 63, 35.

Over one connection, in one go, within a given time; nothing is asked that changes anything. The
first step that fails ends it and is told. A wrong PIN is asked about before the right one, so that
the right one clears a count of wrong tries where there is one.
Deliberately not here: names and secrets (ils_look), what answers mean (ils_told).
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from kioskd.daemon import ils_told
from kioskd.errors import InputError, RegisterError
from kioskd.health.ils_seen import How, IlsLook, PatronSeen, Step, TlsSeen
from sync.sip2 import requests
from sync.sip2.messages import Message
from sync.sip2.settings import SipSettings, Watcher, Way
from sync.sip2.transport import Link

# Fits no site's pattern and no server's either; it costs nobody a log-in attempt.
NO_SUCH_CARD: Final = "KIOSKD-NO-SUCH-CARD"
NO_SUCH_PIN: Final = "271828"
_SUPPORTED_DATE: Final = "%b %d %H:%M:%S %Y %Z"  # of ssl's notAfter


Found = tuple[Any, Any, int, str, tuple[Any, ...]]  # as socket.getaddrinfo has it


@dataclass(frozen=True, slots=True)
class Patron:
    """A test card and its PIN."""

    card: str = field(repr=False)
    pin: str = field(repr=False)

    def mistaken(self) -> "Patron":
        """The same card with a PIN that is not its own: the last character is another."""
        last = "1" if self.pin.endswith("0") else "0"
        return Patron(self.card, self.pin[:-1] + last)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked. wrong_pin: of the patron's card, one. ends: 35 after the patron.

    seconds: for all of it. limit: whose that is, in words; empty: nobody waits longer.
    """

    seconds: float
    patron: Patron | None = None
    wrong_pin: bool = False
    ends: bool = False
    limit: str = ""


def talk(
    look: IlsLook,
    settings: SipSettings,
    plan: Plan,
    found: Sequence[Found],
    now: Callable[[], datetime],
    watcher: Watcher | None = None,
) -> IlsLook:
    """The look with what came of the conversation. Blocks for `plan.seconds` and one more.

    found: what the host's name leads to.
    """
    with asyncio.Runner(loop_factory=lambda: _Loop(found)) as runner:
        return runner.run(_Talk(look, settings, plan, now, watcher).run())


class _Loop(asyncio.SelectorEventLoop):
    """Asks no name server: a thread that waits for one could not be left at the end."""

    def __init__(self, found: Sequence[Found]) -> None:
        super().__init__()
        self._found = list(found)

    async def getaddrinfo(self, *_: Any, **__: Any) -> list[Found]:
        return self._found


class _SeenLink(Link):
    """A link that tells of its TLS."""

    tls: TlsSeen | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        found = transport.get_extra_info("ssl_object")
        if isinstance(found, ssl.SSLObject):
            self.tls = _tls_of(found)
        super().connection_made(transport)


class _Talk:
    def __init__(
        self,
        look: IlsLook,
        settings: SipSettings,
        plan: Plan,
        now: Callable[[], datetime],
        watcher: Watcher | None,
    ) -> None:
        self._look = look
        self._settings, self._dialect = settings, settings.dialect
        self._plan = plan
        self._now = now
        self._watcher = watcher
        self._step = Step.PORT

    async def run(self) -> IlsLook:
        try:
            async with asyncio.timeout(self._plan.seconds):
                await self._talk()
        except TimeoutError:
            self._late()
        except InputError as error:  # its text repeats nothing of what was handed in
            self._stop(str(error), How.UNSAYABLE)
        except RegisterError as error:
            no_tls = self._step is Step.TLS and not _is_certificate(error, self._settings)
            self._stop(str(error), How.NO_TLS if no_tls else ils_told.how_of(str(error)))
        await asyncio.sleep(0)  # a connection that was given up is closed in the loop's next turn
        return self._look

    async def _open(self) -> _SeenLink:
        try:
            return await _SeenLink.open(self._settings, self._watch)
        except RegisterError as error:
            if _is_tls(error, self._settings):
                self._step = Step.TLS
            raise

    async def _talk(self) -> None:
        link = await self._open()
        try:
            self._note(tls=link.tls)
            if not self._look.secret and await self._log_in(link):
                await self._status(link)
                await self._patrons(link)
        finally:
            await link.close()

    async def _log_in(self, link: Link) -> bool:
        self._step = Step.LOG_IN
        accepted = True
        if self._settings.user:
            answer = await link.ask(requests.login(self._settings))
            accepted = answer.fixed["ok"] in ("1", "Y")
        self._note(logged_in=accepted)
        if not accepted:
            self._stop("the library system refuses this account")
        return accepted

    async def _status(self, link: Link) -> None:
        self._step = Step.STATUS
        if self._dialect.send_status:
            answer = await link.ask(requests.status())
            self._note(status=ils_told.status_of(answer))

    async def _patrons(self, link: Link) -> None:
        patron = self._plan.patron
        self._step = Step.STRANGER
        self._note(stranger=await self._ask(link, Patron(NO_SUCH_CARD, NO_SUCH_PIN)))
        if patron is None:
            return
        self._step = Step.PATRON
        self._asked_about(patron)  # what no message may carry is told before anything is sent
        if self._plan.wrong_pin:
            self._step = Step.WRONG_PIN
            self._note(wrong_pin=await self._ask(link, patron.mistaken()))
        self._step = Step.PATRON
        self._note(patron=await self._ask(link, patron))
        if self._plan.ends and self._dialect.send_end:
            self._step = Step.END
            await link.ask(requests.end_session(self._settings, self._now(), patron.card))
            self._note(ended=True)

    async def _ask(self, link: Link, patron: Patron) -> PatronSeen:
        asked = self._asked_about(patron)
        return ils_told.patron_of(asked, await link.ask(asked), self._dialect)

    def _asked_about(self, patron: Patron) -> Message:
        return requests.patron_information(self._settings, self._now(), patron.card, pin=patron.pin)

    def _watch(self, way: Way, line: bytes) -> None:
        if way is Way.RECEIVED:
            self._note(speech=ils_told.heard(self._look.speech, line, self._dialect))
        if self._watcher:
            self._watcher(way, line)

    def _note(self, **found: Any) -> None:
        self._look = replace(self._look, **found)

    def _late(self) -> None:
        limit = self._plan.limit
        why = f"no answer within {limit or f'{self._plan.seconds:.0f} s'}"
        self._stop(why, How.LIMIT if limit else How.OTHERWISE)

    def _stop(self, why: str, how: How = How.OTHERWISE) -> None:
        self._note(stopped=self._step, why=why, how=how)


def _is_tls(error: RegisterError, settings: SipSettings) -> bool:
    """Whether it is TLS that failed, and not the way there."""
    if not settings.tls:
        return False
    # A server that hangs up in the handshake resets it; before one, a connection is refused.
    failed = ssl.SSLError | ConnectionAbortedError | ConnectionResetError
    return _is_certificate(error, settings) or isinstance(error.__context__, failed)


def _is_certificate(error: RegisterError, settings: SipSettings) -> bool:
    """Whether TLS came about, or would have, but for a certificate or the file of authorities."""
    file = settings.ca_file
    if file is not None and str(error).startswith(str(file)):
        return True
    return isinstance(error.__context__, ssl.SSLCertVerificationError)


def _tls_of(found: ssl.SSLObject) -> TlsSeen:
    certificate: dict[str, Any] = found.getpeercert() or {}
    names = [str(value) for _, value in certificate.get("subjectAltName", ())]
    return TlsSeen(found.version() or "TLS", ", ".join(names) or "nobody", _days(certificate))


def _days(certificate: dict[str, Any]) -> int | None:
    with suppress(KeyError, ValueError):
        end = datetime.strptime(certificate["notAfter"], _SUPPORTED_DATE).replace(tzinfo=UTC)
        return (end - datetime.now(UTC)).days
    return None
