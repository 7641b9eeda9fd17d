"""Rows of coloured pieces, some of which can be clicked: what the demo's panel is drawn with.

A piece that can be clicked names the key that does the same. Deliberately not here: which
colours the inks are (demo_inks), and what is drawn.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import zip_longest

from ui.panel.drawing import Band
from ui.panel.plain import row
from ui.panel.view import Mood


class Tint(Enum):
    """What a piece is; the terminal's colours follow from it."""

    PLAIN = "plain"
    FAINT = "faint"
    TITLE = "title"
    KEY = "key"
    CHOSEN = "chosen"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    ALARM = "alarm"
    SECURED = "secured"
    RELEASED = "released"
    GRANTED = "granted"
    DENIED = "denied"
    DISPLAY = "display"
    LAMP_RED = "red lamp"
    LAMP_GREEN = "green lamp"
    LAMP_WAIT = "wait lamp"


Ink = Tint | tuple[Mood, Band]  # the latter for what the door's own screen shows


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters, each one cell wide. key: what a click on it presses, empty for none."""

    text: str
    ink: Ink = Tint.PLAIN
    key: str = ""


Line = tuple[Piece, ...]
Lines = Sequence[Line]


def line(*pieces: Piece | str) -> Line:
    """A line of pieces; bare text is plain."""
    return tuple(Piece(each) if isinstance(each, str) else each for each in pieces)


def width(pieces: Iterable[Piece]) -> int:
    """Cells of a line."""
    return sum(len(piece.text) for piece in pieces)


def fitted(pieces: Iterable[Piece], columns: int, ink: Ink = Tint.PLAIN) -> Line:
    """Exactly so many cells: the end cut off, or ground of this ink added."""
    found, left = [], columns
    for piece in pieces:
        text = row(piece.text, min(left, len(piece.text)))
        if text:
            found.append(replace(piece, text=text))
            left -= len(text)
    return (*found, Piece(" " * left, ink)) if left else tuple(found)


def block(lines: Iterable[Line], columns: int, rows: int, ink: Ink = Tint.PLAIN) -> list[Line]:
    """Exactly so many rows of so many cells: what is too much below is left out."""
    kept = [fitted(each, columns, ink) for each in lines][:rows]
    return [*kept, *[fitted((), columns, ink)] * (rows - len(kept))]


def beside(left: Lines, right: Lines, left_columns: int, right_columns: int) -> list[Line]:
    """Two blocks side by side, as high as the higher one."""
    return [
        (*fitted(one, left_columns), *fitted(other, right_columns))
        for one, other in zip_longest(left, right, fillvalue=())
    ]


def flowing(groups: Iterable[Line], columns: int, gap: str = "  ") -> Iterator[Line]:
    """Groups one after another, as many in a line as go in; none is broken."""
    held: list[Piece] = []
    for group in groups:
        if held and width(held) + len(gap) + width(group) > columns:
            yield tuple(held)
            held = []
        held += [Piece(gap), *group] if held else group
    if held:
        yield tuple(held)


def key_at(page: Lines, x: int, y: int) -> str:
    """What a click on this cell presses; empty for nothing."""
    if not 0 <= y < len(page) or x < 0:
        return ""
    for piece in page[y]:
        if x < len(piece.text):
            return piece.key
        x -= len(piece.text)
    return ""
