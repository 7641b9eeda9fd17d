"""A daemon as a screen meets it: the real control socket, with one site and nothing behind it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from kioskd.control.broadcast import Broadcaster
from kioskd.control.people import Person, Role
from kioskd.control.server import ControlServer
from kioskd.control.verbs import Verbs
from kioskd.domain.notice import Shown
from kioskd.wire import shown_event

SITE: Mapping[str, Any] = {
    "name": {"fi": "Esimerkkilän kirjasto", "sv": "Exempelby bibliotek", "en": "Example Library"},
    "languages": ["fi", "sv", "en"],
    "help_phone": "+358 44 123 4567",
    "timezone": "Europe/Helsinki",
    "doors": {"front": {"minimum_age": 15}, "yard": {"minimum_age": 18}},
}
SCREEN = Person("screen", frozenset({Role.SCREEN}))


class Doorkeeper:
    """Serves a socket. `site` may be changed while it does, `answers` cleared to keep silent."""

    def __init__(self, path: Path, version: str = "0.1.0") -> None:
        self.path = path
        self.site: dict[str, Any] = dict(SITE)
        self.broadcast = Broadcaster()
        self.answers = asyncio.Event()
        self.answers.set()
        self._version = version

    def show(self, shown: Shown, door: str = "front") -> None:
        """A notice, as the door publishes it."""
        self.publish(shown_event(shown), door)

    def publish(self, event: Mapping[str, Any], door: str = "front") -> None:
        """Any event of a door's topic."""
        self.broadcast.publish(f"panel:{door}", event)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """In this loop."""
        server = ControlServer(
            self.path,
            Verbs({"site": self._told}),
            self.broadcast,
            lambda peer: SCREEN,
            self._version,
            topics=lambda: [f"panel:{door}" for door in self.site["doors"]],
        )
        task = asyncio.create_task(server.serve())
        try:
            while not self.path.exists():  # noqa: ASYNC110 - a file gives no signal
                await asyncio.sleep(0.002)
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @contextmanager
    def in_a_thread(self) -> Iterator["Afar"]:
        """In a loop of its own, for a screen that is another program."""
        afar = Afar(self)
        afar.start()
        try:
            yield afar
        finally:
            afar.stop()

    async def _told(self, person: Person, args: Mapping[str, Any]) -> Mapping[str, Any]:
        await self.answers.wait()
        return self.site


class Afar(threading.Thread):
    """A doorkeeper in a thread."""

    def __init__(self, keeper: Doorkeeper) -> None:
        super().__init__(name="doorkeeper", daemon=True)
        self._keeper = keeper
        self._up = threading.Event()

    def run(self) -> None:
        asyncio.run(self._serve())

    def start(self) -> None:
        super().start()
        assert self._up.wait(10)

    def stop(self) -> None:
        """Hang up on everybody."""
        if self.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self.join(10)

    def show(self, shown: Shown) -> None:
        """A notice, as the door publishes it."""
        self._loop.call_soon_threadsafe(self._keeper.show, shown)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with self._keeper.serving():
            self._up.set()
            await self._over.wait()
