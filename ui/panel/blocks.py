"""Bitmaps as block characters: four pixels a cell, two across and two down.

A pixel is about twice as high as wide. Only U+2580 to U+259F are used, which every monospace
font of a desktop has; the newer sextants are missing from many.
Deliberately not here: what is drawn (letters, pictograms).
"""

from collections.abc import Sequence
from itertools import zip_longest

INK, PAPER = "#", "."
Bitmap = Sequence[str]  # rows of INK and PAPER, all of one length

# by upper left, upper right, lower left, lower right
_QUADRANTS = " ▗▖▄▝▐▞▟▘▚▌▙▀▜▛█"


def cells(bitmap: Bitmap) -> tuple[str, ...]:
    """The bitmap in characters: half as many rows and columns, rounded up."""
    width = max(map(len, bitmap), default=0)
    blank = PAPER * (width + width % 2)
    upper = [row.ljust(len(blank), PAPER) for row in bitmap[::2]]
    lower = [row.ljust(len(blank), PAPER) for row in bitmap[1::2]]
    return tuple(
        "".join(_cell(top[x : x + 2] + bottom[x : x + 2]) for x in range(0, len(blank), 2))
        for top, bottom in zip_longest(upper, lower, fillvalue=blank)
    )


def _cell(pixels: str) -> str:
    return _QUADRANTS[int(pixels.replace(INK, "1").replace(PAPER, "0"), 2)]
