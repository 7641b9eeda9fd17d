"""The demo's panel over real sockets: keys and clicks reach the stage, what happens is shown."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from kioskd.domain.notice import Notice, Shown
from tests.screens.stagehand import STATE, AfarTheatre, Theatre, rules
from tests.screens.terminal import on_terminal
from ui.panel.demo_app import STAGE_LOST, STOPPED, DemoPanel
from ui.panel.demo_links import StageLink
from ui.panel.demo_pieces import key_at
from ui.panel.following import Following

PATIENCE_SECONDS = 20.0  # only ever spent by a test that fails
PANEL = (sys.executable, "-P", "-m", "ui.panel.demo")


@pytest.fixture
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    """Not acting yet. A short path: a socket's has at most 107 bytes."""
    return Theatre(tmp_path_factory.mktemp("d"))


class Hall:
    """A panel before its audience."""

    def __init__(self, panel: DemoPanel, pilot: Pilot[int], theatre: Theatre) -> None:
        self.panel, self.pilot, self.theatre = panel, pilot, theatre

    @property
    def seen(self) -> str:
        """All words on the terminal."""
        strips = self.panel.screen._compositor.render_strips()
        return " ".join(" ".join(strip.text for strip in strips).split())

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                await self.pilot.pause(0.005)

    async def sees(self, *texts: str) -> None:
        try:
            await self.until(lambda: all(text in self.seen for text in texts))
        except TimeoutError:
            raise AssertionError(self.seen) from None

    async def asked(self, verb: str, **args: Any) -> None:
        await self.until(lambda: (verb, args) in self.theatre.stage.asked)

    async def click(self, key: str) -> None:
        """On the first cell that names this key."""
        page = self.panel._page
        cells = ((x, y) for y, _ in enumerate(page) for x in range(200) if key_at(page, x, y))
        place = next((x, y) for x, y in cells if key_at(page, x, y) == key)
        await self.pilot.click(offset=place)


@asynccontextmanager
async def showing(
    theatre: Theatre, size: tuple[int, int] = (140, 40), walked: asyncio.Event | None = None
) -> AsyncIterator[Hall]:
    stage, gone_through = StageLink(theatre.stage.path), walked or asyncio.Event()
    people, state = await stage.open()
    following = Following("front", [theatre.control])
    await following.begin()

    async def sleep(seconds: float) -> None:
        await gone_through.wait()

    panel = DemoPanel(stage, people, state, following, theatre.control, sleep=sleep)
    try:
        async with panel.run_test(size=size) as pilot:
            yield Hall(panel, pilot, theatre)
    finally:
        await stage.aclose()


@asynccontextmanager
async def played(
    theatre: Theatre, size: tuple[int, int] = (140, 40), walked: asyncio.Event | None = None
) -> AsyncIterator[Hall]:
    """With stage and daemon."""
    async with theatre.stage.serving(), theatre.acting(), showing(theatre, size, walked) as hall:
        await hall.sees("JOURNAL live", "clock trusted")
        yield hall


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (140, 40)], ids=str)
async def test_a_visit_from_a_letter_to_the_decision_with_every_rule(
    theatre: Theatre, size: tuple[int, int]
) -> None:
    theatre.stage.answers["explain"] = rules("SELF_SERVICE_BLOCK", "until 2026-12-23")
    async with played(theatre, size) as hall:
        await hall.pilot.press("e")
        await hall.asked("scan", id="eeva")
        await hall.asked("explain", id="eeva")
        theatre.show(Shown(Notice.ENTER_PIN))
        await hall.sees("NOT DECIDED YET", "Eeva, blocked")
        await hall.pilot.press("space")
        await hall.asked("press", keys="4711#")
        theatre.decide("SELF_SERVICE_BLOCK", why=["There is a block."])
        theatre.show(Shown(Notice.SELF_SERVICE_BLOCK))
        await hall.sees("DENIED SELF_SERVICE_BLOCK", "FAILS", "12:04:31 entry.decided")
        if size == (140, 40):
            await hall.sees("There is a block.", "passes UNDER_AGE limit 15 years")


async def test_a_grant_releases_the_strike_and_the_journal_grows(theatre: Theatre) -> None:
    async with played(theatre, (100, 30)) as hall:
        await hall.pilot.press("a")
        await hall.asked("scan", id="aino")
        theatre.show(Shown(Notice.ENTER_PIN))
        await hall.sees("NOT DECIDED YET")
        theatre.decide("OK")
        theatre.row("strike.released", door="front", detail={"seconds": 5.0})
        theatre.show(Shown(Notice.GRANTED))
        theatre.stage.told(
            relay="released", lamps={"green": True}, display=["Tervetuloa", "", "", ""]
        )
        await hall.sees("GRANTED OK", "RELEASED", "●GREEN", "Tervetuloa", "strike.released front")
        theatre.row("strike.secured", door="front")
        theatre.stage.told(relay="secured", lamps={})
        await hall.sees("SECURED", "strike.secured front", "○green")
        assert "RELEASED" not in hall.seen


