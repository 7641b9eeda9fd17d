"""The door's screen as pixels: colours, large words, nothing cut off. xterm on a virtual display.

Logic is tested elsewhere; here is what only a picture shows: that a notice has its ground, that
there is as much ink as words need where they belong, and none at the edges.
"""

from collections.abc import Collection, Iterator
from functools import partial
from itertools import pairwise

import pytest

from kioskd.domain.notice import Notice, Shown
from tests.screens.doorkeeper import SITE, Afar, Doorkeeper
from tests.screens.glass import HEIGHT, WIDTH, Colour, Display, Picture, missing
from tests.screens.pictures import SHOWN

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"needs {', '.join(missing())}")

CELL_WIDTH = 11  # pixels of a character at 13 points; its height is seen from the bar above
COLUMNS, ROWS = 93, 27
HEAD_ROWS, MARGIN, WORDS_FROM, FOOT = 3, 3, 26, 21  # cells
GROUNDS: dict[str, Colour] = {
    "idle": (0x0B, 0x2A, 0x4A),
    "pin": (0x1A, 0x4F, 0x94),
    "granted": (0x0A, 0x6B, 0x2D),
    "denied": (0x98, 0x13, 0x1F),
    "closed": (0x30, 0x34, 0x3B),
    "fault": (0x1C, 0x1A, 0x14),
}
SOLID = 0.6  # of three primary parts, how much one must have to be that colour


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    with Display() as found:
        yield found


@pytest.fixture(scope="module", params=["fi", "sv", "en"])
def door(
    request: pytest.FixtureRequest, display: Display, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Afar]:
    """A screen whose first language is this one, so that nobody waits for its turn."""
    keeper = Doorkeeper(tmp_path_factory.mktemp("s") / "s")
    first = request.param
    keeper.site["languages"] = [first, *(each for each in SITE["languages"] if each != first)]
    with (
        keeper.in_a_thread() as daemon,
        display.terminal("--door", "front", "--socket", str(keeper.path)),
    ):
        yield daemon


def cells(picture: Picture, left: int, top: int, right: int, bottom: int) -> Picture:
    """A part of the picture, in cells."""
    ground = picture.ground()
    bar = next(y for y in range(HEIGHT) if picture.part(0, y, 1, y + 1).ground() == ground)
    high = bar // HEAD_ROWS
    return picture.part(left * CELL_WIDTH, top * high, right * CELL_WIDTH, bottom * high)


def is_new(grounds: Collection[Colour], picture: Picture) -> bool:
    """Whether a page stands there whose ground none had before; an empty display is no page."""
    ground = picture.ground()
    return ground not in grounds and picture.share(ground) < 0.99


@pytest.mark.parametrize("name", SHOWN)
def test_a_notice_has_its_colour_its_picture_its_words_and_clean_edges(
    display: Display, door: Afar, name: str
) -> None:
    ground = GROUNDS[name]
    door.show(SHOWN[name])
    seen = display.picture_once(lambda picture: picture.ground() == ground)
    middle = cells(seen, 0, HEAD_ROWS, COLUMNS, ROWS)
    assert middle.share(ground) > 0.5
    drawing = cells(seen, MARGIN, HEAD_ROWS, WORDS_FROM - MARGIN, FOOT)
    words = cells(seen, WORDS_FROM, HEAD_ROWS, COLUMNS - MARGIN, FOOT)
    small = cells(seen, MARGIN, FOOT, COLUMNS - MARGIN, ROWS)
    name_and_time = cells(seen, MARGIN, 1, COLUMNS - MARGIN, 2)
    assert 0.05 < 1 - drawing.share(ground) < 0.8
    assert 0.03 < 1 - words.share(ground) < 0.6
    assert 0.005 < 1 - small.share(ground) < 0.5
    assert len(name_and_time.colours()) > 1
    for edge in (  # smoothed letters colour a pixel beside their cell
        cells(seen, 0, HEAD_ROWS, MARGIN - 1, ROWS),
        cells(seen, WORDS_FROM - MARGIN + 1, HEAD_ROWS, WORDS_FROM - 1, FOOT),
        cells(seen, COLUMNS - MARGIN + 1, HEAD_ROWS, COLUMNS, ROWS),
    ):
        assert set(edge.colours()) == {ground}


def test_green_is_for_who_may_go_in_and_for_nobody_else() -> None:
    for name, (red, green, blue) in GROUNDS.items():
        assert (green > max(red, blue) * 1.5) is (name == "granted")
        assert (red > max(green, blue) * 2) is (name == "denied")


def test_three_dots_stand_below_the_words(display: Display, door: Afar) -> None:
    door.show(Shown(Notice.ENTER_PIN))
    ground = GROUNDS["pin"]
    none = display.picture_once(lambda picture: picture.ground() == ground)
    door.show(Shown(Notice.ENTER_PIN, digits=3))
    three = display.picture_once(lambda picture: picture != none)
    changed = [n for n in range(0, WIDTH * HEIGHT * 3, 3) if none.pixels[n] != three.pixels[n]]
    columns = sorted({n // 3 % WIDTH for n in changed})
    gaps = sum(1 for a, b in pairwise(columns) if b - a > 5)
    assert gaps == 2
    assert min(columns) >= WORDS_FROM * CELL_WIDTH


def test_a_terminal_of_sixteen_colours_tells_them_apart(
    display: Display, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keeper = Doorkeeper(tmp_path_factory.mktemp("s") / "s")
    grounds: dict[str, Colour] = {}
    with (
        keeper.in_a_thread() as daemon,
        display.terminal("--door", "front", "--socket", str(keeper.path), colours=""),
    ):
        for name in ("idle", "granted", "denied", "closed"):
            before = set(grounds.values())
            daemon.show(SHOWN[name])
            grounds[name] = display.picture_once(partial(is_new, before)).ground()
    red, green, blue = grounds["granted"]
    assert green > max(red, blue) * 1.5
    red, green, blue = grounds["denied"]
    assert red > max(green, blue) * 1.5
