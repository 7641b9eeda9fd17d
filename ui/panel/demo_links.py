"""The panel's two other lines besides the door's own: to the demo's stage, and to the journal.

The daemon comes and goes in a demo, so its line is connected anew for ever; the stage is the
process that started the panel, and without it there is nothing left to show.
Deliberately not here: what is made of it (demo_story).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from kioskd.client import ABSENT, AskError, Link, open_link

PATIENCE: Final = 20.0  # seconds for an answer of the stage; a daemon is killed and started in it
ANSWER: Final = 2.0  # seconds for one of the daemon
AGAIN: Final = 0.25  # seconds between two attempts to reach it
LOOK_EVERY: Final = 5.0  # seconds between two looks at the site's state

Told = Mapping[str, Any]
Sleep = Callable[[float], Awaitable[object]]


class StageLink:
    """The demo's own socket. `open` first, then `run` beside `ask`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def open(self) -> tuple[Told, Told]:
        """Connect; who can come, and how the stage stands. AskError."""
        self._link = await open_link(self._path, PATIENCE)
        people = await self._link.ask("people")
        await self._link.subscribe(["stage"])
        return people, await self._link.ask("state")

    async def ask(self, verb: str, **args: Any) -> Told:
        """Do something at the door. AskError."""
        return await self._link.ask(verb, **args)

    async def run(self, tell: Callable[[Told], None]) -> None:
        """Tell how the stage stands at each change, until it ends: AskError."""
        async for event in self._link.events():
            if event.get("event") == "stage":
                tell(event)

    async def aclose(self) -> None:
        """Hang up."""
        await self._link.aclose()


class JournalLink:
    """The daemon's rows as they are written, and what it says of itself and of its decisions.

    row: told each row. looked: told the answer to `status`. listening: told whether it answers.
    """

    def __init__(
        self,
        path: Path,
        row: Callable[[Told], None],
        looked: Callable[[Told], None],
        listening: Callable[[bool], None],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._path = path
        self._row, self._looked, self._listening = row, looked, listening
        self._sleep = sleep
        self._link: Link | None = None
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled, to one daemon after another."""
        while True:
            with suppress(AskError):
                await self._follow()
            self._listening(False)
            await self._sleep(AGAIN)

    async def ask(self, verb: str, **args: Any) -> Told:
        """Ask the daemon for something else. AskError."""
        if self._link is None:
            raise AskError(ABSENT, "the daemon does not answer now")
        return await self._link.ask(verb, **args)

    async def _follow(self) -> None:
        async with await open_link(self._path, ANSWER) as link:
            await link.subscribe(["rows"])
            self._link = link
            self._listening(True)
            looking = asyncio.create_task(self._look(link), name="status")
            try:
                async for event in link.events():
                    if event.get("event") == "rows":
                        self._row(event)
                        self._news.set()
            finally:
                self._link = None
                looking.cancel()

    async def _look(self, link: Link) -> None:
        """The site's state now, after each row, and now and then."""
        while True:
            try:
                self._looked(await link.ask("status"))
            except AskError:
                await link.aclose()  # which ends its events
                return
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_EVERY)
