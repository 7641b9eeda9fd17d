"""One client: its lines in order, one answer at a time, and events in between.

Nothing is queued for a client: its next line is read when the last is answered, and a line that
it does not take in time ends the connection. So 256 clients that send and never read cost their
buffers in the kernel and no more. What a person may do is judged at each line and each event by
the roles of that moment, not of when they connected.
Deliberately not here: who the person is (peers), how many may come (room), what verbs do.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from kioskd import wire
from kioskd.control.broadcast import Broadcaster, Listener
from kioskd.control.people import (
    LOOKED_AT,
    Person,
    allowed,
    allowed_topic,
    looks_at_persons,
)
from kioskd.control.replies import broken, read, refusal
from kioskd.control.turns import AT_WORK, Looking, Turns
from kioskd.control.verbs import Refusal, Verbs, only
from kioskd.errors import InputError, KioskError

log = logging.getLogger("kioskd.control")

SUBSCRIBE: Final = "subscribe"
# Answered from memory within the turn of being read; nothing that waits keeps them from it.
_FROM_MEMORY: Final = frozenset({"site", "status", "health"})
# Never waits for what others asked for: doors, and listening.
_NO_TURN: Final = frozenset({"open", "lock", "lockdown", SUBSCRIBE})
_MOST_TOPICS: Final = 64


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. line: for a line that has begun; send: for a line that the client does not take."""

    line: float = 30.0
    send: float = 10.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What every connection of a server answers with.

    topics: those that exist now. renewed: a person with the roles of now; must not block. looked:
    writes down that a person begins to listen to a topic with persons' rows; KioskError. reading,
    working: the turns of lines that are read, and of verbs that take longer.
    """

    verbs: Verbs
    broadcast: Broadcaster
    topics: Callable[[], Collection[str]]
    refused: Callable[[Person, str], None]
    patience: Patience
    renewed: Callable[[Person], Person]
    looked: Callable[[Person, str], Awaitable[object]]
    reading: Turns = field(default_factory=Turns)
    working: Turns = field(default_factory=lambda: Turns(AT_WORK))
    looking: Looking = field(default_factory=Looking)


class HungUp(Exception):
    """The client is gone, or does not read."""


class Connection:
    """A connected socket, non-blocking, that its owner closes. Nobody's until it is served."""

    def __init__(self, peer: socket.socket, desk: Desk) -> None:
        self._peer = peer
        self._desk = desk
        self._person = Person("nobody", frozenset())
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
        self._person = person
        try:
            while (text := await self._line()) is not None:
                answer = await self._answer(text)
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

    def renew(self) -> None:
        """Hang up where it listens to what is not for this person any more."""
        if self._hearing is not None and not self._may_hear(self._hearing):
            self._hang_up()

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

    async def _answer(self, text: bytes) -> bytes | None:
        async with self._desk.reading.taken():
            asked = read(text)
            if not isinstance(asked, wire.Request):
                return asked
            if asked.verb in _FROM_MEMORY:
                return await self._reply(asked)
        if asked.verb in _NO_TURN:
            return await self._reply(asked)
        async with self._desk.working.taken():
            return await self._reply(asked)

    async def _reply(self, asked: wire.Request) -> bytes:
        person = self._person = self._desk.renewed(self._person)
        try:
            return wire.line({"id": asked.id, "ok": await self._done(person, asked)})
        except Refusal as error:
            if error.code == wire.NOT_ALLOWED:
                self._desk.refused(person, asked.verb)
            return refusal(asked.id, error.code, error.message)
        except Exception as error:  # whatever a verb does, its client has an answer
            return broken(asked, error)

    async def _done(self, person: Person, asked: wire.Request) -> Mapping[str, Any]:
        if asked.verb == SUBSCRIBE:
            return await self._subscribed(person, asked.args)
        if person.may(asked.verb) and looks_at_persons(asked.verb, asked.args):
            self._desk.looking.count(person)
        return await self._desk.verbs.ask(person, asked.verb, asked.args)

    async def _subscribed(self, person: Person, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if not person.may(SUBSCRIBE):
            raise Refusal(wire.NOT_ALLOWED, person.refused(SUBSCRIBE, allowed(SUBSCRIBE)))
        topics = self._wanted(person, args)
        for topic in LOOKED_AT.intersection(topics):
            await self._look(person, topic)
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
            if topic not in there or not person.may_hear(topic):
                known = ", ".join(sorted(t for t in there if person.may_hear(t))) or "none"
                raise Refusal(wire.NOT_FOUND, f"{topic!r}: no such topic; there are: {known}")
        return topics

    async def _look(self, person: Person, topic: str) -> None:
        """Write down who listens; without that row they do not."""
        self._desk.looking.count(person)
        try:
            await self._desk.looked(person, topic)
        except KioskError as error:
            raise Refusal(wire.FAILED, str(error)) from None

    def _may_hear(self, hearing: Listener) -> bool:
        self._person = self._desk.renewed(self._person)
        return all(self._person.may_hear(topic) for topic in hearing.topics)

    def _tell(self) -> None:
        """Begin with the events that were subscribed to; the answer has gone out before."""
        if self._hearing is not None and self._telling is None:
            work = self._tell_all(self._hearing)
            self._telling = asyncio.create_task(work, name="control events")

    async def _tell_all(self, hearing: Listener) -> None:
        try:
            while True:
                event = await hearing.next()
                if not self._may_hear(hearing):
                    self._hang_up()
                    return
                try:
                    text = wire.line(event)
                except wire.WireError as error:
                    log.error("control.event_unsent", extra={"why": str(error)})  # noqa: TRY400
                    continue
                await self.say(text)
                await asyncio.sleep(0)  # hundreds may wait; everybody else has a turn between
        except HungUp:
            self._hang_up()

    def _hang_up(self) -> None:
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


def _texts(value: object) -> list[str]:
    if isinstance(value, list) and len(value) <= _MOST_TOPICS:
        texts = [text for text in value if isinstance(text, str)]
        if len(texts) == len(value):
            return list(dict.fromkeys(texts))
    raise InputError(f"topics: give a list of at most {_MOST_TOPICS} texts")
