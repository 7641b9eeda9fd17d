"""A door's notices as they come, from one daemon after another.

What is known of the site outlives the daemon: while none answers, the screen says so with the
phone number that it had before. A screen is not the place for log lines: what cannot be
understood is passed over, and what is wrong for good ends the program with a message.
Deliberately not here: what is shown of it (door, lines).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kioskd.client import (
    ABSENT,
    FORBIDDEN,
    GONE,
    OTHER_VERSION,
    REFUSED,
    AskError,
    Link,
    open_link,
)
from kioskd.domain.notice import Notice, Shown
from kioskd.wire import NOT_ALLOWED, NOT_FOUND, WireError, shown_of
from ui.panel.plain import clean
from ui.panel.site import Site, site_of
from ui.panel.view import SCREEN_CODE

TIMEOUT: Final = 2.0  # seconds for a daemon to answer; then it is taken for gone
LOOK_EVERY: Final = 15.0  # seconds between two questions for the site: also whether it answers
FIRST_NOTICE: Final = 0.2  # seconds; a door that has shown nothing yet is idle
_PAUSES: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 5.0)  # seconds between attempts; the last ones repeat
_PATIENCE: Final = 3  # attempts while a daemon may just be starting
_STARTING: Final = frozenset({ABSENT, REFUSED, GONE})
_VAIN: Final = frozenset({OTHER_VERSION, FORBIDDEN, NOT_ALLOWED})  # somebody must mend something

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a screen shows, and whether a daemon says so."""

    door: str
    site: Site
    shown: Shown
    connected: bool


Tell = Callable[[Scene], None]


class NoSuchDoorError(Exception):
    """There is no such door at this site; the message names those that there are."""


class Following:
    """One door, by name; None for the only one of the site. sockets: tried in this order."""

    def __init__(
        self, door: str | None, sockets: Sequence[Path], sleep: Sleep = asyncio.sleep
    ) -> None:
        self._door = door
        self._sockets = sockets
        self._sleep = sleep
        self._link: Link | None = None
        self._scene = Scene(door or "", Site(), Shown(Notice.WAIT), connected=False)
        self._tell: Tell = _nobody

    @property
    def scene(self) -> Scene:
        """What is known at present."""
        return self._scene

    async def begin(self) -> None:
        """One attempt before there is a screen. NoSuchDoorError; AskError where waiting is vain.

        A daemon that is not there yet is waited for, also where the door has no name yet.
        """
        try:
            self._link = await self._connected()
        except AskError as error:
            if error.code in _VAIN:
                raise

    async def run(self, tell: Tell) -> None:
        """Tell every scene until cancelled. AskError: the daemon is of another version.

        NoSuchDoorError: no door was named, and the site has not just one.
        """
        self._tell = tell
        failed = 0
        while True:
            try:
                link, self._link = self._link or await self._connected(), None
                failed = 0
                await self._listen(link)
            except AskError as error:
                failed += 1
                self._lost(error, failed)
            except NoSuchDoorError:
                if not self._scene.door:
                    raise
                failed += 1
                self._show(Shown(Notice.FAULT, code=SCREEN_CODE), connected=False)
            await self._sleep(_PAUSES[min(failed, len(_PAUSES)) - 1])

    async def _connected(self) -> Link:
        link = await self._opened()
        try:
            await self._learn(link)
            await link.subscribe([f"panel:{self._scene.door}"])
        except BaseException as error:
            await link.aclose()
            if isinstance(error, AskError) and error.code == NOT_FOUND:
                raise NoSuchDoorError(str(error)) from None
            raise
        return link

    async def _opened(self) -> Link:
        """The first socket that answers; else the error of the one that comes first."""
        errors = []
        for socket in self._sockets:
            try:
                return await open_link(socket, TIMEOUT)
            except AskError as error:
                errors.append(error)
        raise next((e for e in errors if e.code != ABSENT), errors[0])

    async def _learn(self, link: Link) -> None:
        site = site_of(await link.ask("site"))
        door = self._door_of(site)
        self._scene = Scene(door, site, self._scene.shown, self._scene.connected)

    def _door_of(self, site: Site) -> str:
        if self._door is None and len(site.doors) == 1:
            return next(iter(site.doors))
        # The only door stays that of a nameless screen when the site gets a second one.
        if (known := self._door or self._scene.door) in site.doors:
            return known
        there = clean(", ".join(sorted(site.doors))) or "none at all"
        if self._door is None:
            raise NoSuchDoorError(f"say --door NAME; this site has: {there}")
        raise NoSuchDoorError(f"no door {clean(self._door)!r} at this site; it has: {there}")

    async def _listen(self, link: Link) -> None:
        looking = asyncio.create_task(self._look_now_and_then(link), name="site")
        idle = asyncio.get_running_loop().call_later(FIRST_NOTICE, self._idle)
        try:
            async for event in link.events():
                self._take(event, idle)
        finally:
            idle.cancel()
            looking.cancel()
            await link.aclose()

    async def _look_now_and_then(self, link: Link) -> None:
        """Learn of a changed site, and find a daemon that answers no more."""
        while True:
            await self._sleep(LOOK_EVERY)
            door = self._scene.door
            try:
                await self._learn(link)
                lasts = self._scene.door == door  # the only one may have got another name
            except (AskError, NoSuchDoorError):
                lasts = False
            if not lasts:
                await link.aclose()  # which ends its events
                return
            self._tell(self._scene)

    def _take(self, event: dict[str, Any], idle: asyncio.TimerHandle) -> None:
        if event.get("event") != f"panel:{self._scene.door}":
            return
        try:
            shown = shown_of(event)
        except WireError:
            return
        idle.cancel()
        self._show(shown, connected=True)

    def _idle(self) -> None:
        self._show(Shown(Notice.IDLE), connected=True)

    def _lost(self, error: AskError, failed: int) -> None:
        if error.code == OTHER_VERSION:
            raise error
        patient = error.code in _STARTING and failed <= _PATIENCE
        shown = Shown(Notice.WAIT) if patient else Shown(Notice.FAULT, code=SCREEN_CODE)
        self._show(shown, connected=False)

    def _show(self, shown: Shown, *, connected: bool) -> None:
        self._scene = Scene(self._scene.door, self._scene.site, shown, connected)
        self._tell(self._scene)


def _nobody(scene: Scene) -> None:
    """Before anybody asked to be told."""
