"""The demo's panel as pixels: what is granted, denied and released is seen from its colours.

Keys and the mouse come from the display itself, as a person's do.
"""

from collections.abc import Iterator

import pytest

from tests.screens.glass import Colour, Display, Picture, missing
from tests.screens.pictures import (
    ASKING,
    DENIED,
    GRANTED,
    PANEL_GROUND,
    PANEL_PIXELS,
    demo_panel,
    door_colour,
)
from tests.screens.stagehand import AfarTheatre, Play, Theatre

pytestmark = pytest.mark.skipif(
    bool(missing("xdotool")), reason=f"needs {', '.join(missing('xdotool'))}"
)
COLUMNS, ROWS = 140, 40
CELL = (PANEL_PIXELS[0] // COLUMNS, PANEL_PIXELS[1] // ROWS)
RIGHT = 63  # the first column that only the right side has
SECURED: Colour = (0x31, 0x48, 0x5F)
RELEASED: Colour = (0x3D, 0xDC, 0x84)
GOOD: Colour = (0x56, 0xD6, 0x8F)
TITLE: Colour = (0x26, 0x34, 0x42)
KEY: Colour = (0x2C, 0x37, 0x44)
BAD: Colour = (0xFF, 0x7A, 0x7A)


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Display, AfarTheatre]]:
    theatre = Theatre(tmp_path_factory.mktemp("d"))
    Play(theatre)
    with Display(*PANEL_PIXELS) as display, demo_panel(display, theatre) as afar:
        yield display, afar


def cells(picture: Picture, left: int, top: int, right: int, bottom: int) -> Picture:
    """A part of the picture, in cells."""
    across, down = CELL
    return picture.part(left * across, top * down, right * across, bottom * down)


def strike(picture: Picture) -> Colour:
    """The ground of the strike's word, which stands below the door's screen."""
    return cells(picture, 0, 20, 36, 24).ground()


def has_rules(picture: Picture) -> bool:
    """Whether rules that pass stand on the right."""
    return cells(picture, RIGHT, 2, COLUMNS, 25).share(GOOD) > 0.001


def test_a_denial_is_red_and_leaves_the_strike_secured(
    panel: tuple[Display, AfarTheatre],
) -> None:
    display, _ = panel
    display.type("e")
    display.picture_once(lambda picture: door_colour(picture) == ASKING and has_rules(picture))
    display.type("space")
    seen = display.picture_once(lambda picture: door_colour(picture) == DENIED)
    assert cells(seen, RIGHT, 1, COLUMNS, 2).ground() == DENIED
    assert strike(seen) == SECURED
    assert cells(seen, RIGHT, 2, COLUMNS, 29).share(BAD) > 0.001
    assert cells(seen, 62, 2, COLUMNS, ROWS - 3).ground() == PANEL_GROUND


def test_a_click_scans_a_card_and_a_grant_is_green_and_releases(
    panel: tuple[Display, AfarTheatre],
) -> None:
    display, afar = panel
    first_person = (8 * CELL[0], 29 * CELL[1] + CELL[1] // 2)
    display.click(*first_person)
    display.picture_once(lambda picture: door_colour(picture) == ASKING)
    assert ("scan", {"id": "aino"}) in afar.theatre.stage.asked
    display.type("space")
    seen = display.picture_once(lambda picture: door_colour(picture) == GRANTED)
    assert strike(seen) == RELEASED
    assert cells(seen, RIGHT, 1, COLUMNS, 2).ground() == GRANTED
    assert cells(seen, RIGHT, 2, COLUMNS, 25).share(BAD) == 0


def test_the_page_fills_the_terminal_to_its_corners(panel: tuple[Display, AfarTheatre]) -> None:
    display, _ = panel
    seen = display.picture()
    corners = [cells(seen, x, y, x + 1, y + 1).ground() for y in (0, 39) for x in (0, 139)]
    assert corners == [TITLE, TITLE, KEY, PANEL_GROUND]
