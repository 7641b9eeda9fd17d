"""One client: its lines in order, one answer at a time, and events in between.

Nothing is queued for a client: its next line is read when the last is answered, and a line that
it does not take in time ends the connection. So 256 clients that send and never read cost their
buffers in the kernel and no more.
Deliberately not here: who the person is (peers), how many may come (server), what verbs do.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from kioskd import wire
from kioskd.control.broadcast import Broadcaster, Listener
from kioskd.control.people import Person, allowed, allowed_topic
from kioskd.control.verbs import Refusal, Verbs, only
from kioskd.errors import InputError

log = logging.getLogger("kioskd.control")

SUBSCRIBE: Final = "subscribe"
_MOST_TOPICS: Final = 64
_MOST_TOLD: Final = 10_000  # characters of a refusal; of whatever kind, they fit a line


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. line: for a line that has begun; send: for a line that the client does not take."""

    line: float = 30.0
    send: float = 10.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What every connection of a server answers with. topics: those that exist now."""

    verbs: Verbs
    broadcast: Broadcaster
    topics: Callable[[], Collection[str]]
    refused: Callable[[Person, str], None]
    patience: Patience


class HungUp(Exception):
    """The client is gone, or does not read."""


class Connection:
    """A connected socket, non-blocking, that its owner closes."""

    def __init__(self, peer: socket.socket, desk: Desk) -> None:
        self._peer = peer
        self._desk = desk
        self._lines = wire.Lines()
        self._sending = asyncio.Lock()
        self._hearing: Listener | None = None
        self._telling: asyncio.Task[None] | None = None

    async def say(self, text: bytes) -> None:
        """Send one line, whole. HungUp."""
        async with self._sending:
            try:
                async with asyncio.timeout(self._desk.patience.send):
                    await asyncio.get_running_loop().sock_sendall(self._peer, text)
            except OSError:  # TimeoutError is one
                raise HungUp from None

    async def serve(self, person: Person) -> None:
        """Answer until the client hangs up or sends no lines. HungUp."""
        try:
            while (text := await self._line()) is not None:
                answer = await self._answer(person, text)
                if answer:
                    await self.say(answer)
                self._tell()
                # Thousands of lines may wait in one buffer; everybody else has a turn between two.
                await asyncio.sleep(0)
        except wire.WireError as error:
            await self.say(refusal(None, wire.BAD_REQUEST, str(error)))
        finally:
            self._stop_hearing()
            await self._end_telling()

    async def _line(self) -> bytes | None:
        loop = asyncio.get_running_loop()
        until: float | None = None
        while (text := self._lines.next()) is None:
            if self._lines.unfinished and until is None:
                until = loop.time() + self._desk.patience.line
            try:
                async with asyncio.timeout_at(until):
                    came = await loop.sock_recv(self._peer, self._lines.room)
            except TimeoutError:
                raise wire.WireError("a line was not finished in time") from None
            except OSError:
                raise HungUp from None
            if not came:
                return None
            self._lines.give(came)
        return text

    async def _answer(self, person: Person, text: bytes) -> bytes | None:
        try:
            read = wire.request_of(text)
        except wire.WireError as error:
            return refusal(error.id, wire.BAD_REQUEST, str(error))
        if isinstance(read, wire.Hello):
            return _other_version(read)
        try:
            return wire.line({"id": read.id, "ok": await self._done(person, read)})
        except Refusal as error:
            if error.code == wire.NOT_ALLOWED:
                self._desk.refused(person, read.verb)
            return refusal(read.id, error.code, error.message)
        except Exception as error:  # whatever a verb does, its client has an answer
            return _broken(read, error)

    async def _done(self, person: Person, asked: wire.Request) -> Mapping[str, Any]:
        if asked.verb != SUBSCRIBE:
            return await self._desk.verbs.ask(person, asked.verb, asked.args)
        if not person.may(SUBSCRIBE):
            raise Refusal(wire.NOT_ALLOWED, person.refused(SUBSCRIBE, allowed(SUBSCRIBE)))
        topics = self._wanted(person, asked.args)
        self._stop_hearing()
        async with self._sending:  # ended between two lines, never within one
            await self._end_telling()
        self._hearing = self._desk.broadcast.listen(topics)
        return {"topics": topics}

    def _wanted(self, person: Person, args: Mapping[str, Any]) -> list[str]:
        try:
            only(args, "topics")
            topics = _texts(args.get("topics"))
        except InputError as error:
            raise Refusal(wire.BAD_ARGUMENT, str(error)) from None
        there = self._desk.topics()
        for topic in topics:
            if allowed_topic(topic) and not person.may_hear(topic):
                raise Refusal(wire.NOT_ALLOWED, person.refused(topic, allowed_topic(topic)))
            if topic not in there:
                known = ", ".join(sorted(t for t in there if person.may_hear(t))) or "none"
                raise Refusal(wire.NOT_FOUND, f"{topic!r}: no such topic; there are: {known}")
        return topics

    def _tell(self) -> None:
        """Begin with the events that were subscribed to; the answer has gone out before."""
        if self._hearing is not None and self._telling is None:
            work = self._tell_all(self._hearing)
            self._telling = asyncio.create_task(work, name="control events")

    async def _tell_all(self, hearing: Listener) -> None:
        try:
            while True:
                event = await hearing.next()
                try:
                    text = wire.line(event)
                except wire.WireError as error:
                    log.error("control.event_unsent", extra={"why": str(error)})  # noqa: TRY400
                    continue
                await self.say(text)
                await asyncio.sleep(0)  # hundreds may wait; everybody else has a turn between
        except HungUp:
            # Ends the reading too, which may wait for a client that never sends again.
            with suppress(OSError):
                self._peer.shutdown(socket.SHUT_RDWR)

    def _stop_hearing(self) -> None:
        if self._hearing is not None:
            self._desk.broadcast.leave(self._hearing)
            self._hearing = None

    async def _end_telling(self) -> None:
        telling, self._telling = self._telling, None
        if telling is not None:
            telling.cancel()
            await asyncio.wait([telling])


def refusal(number: int | None, code: str, message: str) -> bytes:
    """An answer that says no, as a line. number: None where it could not be read."""
    told = {"code": code, "message": message[:_MOST_TOLD]}
    try:
        return wire.line({"id": number, "error": told})
    except wire.WireError:
        return wire.line({"id": number, "error": {"code": code, "message": ascii(message)[:4000]}})


def _texts(value: object) -> list[str]:
    if isinstance(value, list) and len(value) <= _MOST_TOPICS:
        texts = [text for text in value if isinstance(text, str)]
        if len(texts) == len(value):
            return list(dict.fromkeys(texts))
    raise InputError(f"topics: give a list of at most {_MOST_TOPICS} texts")


def _other_version(hello: wire.Hello) -> bytes | None:
    if hello.protocol == wire.PROTOCOL:
        return None
    message = (
        f"the client ({hello.version or 'of an unknown version'}) speaks protocol "
        f"{hello.protocol}, this daemon protocol {wire.PROTOCOL}; restart the older one"
    )
    return refusal(None, wire.BAD_REQUEST, message)


def _broken(asked: wire.Request, error: Exception) -> bytes:
    # Where it happened, never what it says: that may be a card number or a PIN.
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at is not None else "?"
    why = f"{type(error).__name__} at {where}"
    log.error("control.verb_failed", extra={"verb": asked.verb, "why": why})
    message = f"{asked.verb} failed by a fault of the program; see control.verb_failed in its log"
    return refusal(asked.id, wire.FAILED, message)
