"""Text displays that speak the Matrix Orbital commands: `FE` and a letter. Sans-io.

Source: Matrix Orbital LK204-25 and LK204-24-USB manuals, command summary. USB and serial
backpacks of other makers for HD44780 displays of 4 rows of 20 take the same commands.

    FE 58           clear               FE 52  do not scroll       FE 44  do not wrap
    FE 47 col row   go to, from 1       FE 4B, FE 54  no cursor    FE 42 00  light on for good
    FE 4E n 8 rows  draw character n

Whatever a byte is, the display does something with it; so nothing goes out but these commands
and the characters of the tables below.

Deliberately not here: sending, and which words are shown.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

PREFIX = 0xFE
COLUMNS = 20
ROWS = 4
UNKNOWN = "?"  # stands for what a display cannot show

CLEAR = b"\xfeX"
# A display that was left in the middle of a command takes the next bytes for what it still
# waits for, at most nine; spaces do no harm, and the clearing at the end takes them away.
_RESYNC = b" " * 9
_SETUP = b"\xfeR\xfeD\xfeK\xfeT\xfeB\x00"

# Drawn for the ROM that lacks them: eight rows of five dots, the highest row first.
_DRAWN: Mapping[str, tuple[int, bytes]] = MappingProxyType(
    {
        "å": (1, bytes((0x04, 0x0A, 0x04, 0x0E, 0x01, 0x0F, 0x11, 0x0F))),
        "Å": (2, bytes((0x04, 0x0A, 0x04, 0x0E, 0x11, 0x1F, 0x11, 0x11))),
        "Ä": (3, bytes((0x0A, 0x00, 0x0E, 0x11, 0x11, 0x1F, 0x11, 0x11))),
        "Ö": (4, bytes((0x0A, 0x00, 0x0E, 0x11, 0x11, 0x11, 0x11, 0x0E))),
        "Ü": (5, bytes((0x0A, 0x00, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0E))),
        "é": (6, bytes((0x02, 0x04, 0x0E, 0x11, 0x1F, 0x10, 0x0E, 0x00))),
    }
)
_ASCII = {chr(code): code for code in range(0x20, 0x7F)}
_JAPANESE = {
    **{letter: code for letter, code in _ASCII.items() if letter not in "\\~"},  # ¥ and → there
    **{letter: number for letter, (number, _) in _DRAWN.items()},
    "ä": 0xE1,
    "ß": 0xE2,
    "ñ": 0xEE,
    "ö": 0xEF,
    "ü": 0xF5,
    "°": 0xDF,
}
_EUROPEAN = {
    **_ASCII,
    # A0 to BF differ from Latin-1 in too many places; FE would begin a command.
    **{chr(code): code for code in range(0xC0, 0x100) if code != PREFIX},
}
CHARACTERS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "hd44780-a00": _JAPANESE,  # the usual one: katakana, ä, ö and ü; the rest is drawn
        "hd44780-a02": _EUROPEAN,  # Latin-1 letters
        "ascii": _ASCII,
    }
)
_LIKE = MappingProxyType({"–": "-", "—": "-", "’": "'", "ø": "o", "Ø": "O", "æ": "a", "Æ": "A"})


class DisplayFrames:
    """What to send so that a display shows given rows. Remembers what it shows.

    characters: a key of CHARACTERS; ValueError for another.
    """

    def __init__(self, characters: str) -> None:
        if characters not in CHARACTERS:
            raise ValueError(f"characters {characters!r}: use one of {', '.join(CHARACTERS)}")
        self._codes = CHARACTERS[characters]
        self._drawn = _drawing() if self._codes is _JAPANESE else b""
        self._shown = _blank()

    def opening(self) -> bytes:
        """What a display of unknown state needs first; it is blank afterwards."""
        self._shown = _blank()
        return _RESYNC + _SETUP + self._drawn + CLEAR

    def cells(self, lines: Sequence[str]) -> tuple[bytes, ...]:
        """The rows as the display holds them: cut and filled to its size."""
        rows = [self._row(line) for line in lines[:ROWS]]
        return (*rows, *_blank()[len(rows) :])

    def change_to(self, cells: tuple[bytes, ...]) -> bytes:
        """The bytes that bring the display to these cells: of each row what differs."""
        pairs = enumerate(zip(self._shown, cells, strict=True), start=1)
        return b"".join(_change(row, old, new) for row, (old, new) in pairs)

    def changed_to(self, cells: tuple[bytes, ...]) -> None:
        """The bytes of change_to went out."""
        self._shown = cells

    def _row(self, line: str) -> bytes:
        codes = [self._code(letter) for letter in line[:COLUMNS]]
        return bytes(codes).ljust(COLUMNS)

    def _code(self, letter: str) -> int:
        for likeness in (letter, _LIKE.get(letter, ""), _plain(letter)):
            if likeness in self._codes:
                return self._codes[likeness]
        return ord(UNKNOWN)


def _blank() -> tuple[bytes, ...]:
    return (b" " * COLUMNS,) * ROWS


def _change(row: int, old: bytes, new: bytes) -> bytes:
    differing = [at for at in range(COLUMNS) if old[at] != new[at]]
    if not differing:
        return b""
    first, last = differing[0], differing[-1]
    return bytes((PREFIX, ord("G"), first + 1, row)) + new[first : last + 1]


def _drawing() -> bytes:
    return b"".join(b"\xfeN" + bytes((n,)) + dots for n, dots in _DRAWN.values())


def _plain(letter: str) -> str:
    """The letter without its marks; a space of any width is a space."""
    return unicodedata.normalize("NFKD", letter)[:1]
