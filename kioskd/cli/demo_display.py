"""The text display of the demo's door, as far as the driver's commands go: bytes in, rows out.

It reads the letters of the European ROM; the demo's configuration says so. Deliberately not here:
the commands' meaning in full, and what is to be shown (drivers.codecs.display_frames).
"""

from typing import Final

from drivers.codecs.display_frames import CHARACTERS, COLUMNS, PREFIX, ROWS

ROM: Final = "hd44780-a02"
_LETTERS: Final = {code: letter for letter, code in CHARACTERS[ROM].items()}
_PARAMETERS: Final = {ord("G"): 2, ord("B"): 1, ord("N"): 9}  # bytes after the command's letter
_GO_TO, _CLEAR = ord("G"), ord("X")


class DemoDisplay:
    """Give it what came over the line, in any pieces."""

    def __init__(self) -> None:
        self._clear()
        self._command = b""

    @property
    def rows(self) -> tuple[str, ...]:
        """What a person reads, four rows of twenty."""
        return tuple("".join(row) for row in self._cells)

    @property
    def text(self) -> str:
        """The same as one line of words."""
        return " ".join(" ".join(self.rows).split())

    def feed(self, data: bytes) -> None:
        """Bytes came."""
        for byte in data:
            if self._command or byte == PREFIX:
                self._command += bytes((byte,))
                self._obey()
            else:
                self._print(byte)

    def _obey(self) -> None:
        if len(self._command) < 2:
            return
        letter, parameters = self._command[1], self._command[2:]
        if len(parameters) < _PARAMETERS.get(letter, 0):
            return
        self._command = b""
        if letter == _CLEAR:
            self._clear()
        elif letter == _GO_TO:
            self._column, self._row = parameters[0] - 1, parameters[1] - 1

    def _print(self, byte: int) -> None:
        if self._column in range(COLUMNS) and self._row in range(ROWS):
            self._cells[self._row][self._column] = _LETTERS.get(byte, "?")
        self._column += 1

    def _clear(self) -> None:
        self._cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self._column = self._row = 0
