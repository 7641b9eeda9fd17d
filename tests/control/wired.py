"""A control socket in one process: its server, verbs that only remember, and callers of any role.

A caller binds an abstract name before it connects, and the server takes that name for the person:
so one process can be everybody. Real accounts are in test_control_accounts.
"""

import asyncio
import itertools
import json
import socket
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kioskd.control.broadcast import Broadcaster
from kioskd.control.people import VERBS, Person, Role
from kioskd.control.room import Limits
from kioskd.control.server import ControlServer
from kioskd.control.verbs import Arguments, Run, Verbs
from kioskd.errors import StoreError

PATIENCE_SECONDS = 20.0  # only ever spent by a test that fails
TOPICS = ("events", "rows", "panel:front", "panel:back", "probe:reader")
_numbers = itertools.count()


@dataclass
class Remembered:
    """What verbs were asked for, and by whom."""

    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    listened: list[tuple[str, str]] = field(default_factory=list)
    full: bool = False  # the disk; no row is written then

    def run(self, verb: str) -> Run:
        async def run(person: Person, args: Arguments) -> Mapping[str, Any]:
            self.asked.append((person.name, verb, dict(args)))
            return {"did": verb}

        return run

    async def looked(self, person: Person, topic: str) -> None:
        if self.full:
            raise StoreError("the journal takes no rows")
        self.listened.append((person.name, topic))


class Caller:
    """One client, line by line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def send(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def line(self) -> dict[str, Any]:
        """The next message; EOFError when the daemon hung up."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                text = await self._reader.readline()
            except (ConnectionResetError, BrokenPipeError):
                text = b""
        if not text.endswith(b"\n"):
            raise EOFError(text)
        read = json.loads(text)
        assert isinstance(read, dict)
        return read

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """The whole answer, error or not."""
        number = next(_numbers)
        await self.send(json.dumps({"id": number, "verb": verb, "args": args}).encode() + b"\n")
        answer = await self.line()
        assert answer["id"] == number
        return answer

    async def hung_up(self) -> bool:
        """Whether the daemon has nothing more to say, ever."""
        try:
            await self.line()
        except EOFError:
            return True
        return False

    async def close(self) -> None:
        """Hang up at once, whatever was not sent or read."""
        self.writer.transport.abort()
        with suppress(OSError):
            await self.writer.wait_closed()


class Wired:
    """A server with its callers. verbs: in place of those that only remember."""

    def __init__(
        self,
        path: Path,
        *,
        verbs: Mapping[str, Run] | None = None,
        limits: Limits | None = None,
        topics: Collection[str] = TOPICS,
        renewed: Callable[[Person], Person] = lambda person: person,
    ) -> None:
        self.path = path
        self.remembered = Remembered()
        stubs = {verb: self.remembered.run(verb) for verb in VERBS if verb != "subscribe"}
        self.broadcast = Broadcaster()
        self.people: dict[bytes, Person] = {}
        self.anybody = Person("root", frozenset({Role.ADMINISTRATOR}))  # without a bound name
        self.server = ControlServer(
            path,
            Verbs({**stubs, **(verbs or {})}),
            self.broadcast,
            self._person_of,
            "1.2.3",
            topics=lambda: topics,
            renewed=renewed,
            looked=self.remembered.looked,
            limits=limits or Limits(tend=0.05),
        )
        self._callers: list[Caller] = []

    async def __aenter__(self) -> Self:
        self.serving = asyncio.create_task(self.server.serve())
        await until(self.path.exists)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for caller in self._callers:
            await caller.close()
        self.serving.cancel()
        await asyncio.wait([self.serving])
        assert self.serving.cancelled(), "the server ended by itself"

    async def call(self, *roles: Role, name: str = "maija", account: int | None = None) -> Caller:
        """Connect as somebody with these roles, and be greeted. account: None is without limits."""
        return await self.call_as(Person(name, frozenset(roles), account=account))

    async def call_as(self, person: Person) -> Caller:
        """Connect as this person, and be greeted."""
        caller = await self._connected(person)
        assert (await caller.line())["hello"] == 1
        return caller

    async def connect(self, *roles: Role, name: str = "maija") -> Caller:
        """Connect, and leave the greeting unread."""
        return await self._connected(Person(name, frozenset(roles)))

    async def _connected(self, person: Person) -> Caller:
        own = b"\0kioskd-test-%d-%d" % (id(self), next(_numbers))
        self.people[own] = person
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plain.bind(own)
        plain.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(plain, str(self.path))
        except OSError:
            plain.close()
            raise
        caller = Caller(*await asyncio.open_unix_connection(sock=plain))
        self._callers.append(caller)
        return caller

    def _person_of(self, peer: socket.socket) -> Person:
        return self.people.get(peer.getpeername(), self.anybody)


async def until(holds: Callable[[], object]) -> None:
    """Wait for what another task or thread does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if holds():
                return
            await asyncio.sleep(0.002)
