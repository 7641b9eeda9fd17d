"""`kiosk-ui` and the demo's panel on terminals of every kind, and how they end when they break."""

import re
import signal
import sys
from collections.abc import Mapping

import pytest

from kioskd.domain.notice import Notice, Shown
from tests.screens.doorkeeper import Doorkeeper
from tests.screens.stagehand import AfarTheatre, Theatre
from tests.screens.terminal import kiosk_ui, on_terminal

KINDS: list[Mapping[str, str]] = [
    {"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"},
    {"TERM": "linux", "NO_COLOR": "1", "LANG": "C"},
    {"TERM": "dumb"},
    {"TERM": "dumb", "NO_COLOR": "1", "LC_ALL": "C"},
    {"TERM": "linux"},
    {"TERM": "vt100"},
    {"TERM": "xterm-256color"},
    {"TERM": "linux", "LANG": "C"},
    {"TERM": "linux", "LC_ALL": "C"},
    {"TERM": "linux", "LC_ALL": "POSIX"},
    {},
]
COLOUR = re.compile(rb"\x1b\[[0-9;]*\b(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")
BROKEN = (
    "import sys, ui.panel.{module} as broken; from ui.{main} import {start}; "
    "broken.{name} = None; sys.exit({start}())"
)


@pytest.fixture
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    """Not acting yet. A short path: a socket's has at most 107 bytes."""
    return Theatre(tmp_path_factory.mktemp("d"))


def places(theatre: Theatre) -> tuple[str, ...]:
    stage, control = str(theatre.stage.path), str(theatre.control)
    return ("--socket", control, "--demo", stage, "--door", "front")


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_screen_shows_its_door_on_every_terminal(
    keeper: Doorkeeper, kind: Mapping[str, str]
) -> None:
    with (
        keeper.in_a_thread() as daemon,
        kiosk_ui("--door", "front", "--socket", str(keeper.path), kind=kind) as screen,
    ):
        screen.until("Scan your library card")
        daemon.show(Shown(Notice.GRANTED))
        screen.until("Pääsy sallittu.")
        screen.signal(signal.SIGTERM)
        assert screen.code() == 0
    assert bool(COLOUR.search(screen.seen)) is ("NO_COLOR" not in kind)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_demos_panel_shows_its_page_on_every_terminal(
    theatre: Theatre, kind: Mapping[str, str]
) -> None:
    command = (sys.executable, "-P", "-m", "ui.panel.demo", *places(theatre))
    with AfarTheatre(theatre).playing(), on_terminal(command, 100, 30, kind) as panel:
        panel.until("SECURED")
        panel.type(b"Q")
        assert panel.code() == 0


def test_a_screen_that_breaks_ends_with_1_so_that_it_is_started_anew(keeper: Doorkeeper) -> None:
    program = BROKEN.format(module="door", main="main", start="kiosk_ui", name="draw")
    command = (sys.executable, "-P", "-c", program, "--door", "front", "--socket")
    with keeper.in_a_thread(), on_terminal((*command, str(keeper.path))) as screen:
        assert screen.code() == 1
    assert b"TypeError" in screen.seen


def test_a_panel_that_breaks_ends_with_1(theatre: Theatre) -> None:
    program = BROKEN.format(module="demo_app", main="panel.demo", start="main", name="page")
    command = (sys.executable, "-P", "-c", program, *places(theatre))
    with AfarTheatre(theatre).playing(), on_terminal(command) as panel:
        assert panel.code() == 1
    assert b"TypeError" in panel.seen
