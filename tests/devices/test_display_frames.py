"""What a text display is sent: only what it can show, only what changed, whatever the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.display_frames import CHARACTERS, DisplayFrames
from tests.devices.display_model import COLUMNS, ROWS, DisplayModel

EVERY = sorted(CHARACTERS)
SETTINGS = set("RDKTB")  # no scrolling, no wrapping, no cursors, light on


class Bench:
    """Frames on their way to a display."""

    def __init__(self, characters: str) -> None:
        self.frames = DisplayFrames(characters)
        self.display = DisplayModel(characters)

    def open(self) -> None:
        """As when the link is new; what came before is forgiven."""
        self.display.feed(self.frames.opening())
        self.display.strays.clear()

    def write(self, *lines: str) -> bytes:
        """Show these lines; the bytes that it took."""
        cells = self.frames.cells(lines)
        change = self.frames.change_to(cells)
        self.display.feed(change)
        self.frames.changed_to(cells)
        return change


def opened(characters: str) -> Bench:
    bench = Bench(characters)
    bench.open()
    return bench


@pytest.mark.parametrize("characters", ["hd44780-a00", "hd44780-a02"])
def test_finnish_and_swedish_letters_are_shown(characters: str) -> None:
    bench = opened(characters)
    bench.write("Syötä tunnusluku", "Öppet på måndag", "ÅÄÖ åäö é Üü")
    assert [row.rstrip() for row in bench.display.rows()] == [
        "Syötä tunnusluku",
        "Öppet på måndag",
        "ÅÄÖ åäö é Üü",
        "",
    ]
    assert bench.display.strays == []


def test_a_display_of_plain_letters_shows_those_that_come_nearest() -> None:
    bench = opened("ascii")
    bench.write("Syötä tunnusluku", "Öppet på måndag", "Ærø – café")
    assert [row.rstrip() for row in bench.display.rows()[:3]] == [
        "Syota tunnusluku",
        "Oppet pa mandag",
        "Aro - cafe",
    ]


@pytest.mark.parametrize("characters", EVERY)
def test_what_a_display_cannot_show_is_a_question_mark(characters: str) -> None:
    bench = opened(characters)
    bench.write("Привіт\x1b[2J\x00\xfe")
    assert bench.display.rows()[0].rstrip() == "???????[2J??"
    assert bench.display.strays == []


@pytest.mark.parametrize(("letter", "shown"), [("\\", "?"), ("~", "?"), ("¥", "?"), ("→", "?")])
def test_signs_that_the_japanese_rom_has_in_other_places_are_not_sent(
    letter: str, shown: str
) -> None:
    bench = opened("hd44780-a00")
    bench.write(letter)
    assert bench.display.rows()[0].rstrip() == shown


def test_a_key_more_sends_one_cell() -> None:
    bench = opened("hd44780-a00")
    bench.write("Syötä tunnusluku", "", "", "***")
    assert bench.write("Syötä tunnusluku", "", "", "****") == b"\xfeG\x04\x04*"


def test_the_same_again_sends_nothing() -> None:
    bench = opened("hd44780-a00")
    assert bench.write("Odota hetki.") != b""
    assert bench.write("Odota hetki.", "", "", "") == b""


def test_shorter_text_leaves_nothing_of_the_longer_one() -> None:
    bench = opened("ascii")
    bench.write("x" * COLUMNS, "y" * COLUMNS, "z" * COLUMNS, "w" * COLUMNS)
    bench.write("short")
    assert bench.display.text() == "short"


def test_lines_beyond_the_display_are_cut() -> None:
    bench = opened("ascii")
    bench.write(*["a" * 50] * 9)
    assert bench.display.rows() == ["a" * COLUMNS] * ROWS
    assert bench.display.strays == []


def test_unknown_characters_are_refused() -> None:
    with pytest.raises(ValueError, match="use one of hd44780-a00, hd44780-a02, ascii"):
        DisplayFrames("koi8")


def test_the_light_stays_on_and_nothing_scrolls_wraps_or_blinks() -> None:
    assert opened("ascii").display.obeyed == SETTINGS | {"X"}


# Whatever the text, and wherever the link broke

lines = st.lists(st.text(max_size=30) | st.text("aåäöÅÄÖ *~\\", max_size=30), max_size=6)


@given(st.sampled_from(EVERY), st.lists(lines, min_size=1, max_size=6))
def test_only_what_a_display_can_show_goes_out_and_changes_add_up(
    characters: str, texts: list[list[str]]
) -> None:
    bench, anew = opened(characters), opened(characters)
    for text in texts:
        bench.write(*text)
    anew.write(*texts[-1])
    assert bench.display.strays == anew.display.strays == []
    assert bench.display.rows() == anew.display.rows()
    assert "▯" not in bench.display.text()


@given(st.sampled_from(EVERY), lines, lines, st.integers(0, 400))
def test_a_display_left_in_the_middle_of_a_command_comes_right(
    characters: str, before: list[str], after: list[str], cut: int
) -> None:
    """The line broke after so many bytes; the display kept its power."""
    bench = Bench(characters)
    sent = bench.frames.opening() + bench.frames.change_to(bench.frames.cells(before))
    bench.display.feed(sent[:cut])
    bench.display.obeyed.clear()
    bench.open()
    assert bench.display.obeyed > SETTINGS
    bench.write(*after)
    anew = opened(characters)
    anew.write(*after)
    assert bench.display.rows() == anew.display.rows()
    assert bench.display.strays == []
