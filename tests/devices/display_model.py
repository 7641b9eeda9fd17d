"""A text display of 4 rows of 20 as its manual describes it, to read what a person would read.

Knows nothing of the driver: the commands, the two ROMs and the dots are written down anew here.
A byte that would make a picture nobody meant is kept in `strays`, the letter of every command
that it took in `obeyed`.
"""

COLUMNS, ROWS = 20, 4
_PREFIX = 0xFE
_PARAMETERS = {"X": 0, "R": 0, "D": 0, "K": 0, "T": 0, "B": 1, "G": 2, "N": 9}
_A00 = {0xE1: "ä", 0xE2: "ß", 0xEE: "ñ", 0xEF: "ö", 0xF5: "ü", 0xDF: "°", 0x5C: "¥", 0x7E: "→"}
ROMS = {
    "hd44780-a00": {**{n: chr(n) for n in range(0x20, 0x7E)}, **_A00},
    "hd44780-a02": {n: chr(n) for n in (*range(0x20, 0x7F), *range(0xC0, 0x100))},
    "ascii": {n: chr(n) for n in range(0x20, 0x7F)},
}
_DOTS = {
    "å": "..#.. .#.#. ..#.. .###. ....# .#### #...# .####",
    "Å": "..#.. .#.#. ..#.. .###. #...# ##### #...# #...#",
    "Ä": ".#.#. ..... .###. #...# #...# ##### #...# #...#",
    "Ö": ".#.#. ..... .###. #...# #...# #...# #...# .###.",
    "Ü": ".#.#. ..... #...# #...# #...# #...# #...# .###.",
    "é": "...#. ..#.. .###. #...# ##### #.... .###. .....",
}


class DisplayModel:
    """Give it bytes in any pieces; `rows()` is what it shows."""

    def __init__(self, rom: str) -> None:
        self._letters = dict(ROMS[rom])
        self._cells = _blank()
        self._column, self._row = 1, 1
        self._command = b""
        self.strays: list[bytes] = []
        self.obeyed: set[str] = set()

    def feed(self, data: bytes) -> None:
        """Bytes came over the line."""
        for byte in data:
            if self._command or byte == _PREFIX:
                self._command += bytes((byte,))
                self._obey()
            else:
                self._print(byte)

    def rows(self) -> list[str]:
        """What a person reads; a character that nobody drew is a box."""
        return ["".join(self._letters.get(code, "▯") for code in row) for row in self._cells]

    def text(self) -> str:
        """All rows as one line of words."""
        return " ".join(" ".join(self.rows()).split())

    def _obey(self) -> None:
        command = self._command
        if len(command) < 2:
            return
        name = chr(command[1])
        if len(command) < 2 + _PARAMETERS.get(name, 0):
            return
        self._command = b""
        self.obeyed.add(name)
        if name == "X":
            self._cells, self._column, self._row = _blank(), 1, 1
        elif name == "G":
            self._column, self._row = command[2], command[3]
            self._check(self._column in range(1, COLUMNS + 1) and self._row in range(1, 5), command)
        elif name == "N":
            self._letters[command[2] & 7] = _drawn(command[3:])  # there is memory for eight
            self._check(command[2] < 8, command)
        else:
            self._check(name in _PARAMETERS, command)

    def _print(self, byte: int) -> None:
        fits = self._column in range(1, COLUMNS + 1) and self._row in range(1, ROWS + 1)
        self._check(fits and byte in self._letters, bytes((byte,)))
        if fits:
            self._cells[self._row - 1][self._column - 1] = byte
        self._column += 1

    def _check(self, good: bool, what: bytes) -> None:
        if not good:
            self.strays.append(what)


def _blank() -> list[list[int]]:
    return [[0x20] * COLUMNS for _ in range(ROWS)]


def _drawn(dots: bytes) -> str:
    rows = " ".join(f"{row:05b}" for row in dots).replace("0", ".").replace("1", "#")
    return next((letter for letter, drawing in _DOTS.items() if drawing == rows), "▯")
