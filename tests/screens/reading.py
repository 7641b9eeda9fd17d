"""Reads a drawn screen as a person does: large letters by their shapes, the rest as it stands.

The shapes are taken from letters.txt here again, and matched one after another: a letter that is
cut off, overlaps another or stands in a wrong row is not read.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import ui.panel
from ui.panel.drawing import Row

ROWS = 5
_BLOCKS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"  # bits: upper left 1, upper right 2, lower left 4, lower right 8
_SPACE = 5  # pixels: three of its own and a gap on each side


def told(rows: Sequence[Row]) -> str:
    """All words of a screen, plain and large, with single spaces."""
    lines = [row.text for row in rows]
    large = [line for top in range(len(lines)) if (line := _large(lines[top : top + ROWS]))]
    return " ".join(" ".join([*(_plain(line) for line in lines), *large]).split())


def _plain(line: str) -> str:
    return " ".join("".join(" " if c in _BLOCKS else c for c in line).split())


def _large(lines: Sequence[str]) -> str:
    """The large line that stands in these rows, right of a picture; empty if there is none."""
    if len(lines) < ROWS:
        return ""
    pixels = _pixels(lines)
    for start in range(len(pixels)):
        if any(pixels[start]) and not any(map(any, pixels[max(0, start - 4) : start])):
            text = _read(tuple(pixels[start:]))
            if text:
                return text
    return ""


def _pixels(lines: Sequence[str]) -> list[tuple[bool, ...]]:
    """Columns of pixels, each from top to bottom."""
    columns = []
    for x in range(len(lines[0])):
        bits = [max(0, _BLOCKS.find(line[x])) for line in lines]
        for left in (True, False):
            upper, lower = (1, 4) if left else (2, 8)
            columns.append(tuple(bool(b & bit) for b in bits for bit in (upper, lower)))
    return columns


@cache
def _read(columns: tuple[tuple[bool, ...], ...]) -> str:
    """Letters from the left edge on until there is nothing more; empty if any is no letter."""
    text, at = "", 0
    while at < len(columns):
        blank = next((n for n, c in enumerate(columns[at:]) if any(c)), None)
        if blank is None:
            return text
        if blank >= _SPACE - 1:
            text, at = f"{text} ", at + blank
            continue
        at += blank
        found = next((n for n in _widths() if columns[at : at + n] in _shapes()), None)
        if found is None:
            return ""
        text, at = text + _shapes()[columns[at : at + found]], at + found + 1
    return text


@cache
def _widths() -> tuple[int, ...]:
    return tuple(sorted({len(shape) for shape in _shapes()}, reverse=True))


@cache
def _shapes() -> Mapping[tuple[tuple[bool, ...], ...], str]:
    drawn = _drawn()
    marked = {letter: _with_marks(drawn, letter) for letter in "äöåÄÖÅéüšžõ"}
    both = {**{k: v for k, v in drawn.items() if len(k) == 1}, **marked}
    return {_columns(rows): letter for letter, rows in both.items()}


def _with_marks(drawn: Mapping[str, Sequence[str]], letter: str) -> Sequence[str]:
    base, mark = list(unicodedata.normalize("NFD", letter))
    name = unicodedata.name(mark).removeprefix("COMBINING ").removesuffix(" ACCENT")
    above, below = list(drawn[name.replace(" ", "-")]), list(drawn[base])
    if base.isupper():
        below = ["." * len(below[0])] * 2 + below[1:3] + below[4:]
        above = above if "#" in above[0] else above[1:]
    wide = max(len(above[0]), len(below[0]))
    above = [row.center(wide, ".") if (wide - len(row)) % 2 == 0 else row for row in above]
    above += ["." * wide] * (len(below) - len(above))
    return [
        "".join("#" if "#" in pair else "." for pair in zip(a, b, strict=True))
        for a, b in zip(above, below, strict=True)
    ]


def _columns(rows: Sequence[str]) -> tuple[tuple[bool, ...], ...]:
    columns = [tuple(c == "#" for c in column) for column in zip(*rows, strict=True)]
    while not any(columns[0]):
        columns.pop(0)
    while not any(columns[-1]):
        columns.pop()
    return tuple(columns)


@cache
def _drawn() -> Mapping[str, Sequence[str]]:
    text = (Path(next(iter(ui.panel.__path__))) / "letters.txt").read_text(encoding="utf-8")
    found: dict[str, Sequence[str]] = {}
    for block in text.split("\n\n"):
        names, *rows = block.strip().splitlines()
        if names.startswith("= "):
            glyphs = zip(*(row.split() for row in rows), strict=True)
            found |= dict(zip(names.split()[1:], glyphs, strict=True))
    return found
