"""Text in plain characters: cleaned for a terminal, one cell a character, broken into lines."""

import unicodedata
from textwrap import TextWrapper
from typing import Final

_NO_BREAK: Final = "\u00a0"
_WIDE: Final = ("W", "F")  # East Asian characters take two cells
_UNSEEN: Final = ("Mn", "Me", "Mc", "Cf")  # marks that no letter took, and directions


def clean(text: str) -> str:
    """What a terminal shows in as many cells as there are characters; the rest is left out."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        "?" if unicodedata.east_asian_width(c) in _WIDE else c
        for c in composed
        if c == _NO_BREAK or (c.isprintable() and unicodedata.category(c) not in _UNSEEN)
    )


def wrap(text: str, columns: int) -> tuple[str, ...]:
    """Lines of at most so many characters; only a word that is longer is broken."""
    # A no-break space is no whitespace to textwrap, so it holds; hyphens of phone numbers do too.
    return tuple(TextWrapper(columns, break_on_hyphens=False).wrap(text))


def shortened(text: str, columns: int) -> str:
    """The text, its end cut off where it is too long."""
    return text if len(text) <= columns else f"{text[: max(0, columns - 1)]}…"[:columns]


def row(text: str, columns: int) -> str:
    """Exactly one row of a terminal."""
    return text.replace(_NO_BREAK, " ")[:columns].ljust(columns)
