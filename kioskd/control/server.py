"""The control socket: makes it, lets people in, and keeps it in its place.

Whatever is wrong with the socket, doors never hear of it: it is told once and tried again.
A share of the connections is for operators and administrators, so that no crowd of screens or
strangers locks staff out; while a newcomer is looked up, the others wait their turn in the
kernel's queue. Deliberately not here: one client's lines (connection), the file (listening).
"""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from kioskd import wire
from kioskd.control.broadcast import Broadcaster
from kioskd.control.connection import Connection, Desk, HungUp, Patience, refusal
from kioskd.control.listening import Listening, NotListening, listen
from kioskd.control.people import Person, Role
from kioskd.control.verbs import Verbs

log = logging.getLogger("kioskd.control")

_STAFF: Final = frozenset({Role.OPERATOR, Role.ADMINISTRATOR})
_MOST_REMEMBERED: Final = 1000  # refusals that were told already

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many at once, and how long is waited (seconds)."""

    connections: int = 256
    kept_for_staff: int = 32  # of these
    strangers: int = 16  # who have no role at all
    newcomers: int = 32  # being looked up
    look_up: float = 10.0
    tend: float = 5.0  # between two looks at the socket's file, or two tries to make it
    no_files: float = 1.0  # before a process that has no free files takes connections again
    patience: Patience = field(default_factory=Patience)


class ControlServer:
    """Answers on a unix socket as Verbs and Broadcaster say.

    person_of: recognises who connected; may block. version: of the daemon, for its greeting.
    topics: those that can be subscribed to now. gids: groups that may open the socket besides the
    daemon's own; may block.
    """

    def __init__(
        self,
        path: Path,
        verbs: Verbs,
        broadcast: Broadcaster,
        person_of: Callable[[socket.socket], Person],
        version: str,
        *,
        topics: Callable[[], Collection[str]] = frozenset,
        gids: Callable[[], Collection[int]] = frozenset,
        limits: Limits | None = None,
    ) -> None:
        self._path = path
        self._person_of = person_of
        self._hello = wire.hello(version)
        self._gids = gids
        self._limits = limits or Limits()
        self._desk = Desk(verbs, broadcast, topics, self._refused, self._limits.patience)
        self._here: Counter[str] = Counter()
        self._told: set[tuple[str, str]] = set()

    async def serve(self) -> None:
        """Serve until cancelled; then the socket's file is gone, if it was this one's."""
        # A thread of its own: a directory server that hangs must hold up nobody but newcomers.
        self._thread = ThreadPoolExecutor(1, "control")
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._serve_on(await self._made(), group)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _serve_on(self, listening: Listening, group: asyncio.TaskGroup) -> None:
        accepting = group.create_task(self._accept(listening.socket, group), name="control accept")
        try:
            while await self._off_loop(listening.in_place):
                await asyncio.sleep(self._limits.tend)
                if await self._off_loop(self._role_groups) != listening.gids:
                    return
            log.warning("control.lost", extra={"socket": str(self._path), "why": "made anew"})
        finally:
            accepting.cancel()
            await asyncio.wait([accepting])
            listening.leave()

    async def _made(self) -> Listening:
        told = ""
        while True:
            try:
                listening = await self._off_loop(lambda: listen(self._path, self._role_groups()))
            except NotListening as fault:
                quiet = str(fault) == told
                told = str(fault)
                extra = {"socket": str(self._path), "why": told}
                log.log(logging.DEBUG if quiet else logging.ERROR, fault.event, extra=extra)
                await asyncio.sleep(self._limits.tend)
            else:
                log.info("control.ready", extra={"socket": str(self._path)})
                return listening

    async def _accept(self, listening: socket.socket, group: asyncio.TaskGroup) -> None:
        newcomers = asyncio.Semaphore(self._limits.newcomers)
        loop, short = asyncio.get_running_loop(), False
        while True:
            await newcomers.acquire()
            try:
                peer, _ = await loop.sock_accept(listening)
            except OSError as error:
                newcomers.release()
                if not short:
                    log.error("control.refusing", extra={"why": error.strerror})  # noqa: TRY400
                short = True
                await asyncio.sleep(self._limits.no_files)
                continue
            short = False
            group.create_task(self._meet(peer, newcomers), name="control client")

    async def _meet(self, peer: socket.socket, newcomers: asyncio.Semaphore) -> None:
        connection = Connection(peer, self._desk)
        try:
            person = await self._looked_up(peer, connection, newcomers)
            with self._counted(person) as welcome:
                if welcome:
                    await connection.serve(person)
                else:
                    await connection.say(_FULL)
        except (HungUp, TimeoutError):
            pass
        except Exception as error:  # one client never ends the others
            log.error("control.client_failed", extra={"why": type(error).__name__})  # noqa: TRY400
        finally:
            peer.close()

    async def _looked_up(
        self, peer: socket.socket, connection: Connection, newcomers: asyncio.Semaphore
    ) -> Person:
        try:
            await connection.say(self._hello)
            async with asyncio.timeout(self._limits.look_up):
                return await self._off_loop(lambda: self._person_of(peer))
        finally:
            newcomers.release()

    @contextmanager
    def _counted(self, person: Person) -> Iterator[bool]:
        kind = _kind(person)
        if not self._room_for(kind):
            yield False
            return
        self._here[kind] += 1
        try:
            yield True
        finally:
            self._here[kind] -= 1

    def _room_for(self, kind: str) -> bool:
        limits, here = self._limits, self._here
        if kind == "staff":
            return here.total() < limits.connections
        if kind == "strangers" and here[kind] >= limits.strangers:
            return False
        return here.total() - here["staff"] < limits.connections - limits.kept_for_staff

    def _refused(self, person: Person, verb: str) -> None:
        """Told once for each person and verb; a crowd of refusals never fills the log."""
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        quiet = (person.name, verb) in self._told
        self._told.add((person.name, verb))
        level = logging.DEBUG if quiet else logging.WARNING
        log.log(level, "control.refused", extra={"by": person.name, "verb": verb})

    def _role_groups(self) -> frozenset[int]:
        return frozenset(self._gids())

    async def _off_loop(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _kind(person: Person) -> str:
    if person.roles & _STAFF:
        return "staff"
    return "others" if person.roles else "strangers"


_FULL: Final = refusal(None, wire.BUSY, "too many clients at once; close some, then ask again")