KEYS: list[tuple[str, str, Mapping[str, Any]]] = [
    ("5", "press", {"keys": "5"}),
    ("enter", "press", {"keys": "#"}),
    ("asterisk", "press", {"keys": "*"}),
    ("B", "book", {}),
    ("H", "open", {}),
    ("X", "rex", {}),
    ("T", "button", {}),
    ("K", "unplug", {"device": "front-keypad"}),
    ("plus", "shift", {"seconds": 3600}),
    ("greater_than_sign", "shift", {"seconds": 86_400}),
    ("minus", "shift", {"seconds": -600}),
    ("exclamation_mark", "kill", {}),
]


async def test_every_key_reaches_the_stage(theatre: Theatre) -> None:
    async with played(theatre) as hall:
        for key, verb, args in KEYS:
            await hall.pilot.press(key)
            await hall.asked(verb, **args)


async def test_keys_reach_the_stage_in_their_order(theatre: Theatre) -> None:
    async with played(theatre) as hall:
        await hall.pilot.press("a", *"4711", "enter")
        await hall.asked("press", keys="#")
        asked = [args["keys"] for verb, args in theatre.stage.asked if verb == "press"]
        assert asked == [*"4711", "#"]


async def test_the_mouse_does_what_the_keys_do(theatre: Theatre) -> None:
    async with played(theatre) as hall:
        for key, verb, args in (
            ("c", "scan", {"id": "cecilia"}),
            ("7", "press", {"keys": "7"}),
            ("R", "unplug", {"device": "front-relay"}),
            ("!", "kill", {}),
        ):
            await hall.click(key)
            await hall.asked(verb, **args)
        theatre.stage.asked.clear()
        await hall.pilot.click(offset=(100, 0))
        await hall.click("Q")
        await hall.until(lambda: not hall.panel.is_running)
        assert theatre.stage.asked == []
        assert hall.panel.return_value == STOPPED


async def test_who_goes_through_opens_the_door_and_lets_it_close(theatre: Theatre) -> None:
    walked = asyncio.Event()
    async with played(theatre, walked=walked) as hall:
        await hall.pilot.press("O")
        await hall.asked("open")
        theatre.stage.told(contact="open")
        await hall.sees("door OPEN")
        assert ("close", {}) not in theatre.stage.asked
        walked.set()
        await hall.asked("close")


async def test_the_clock_goes_with_the_stage(theatre: Theatre) -> None:
    async with played(theatre) as hall:
        theatre.stage.told(offset_seconds=90_000)
        await hall.sees("+1 d 1 h")
        await hall.pilot.press("equals_sign")
        await hall.asked("shift", seconds=-90_000)


async def test_staff_accept_the_clock_at_the_daemon_itself(theatre: Theatre) -> None:
    async with played(theatre) as hall:
        await hall.pilot.press("C")
        assert theatre.daemon is not None
        asked = theatre.daemon.remembered.asked
        await hall.until(lambda: ("root", "clock-accept", {"reason": "demo"}) in asked)
        assert theatre.stage.asked == [("people", {})]


async def test_languages_take_turns_and_a_new_notice_begins_with_the_first(
    theatre: Theatre,
) -> None:
    async with played(theatre) as hall:
        theatre.show(Shown(Notice.IDLE))
        await hall.sees("Esimerkkilän kirjasto klo")
        for _ in range(3):
            hall.panel.beat()
        await hall.sees("Exempelby bibliotek kl.")
        theatre.show(Shown(Notice.FULL))
        await hall.sees("Esimerkkilän kirjasto klo")


async def test_an_unplugged_device_is_marked_and_plugged_in_again(theatre: Theatre) -> None:
    async with played(theatre) as hall:
        theatre.stage.told(devices={**STATE["devices"], "front-relay": "unplugged"})
        await hall.sees("R ×relay")
        await hall.pilot.press("R")
        await hall.asked("plug", device="front-relay")


async def test_what_the_stage_refuses_is_told(theatre: Theatre) -> None:
    theatre.stage.refuses["rex"] = "the inputs are unplugged"
    async with played(theatre) as hall:
        await hall.pilot.press("X")
        await hall.sees("rex: the inputs are unplugged")
        await hall.pilot.press("T")
        await hall.sees("the staff button is pressed")


