"""The screen of a door: a Textual application that shows one notice, in one language after another.

Nobody can leave it from the keyboard, choose anything in it, or see a cursor.
Deliberately not here: where notices come from (following), and how they are set (drawing).
"""

import asyncio
import gc
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from kioskd.client import AskError
from kioskd.domain.notice import Notice, Shown
from ui.panel.colours import styles
from ui.panel.drawing import draw
from ui.panel.following import Following, NoSuchDoorError, Scene
from ui.panel.view import View
from ui.widgets import Board, Painted

LANGUAGE_SECONDS: Final = 3.0  # a slow reader's time for a headline; three fit a notice of 10 s
STOPPED, OTHER_VERSION, NO_SUCH_DOOR = 0, 1, 2


def _now() -> datetime:
    return datetime.now(UTC)


class _Only(Screen[None], inherit_bindings=False):
    """A screen without bindings: nothing to copy, nothing to go to."""

    ALLOW_SELECT = False
    CSS = "_Only { layout: vertical; overflow: hidden; }"


class DoorScreen(App[int], inherit_bindings=False):
    """Shows what a door shows, until it is told to stop by a signal.

    Returns STOPPED, or OTHER_VERSION or NO_SUCH_DOOR with `why` set; `return_code` is the same,
    and 1 where the screen broke. now: aware wall time.
    """

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        following: Following,
        now: Callable[[], datetime] = _now,
    ) -> None:
        super().__init__()
        self.why = ""
        self._following = following
        self._scene = following.scene
        self._now = now
        self._turns = 0
        self._board = Board(self._paint)
        self._follows: asyncio.Task[None] | None = None

    def get_default_screen(self) -> Screen[None]:
        """The one screen that there is."""
        return _Only()

    def compose(self) -> ComposeResult:
        """One board over all of it."""
        yield self._board

    def on_mount(self) -> None:
        """Begin to follow the door, and to take turns."""
        self._turning = self.set_interval(LANGUAGE_SECONDS, self.turn)
        self._follows = asyncio.create_task(self._follow(), name="door")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, self.exit, STOPPED)

    def on_ready(self) -> None:
        """The first picture is there: what was made until now stays, and is not searched again."""
        gc.collect()
        gc.freeze()

    async def on_unmount(self) -> None:
        """Hang up."""
        if self._follows is not None:
            self._follows.cancel()
            await asyncio.gather(self._follows, return_exceptions=True)

    def turn(self) -> None:
        """The next language, and the time of day."""
        self._turns += 1
        self._board.renew()

    def show(self, scene: Scene) -> None:
        """Show this from now on; another notice begins with the first language."""
        if _without_digits(scene.shown) != _without_digits(self._scene.shown):
            self._turns = 0
            self._turning.reset()
        self._scene = scene
        self._board.renew()

    async def _follow(self) -> None:
        try:
            await self._following.run(self.show)
        except AskError as error:
            self._give_up(error, OTHER_VERSION)
        except NoSuchDoorError as error:
            self._give_up(error, NO_SUCH_DOOR)

    def _give_up(self, error: Exception, code: int) -> None:
        self.why = str(error)
        self.exit(code, return_code=code)

    def _paint(self, columns: int, rows: int) -> Painted:
        scene = self._scene
        place = scene.site.place(scene.door)
        view = View(
            scene.shown,
            place,
            scene.site.languages,
            self._now(),
            self._turns,
            timed=scene.site.zone is not None,
        )
        few = self.console.color_system == "standard"
        inks = styles(view.mood, few=few, none=self.no_color)
        return [((row.text, inks[row.band]),) for row in draw(view, columns, rows)]


class DeveloperScreen(DoorScreen):
    """The same on a developer's terminal, with a way out."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q,ctrl+c", "quit", show=False)]


def _without_digits(shown: Shown) -> Shown:
    return Shown(Notice.ENTER_PIN) if shown.notice is Notice.ENTER_PIN else shown
