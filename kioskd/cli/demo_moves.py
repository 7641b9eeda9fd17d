"""Moves of the demo's day: what people do at the door.

Each move waits for what must come of it, and raises Unexpected when it does not come.
Deliberately not here: what staff do (demo_moves_staff), devices and processes (demo_moves_site).
"""

from collections.abc import Callable
from typing import Final

from kioskd.cli.demo_config import PLAYED
from kioskd.cli.demo_devices import BUTTON, CONTACT, REX
from kioskd.cli.demo_people import BOOK, PIN
from kioskd.cli.demo_stage import Stage

Move = Callable[[Stage], None]
_BEFORE_CARD_SECONDS: Final = 0.2  # a person needs that long from a key to the card
_TO_THE_HANDLE_SECONDS: Final = 0.1
PRESS_SECONDS: Final = 0.1  # what settles for 30 ms counts


def enters(card: str, keys: str = PIN + "#") -> Move:
    """Somebody scans a card, types when asked, and waits for the answer."""

    def move(stage: Stage) -> None:
        stage.scan(card)
        stage.noticed("enter-pin")
        if keys:
            stage.press(keys)
        stage.answered()

    return move


def is_told(card: str) -> Move:
    """Somebody scans a card and is told without being asked for a PIN."""

    def move(stage: Stage) -> None:
        stage.scan(card)
        stage.answered()

    return move


def comes_in(card: str, keys: str = PIN + "#") -> tuple[Move, ...]:
    """Somebody is let in, opens, which ends the release, and the door falls shut behind them."""
    return enters(card, keys), *GOES_THROUGH


def stays_outside(card: str, keys: str = PIN + "#") -> tuple[Move, ...]:
    """Somebody is let in and opens nothing: the release lasts its time."""
    return enters(card, keys), Stage.relay_on, Stage.relay_off


def opens(stage: Stage) -> None:
    """The door is opened."""
    stage.wait(_TO_THE_HANDLE_SECONDS)
    _moved(stage, CONTACT, high=True)


def closes(stage: Stage) -> None:
    """The door falls shut."""
    _moved(stage, CONTACT, high=False)


def asks_to_go_out(stage: Stage) -> None:
    """Somebody inside presses the button beside the door."""
    stage.mark("exit button")
    _pressed(stage, REX)


def presses_staff_button(stage: Stage) -> None:
    """Somebody of the staff presses their button."""
    stage.mark("staff button")
    _pressed(stage, BUTTON)
    stage.logged("staff_button")


def stands_open(stage: Stage) -> None:
    """Nobody closes the door in time."""
    stage.mark("stands open")
    stage.logged("door.held")


def scans_a_book(stage: Stage) -> None:
    """A book's code is no card; it asks for no PIN."""
    stage.scan(BOOK)
    stage.noticed("not-a-library-code")
    stage.say("no library card")


def asks_for_more_time(stage: Stage) -> None:
    """A zero before the card gives anyone the longer release."""
    stage.press("0", shown="0")
    stage.wait(_BEFORE_CARD_SECONDS)


GOES_THROUGH: Final[tuple[Move, ...]] = (Stage.relay_on, opens, Stage.relay_off, closes)
SHORTER: Final = PLAYED.release  # a release that an opening ended


def _pressed(stage: Stage, line: int) -> None:
    stage.door.line(line, high=False)
    stage.wait(PRESS_SECONDS)
    stage.door.line(line, high=True)
    stage.wait(PRESS_SECONDS)


def _moved(stage: Stage, line: int, *, high: bool) -> None:
    stage.door.line(line, high=high)
    stage.wait(PRESS_SECONDS)