async def test_a_daemon_that_is_killed_is_shown_and_comes_back(theatre: Theatre) -> None:
    async with theatre.stage.serving():
        daemon = AsyncExitStack()
        await daemon.enter_async_context(theatre.acting())
        async with showing(theatre) as hall:
            await hall.sees("JOURNAL live")
            theatre.row("daemon.started")
            await hall.sees("daemon.started")
            theatre.stage.told(daemon="gone")
            await daemon.aclose()
            await hall.sees("THE DAEMON IS GONE", "JOURNAL the daemon does not answer")
            await hall.sees("--- the daemon is gone ---")
            theatre.stage.refuses["explain"] = "the daemon is gone"
            await hall.pilot.press("a")  # which may not end the panel
            await hall.asked("explain", id="aino")
            theatre.stage.told(daemon="starting")
            await hall.sees("The daemon is starting.")
            async with theatre.acting():
                theatre.stage.told(daemon="runs")
                theatre.show(Shown(Notice.LOCKDOWN))
                await hall.sees("JOURNAL live", "--- the daemon answers ---")
                await hall.sees("Kirjasto on toistaiseksi suljettu.")
                theatre.row("door.forced", door="front")
                await hall.sees("door.forced")
                assert "THE DAEMON" not in hall.seen


async def test_without_the_stage_the_panel_ends(theatre: Theatre) -> None:
    async with played(theatre) as hall:
        theatre.stage.hang_up()
        await hall.until(lambda: not hall.panel.is_running)
        assert hall.panel.return_value == STAGE_LOST
        assert "the demo has ended" in hall.panel.why


async def test_a_terminal_that_becomes_too_small_says_so_and_recovers(theatre: Theatre) -> None:
    async with played(theatre) as hall:
        await hall.pilot.resize_terminal(60, 20)
        await hall.sees("60 x 20 is a little small: this panel needs 80 x 24.")
        await hall.pilot.resize_terminal(80, 24)
        await hall.sees("JOURNAL live")


@pytest.mark.parametrize("key", ["Q", "ctrl+q", "ctrl+c"])
async def test_there_are_ways_out(theatre: Theatre, key: str) -> None:
    async with played(theatre) as hall:
        await hall.pilot.press("escape", "f1", "tab")
        assert hall.panel.is_running
        await hall.pilot.press(key)
        await hall.until(lambda: not hall.panel.is_running)
        assert hall.panel.return_value == STOPPED


# As a program


def command(theatre: Theatre, door: str = "front") -> tuple[str, ...]:
    places = ("--socket", str(theatre.control), "--demo", str(theatre.stage.path))
    return (*PANEL, *places, "--door", door)


def test_the_program_shows_its_page_and_leaves_the_terminal_as_it_was(theatre: Theatre) -> None:
    with AfarTheatre(theatre).playing(), on_terminal(command(theatre), 100, 30) as panel:
        panel.until("JOURNAL")
        panel.until("SECURED")
        panel.type(b"Q")
        assert panel.code() == 0
        assert b"\x1b[?25h" in panel.seen
        assert b"\x1b[?1049l" in panel.seen


def test_the_program_ends_when_the_demo_tells_it_to(theatre: Theatre) -> None:
    with AfarTheatre(theatre).playing(), on_terminal(command(theatre), 100, 30) as panel:
        panel.until("JOURNAL")
        panel.signal(signal.SIGTERM)
        assert panel.code() == 0


def test_the_program_says_that_the_demo_has_ended(theatre: Theatre) -> None:
    with AfarTheatre(theatre).playing() as afar, on_terminal(command(theatre), 100, 30) as panel:
        panel.until("JOURNAL")
        afar.do(lambda theatre: theatre.stage.hang_up())
        assert panel.code() == 1
        panel.until("kioskd demo: the demo has ended")


def test_the_program_refuses_a_door_that_is_not_there(theatre: Theatre) -> None:
    with AfarTheatre(theatre).playing(), on_terminal(command(theatre, "back")) as panel:
        assert panel.code() == 2
        panel.until("no door 'back' at this site; it has: front, yard")


def test_the_program_without_a_stage_or_a_terminal_says_so(theatre: Theatre) -> None:
    with on_terminal(command(theatre)) as panel:
        assert panel.code() == 1
        panel.until("no such socket")
    done = subprocess.run(
        command(theatre), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "kioskd demo: the panel needs a terminal; say kioskd demo --headless\n"


def test_the_program_loads_textual_only_once_there_is_a_stage() -> None:
    """What fails early, fails before Textual is loaded."""
    probe = "import sys, ui.panel.demo; sys.exit(bool({'textual', 'rich'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-P", "-c", probe], check=False).returncode == 0
