"""The demo's panel as a Textual application: keys and clicks in, one page out.

Nothing it does waits for the daemon: each move is a task of its own, begun in the order of the
keys. Deliberately not here: what keys mean (demo_keys), what is known (demo_story), how it looks
(demo_page).
"""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.events import Click, Key
from textual.screen import Screen

from kioskd.client import AskError
from ui.panel.demo_inks import style
from ui.panel.demo_keys import ACCEPT, QUIT, WALK, Move, key_of, move_of
from ui.panel.demo_links import JournalLink, StageLink
from ui.panel.demo_model import Visitor
from ui.panel.demo_page import page
from ui.panel.demo_pieces import Line, key_at
from ui.panel.demo_reading import visitors_of
from ui.panel.demo_story import Story
from ui.panel.following import Following, Scene
from ui.widgets import Board, Painted

BEAT_SECONDS: Final = 1.0  # of the clock in the head
TURN_BEATS: Final = 3  # of a language on the door's screen
WALK_SECONDS: Final = 1.5  # that somebody needs to go through a door
STOPPED, STAGE_LOST = 0, 1


def _now() -> datetime:
    return datetime.now(UTC)


class _Only(Screen[None], inherit_bindings=False):
    """A screen without bindings of its own: every key is the panel's."""

    ALLOW_SELECT = False
    CSS = "_Only { layout: vertical; overflow: hidden; }"


class DemoPanel(App[int], inherit_bindings=False):
    """Shows the stage, its door and its journal until somebody quits.

    stage: open. door: its name. control: the daemon's socket. now: aware wall time; sleep: for
    who goes through the door. Returns STOPPED, or STAGE_LOST with `why` set.
    """

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        stage: StageLink,
        people: Mapping[str, Any],
        state: Mapping[str, Any],
        following: Following,
        control: Path,
        now: Callable[[], datetime] = _now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        super().__init__()
        self.why = ""
        self._stage, self._following = stage, following
        self._now, self._sleep = now, sleep
        self._door = following.scene.door
        self.story = Story(following.scene, self._door)
        self.story.peopled(visitors_of(people))
        self.story.staged(state)
        self._journal = JournalLink(control, self._row, self._looked, self._listening)
        self._beats = self._turned = 0
        self._page: list[Line] = []
        self._board = Board(self._paint)
        self._tasks: set[asyncio.Task[None]] = set()

    def get_default_screen(self) -> Screen[None]:
        """The one screen that there is."""
        return _Only()

    def compose(self) -> ComposeResult:
        """One board over all of it."""
        yield self._board

    def on_mount(self) -> None:
        """Begin to follow the door, the stage and the journal."""
        self.set_interval(BEAT_SECONDS, self.beat)
        self._begin(self._following.run(self._shown), "door")
        self._begin(self._follow_stage(), "stage")
        self._begin(self._journal.run(), "journal")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, self.exit, STOPPED)

    def on_ready(self) -> None:
        """The first picture is there: what was made until now stays, and is not searched again."""
        gc.collect()
        gc.freeze()

    async def on_unmount(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def beat(self) -> None:
        """A second went by."""
        self._beats += 1
        self._board.renew()

    def on_key(self, event: Key) -> None:
        """A key of the terminal."""
        event.stop()
        self.press(key_of(event.key, event.character))

    def on_click(self, event: Click) -> None:
        """A click on a piece that names a key is that key."""
        self.press(key_at(self._page, event.screen_x, event.screen_y))

    def press(self, key: str) -> None:
        """Do what this key does."""
        move = move_of(key, self.story.model, self.story.chosen)
        if move is None:
            return
        if move.verb == QUIT:
            self.exit(STOPPED)
            return
        self.story.say(move.told)
        if move.verb:
            self._begin(self._do(move), f"move {move.verb}")
        self._board.renew()

    async def _do(self, move: Move) -> None:
        try:
            if move.verb == WALK:
                await self._walk()
            elif move.visitor is not None:
                await self._scan(move, move.visitor)
            elif move.verb == ACCEPT:
                await self._journal.ask(move.verb, **move.args)
            else:
                await self._stage.ask(move.verb, **move.args)
        except AskError as error:
            self._refused(f"{move.verb}: {error}")

    async def _walk(self) -> None:
        await self._stage.ask("open")
        await self._sleep(WALK_SECONDS)
        await self._stage.ask("close")

    async def _scan(self, move: Move, visitor: Visitor) -> None:
        self.story.scanned(visitor)
        await self._stage.ask(move.verb, **move.args)
        with suppress(AskError):  # the daemon may be away; then its rules are not known
            self.story.explained(visitor, await self._stage.ask("explain", **move.args))
        self._board.renew()

    def _refused(self, why: str) -> None:
        self.story.say(why)
        self._board.renew()

    async def _follow_stage(self) -> None:
        try:
            await self._stage.run(self._staged)
        except AskError as error:
            self.why = f"the demo has ended: {error}"
            self.exit(STAGE_LOST, return_code=STAGE_LOST)

    def _staged(self, state: Mapping[str, Any]) -> None:
        self.story.staged(state)
        self._board.renew()

    def _shown(self, scene: Scene) -> None:
        if scene.shown.notice is not self.story.model.scene.shown.notice:
            self._turned = self._beats  # a notice begins with the first language
        self.story.shown(scene)
        self._board.renew()

    def _row(self, event: Mapping[str, Any]) -> None:
        if self.story.happened(event):
            self._begin(self._judge(), "why")
        self._board.renew()

    def _looked(self, status: Mapping[str, Any]) -> None:
        self.story.looked(status)
        self._board.renew()

    def _listening(self, connected: bool) -> None:
        self.story.listening(connected=connected)
        self._board.renew()

    async def _judge(self) -> None:
        with suppress(AskError):
            self.story.judged(await self._journal.ask("why", door=self._door, language="en"))
        self._board.renew()

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _paint(self, columns: int, rows: int) -> Painted:
        turn = (self._beats - self._turned) // TURN_BEATS
        story = self.story
        self._page = page(story.model, self._now(), columns, rows, turn, story.chosen)
        few, none = self.console.color_system == "standard", self.no_color
        return [
            [(each.text, style(each.ink, few=few, none=none)) for each in line if each.text]
            for line in self._page
        ]
