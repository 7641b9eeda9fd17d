"""Large letters, five rows of cells high, drawn in letters.txt; marks are put on them.

A text with a character that is not drawn there is not set at all: whoever asks shows it in plain
characters instead, so that a further language needs no letters before it can be used.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from itertools import zip_longest
from typing import Final

from ui.panel.blocks import INK, PAPER, cells

ROWS: Final = 5  # cells of a line, what hangs below and the marks above included
_PIXELS: Final = 2 * ROWS
_CAPITAL_TOP: Final = 1  # pixel row; small letters leave 0 to 2 for marks
_SQUEEZED: Final = 3  # the row that a marked capital gives up
_GAP: Final = PAPER  # between letters
_SPACE: Final = PAPER * 3  # beside the gaps around it
_KEPT: Final = 512  # results; all notices in three languages need about half of it

Glyph = tuple[str, ...]


@lru_cache(_KEPT)
def wrap(text: str, columns: int) -> tuple[str, ...] | None:
    """The text in lines; None where a word is too long or a character is not drawn."""
    lines: list[str] = []
    for word in filter(None, text.split(" ")):  # a no-break space holds
        if (alone := width(word)) is None or alone > columns:
            return None
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and (width(longer) or 0) <= columns:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)


@lru_cache(_KEPT)
def width(text: str) -> int | None:
    """Columns of one line; None where a character is not drawn."""
    drawn = _line(text)
    return None if drawn is None else -(-len(drawn[0]) // 2)


@lru_cache(_KEPT)
def large(line: str) -> tuple[str, ...]:
    """One line in ROWS rows of block characters. ValueError where a character is not drawn."""
    drawn = _line(line)
    if drawn is None:
        raise ValueError(f"not all of {line!r} can be drawn")
    return cells(drawn)


def _line(text: str) -> tuple[str, ...] | None:
    glyphs = [_glyph(character) for character in unicodedata.normalize("NFC", text)]
    drawn = [glyph for glyph in glyphs if glyph is not None]
    if len(drawn) < len(glyphs):
        return None
    return tuple(_GAP.join(rows) for rows in zip(*drawn, strict=True)) or ("",) * _PIXELS


@lru_cache(_KEPT)
def _glyph(character: str) -> Glyph | None:
    if character in (" ", "\xa0"):
        return (_SPACE,) * _PIXELS
    if (drawn := _drawn().get(character)) is not None:
        return drawn
    base, *marks = list(unicodedata.normalize("NFD", character))
    if len(marks) != 1:
        return None
    letter = _drawn().get(base)
    name = unicodedata.name(marks[0], "").removeprefix("COMBINING ").removesuffix(" ACCENT")
    mark = _drawn().get(name)
    return None if letter is None or mark is None else _marked(base, letter, mark)


def _marked(base: str, letter: Glyph, mark: Glyph) -> Glyph:
    if base.isupper():
        lower = letter[_CAPITAL_TOP:_SQUEEZED] + letter[_SQUEEZED + 1 :]
        letter = (PAPER * len(letter[0]),) * (_PIXELS - len(lower)) + lower
        mark = mark if INK in mark[0] else mark[1:]
    elif base in "ij":
        letter = (PAPER * len(letter[0]),) * 3 + letter[3:]
    across = max(len(letter[0]), len(mark[0]))
    rows = zip_longest(_centred(mark, across), _centred(letter, across), fillvalue=PAPER * across)
    return tuple(_over(*pair) for pair in rows)


def _over(over: str, under: str) -> str:
    return "".join(INK if INK in pair else PAPER for pair in zip(over, under, strict=True))


def _centred(glyph: Glyph, across: int) -> Iterator[str]:
    for row in glyph:
        left = (across - len(row)) // 2
        yield f"{PAPER * left}{row}".ljust(across, PAPER)


@cache
def _drawn() -> Mapping[str, Glyph]:
    """Letters by character, marks by name."""
    text = files(__package__).joinpath("letters.txt").read_text(encoding="utf-8")
    found: dict[str, Glyph] = {}
    for block in text.split("\n\n"):
        names, *rows = block.strip().splitlines()
        if names.startswith("= "):
            columns = zip(*(row.split() for row in rows), strict=True)
            found |= zip(names.split()[1:], columns, strict=True)
    return {
        name.replace("-", " ") if len(name) > 1 else name: glyph for name, glyph in found.items()
    }
