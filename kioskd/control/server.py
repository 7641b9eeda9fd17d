"""The control socket: makes it, lets people in, and keeps it in its place.

Whatever is wrong with the socket, doors never hear of it: it is told once and tried again.
While some newcomers are looked up, the others wait their turn in the kernel's queue.
Deliberately not here: one client's lines (connection), how many may come (room), the file
(listening).
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from kioskd import wire
from kioskd.control.broadcast import Broadcaster
from kioskd.control.connection import Connection, Desk, HungUp
from kioskd.control.listening import Listening, NotListening, listen
from kioskd.control.people import Person
from kioskd.control.replies import refusal
from kioskd.control.room import Limits, Room
from kioskd.control.verbs import Verbs

log = logging.getLogger("kioskd.control")

_MOST_REMEMBERED: Final = 1000  # refusals that were told already

T = TypeVar("T")


def _leave(made: "Future[Listening]") -> None:
    if not made.cancelled() and made.exception() is None:
        made.result().leave()


async def _untold(person: Person, topic: str) -> None:
    """For a server whose topics tell of no person."""


def _as_connected(person: Person) -> Person:
    """For a server whose people keep their roles."""
    return person


class ControlServer:
    """Answers on a unix socket as Verbs and Broadcaster say.

    person_of: recognises who connected; may block. version: of the daemon, for its greeting.
    topics: those that can be subscribed to now. gids: groups that may open the socket besides the
    daemon's own; may block. renewed: a person with the roles of now, asked at each line and event;
    must not block. looked: writes down that a person begins to listen to a topic with persons'
    rows; KioskError: then they do not.

    `tried` is set once it was tried to make the socket, whether it is there then or not.
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
        renewed: Callable[[Person], Person] = _as_connected,
        looked: Callable[[Person, str], Awaitable[object]] = _untold,
        limits: Limits | None = None,
    ) -> None:
        self.tried = asyncio.Event()
        self._path = path
        self._person_of = person_of
        self._hello = wire.hello(version)
        self._gids = gids
        self._limits = limits or Limits()
        patience = self._limits.patience
        self._desk = Desk(verbs, broadcast, topics, self._refused, patience, renewed, looked)
        self._here = Room(self._limits)
        self._served: set[Connection] = set()
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
                gids = await self._off_loop(self._role_groups)
                for connection in tuple(self._served):
                    connection.renew()
                if gids != listening.gids:
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
                listening = await self._listening()
            except NotListening as fault:
                quiet = str(fault) == told
                told = str(fault)
                extra = {"socket": str(self._path), "why": told}
                log.log(logging.DEBUG if quiet else logging.ERROR, fault.event, extra=extra)
                await asyncio.sleep(self._limits.tend)
            else:
                log.info("control.ready", extra={"socket": str(self._path)})
                return listening

    async def _listening(self) -> Listening:
        making = self._thread.submit(lambda: listen(self._path, self._role_groups()))
        try:
            return await asyncio.wrap_future(making)
        except asyncio.CancelledError:
            # It may be made already, or be made yet, by a thread that nobody can stop.
            making.add_done_callback(_leave)
            raise
        finally:
            self.tried.set()

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
            if lacking := self._here.lacking_for(person):
                await connection.say(refusal(None, wire.BUSY, lacking))
            else:
                await self._serve(connection, person)
        except (HungUp, TimeoutError):
            pass
        except Exception as error:  # one client never ends the others
            log.error("control.client_failed", extra={"why": type(error).__name__})  # noqa: TRY400
        finally:
            peer.close()

    async def _serve(self, connection: Connection, person: Person) -> None:
        with self._here.taken(person):
            self._served.add(connection)
            try:
                await connection.serve(person)
            finally:
                self._served.discard(connection)

    async def _looked_up(
        self, peer: socket.socket, connection: Connection, newcomers: asyncio.Semaphore
    ) -> Person:
        try:
            await connection.say(self._hello)
            async with asyncio.timeout(self._limits.look_up):
                return await self._off_loop(lambda: self._person_of(peer))
        finally:
            newcomers.release()

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
