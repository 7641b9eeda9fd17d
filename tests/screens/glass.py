"""A terminal on a virtual display, looked at as pixels: xterm under Xvfb, pictures by ImageMagick.

A picture is taken again until it stands still, so that nobody sleeps and no half frame is judged.
"""

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

WIDTH, HEIGHT = 1024, 600  # pixels of a seven-inch panel
PATIENCE_SECONDS = 30.0  # only ever spent by a test that fails
PROGRAMS = ("Xvfb", "xterm", "import")
KIOSK_UI = (
    sys.executable,
    "-P",
    "-c",
    "import sys; from ui.main import kiosk_ui; sys.exit(kiosk_ui())",
)

Colour = tuple[int, int, int]


def missing(*more: str) -> list[str]:
    """Programs that this machine lacks. more: besides those that every picture needs."""
    return [program for program in (*PROGRAMS, *more) if shutil.which(program) is None]


@dataclass(frozen=True)
class Picture:
    """Pixels, three bytes each."""

    pixels: bytes
    width: int = WIDTH

    def part(self, left: int, top: int, right: int, bottom: int) -> "Picture":
        """A part of it."""
        rows = range(top * self.width, bottom * self.width, self.width)
        cut = b"".join(self.pixels[(y + left) * 3 : (y + right) * 3] for y in rows)
        return Picture(cut, right - left)

    def colours(self) -> "Counter[Colour]":
        """How often each colour stands in it."""
        every = self.pixels
        return Counter(zip(every[::3], every[1::3], every[2::3], strict=True))

    def ground(self) -> Colour:
        """The colour that most of it has."""
        return self.colours().most_common(1)[0][0]

    def share(self, colour: Colour) -> float:
        """How much of it has this colour, from 0 to 1."""
        return self.colours()[colour] / (len(self.pixels) // 3)


class Display:
    """A virtual display of its own number. width, height: pixels."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self._width, self._height = width, height

    def __enter__(self) -> Self:
        reads, writes = os.pipe()
        size = f"{self._width}x{self._height}x24"
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writes), "-screen", "0", size, "-nolisten", "tcp"],
            pass_fds=(writes,),
            stderr=subprocess.DEVNULL,
        )
        os.close(writes)
        with os.fdopen(reads) as told:
            self.name = f":{told.readline().strip()}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.terminate()
        self._server.wait(10)

    @contextmanager
    def terminal(
        self,
        *arguments: str,
        points: int = 13,
        cells: str = "93x27",
        colours: str = "truecolor",
        program: Sequence[str] = KIOSK_UI,
    ) -> Iterator[None]:
        """A terminal that fills the display and runs a program with these arguments."""
        look = ["-fa", "DejaVu Sans Mono", "-fs", str(points), "-bg", "black", "-b", "0"]
        look += ["-bw", "0", "-geometry", f"{cells}+0+0", "+sb"]
        look += ["-xrm", "xterm*directColor: true"]
        terminal = subprocess.Popen(
            ["xterm", *look, "-e", "env", f"COLORTERM={colours}", *program, *arguments],
            env={**os.environ, "DISPLAY": self.name, "LANG": "C.UTF-8"},
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            terminal.terminate()
            terminal.wait(10)

    def type(self, *keys: str) -> None:
        """Keys of a keyboard, by their names in X. Needs xdotool."""
        self._xdotool("key", *keys)

    def click(self, x: int, y: int) -> None:
        """The mouse's first button at a pixel. Needs xdotool."""
        self._xdotool("mousemove", str(x), str(y), "click", "1")

    def picture(self) -> Picture:
        """What it shows now."""
        return Picture(self._import("-depth", "8", "rgb:-"), self._width)

    def save(self, file: Path, *options: str) -> None:
        """What it shows now, as a file."""
        self._import(*options, str(file))

    def picture_once(self, holds: Callable[[Picture], bool]) -> Picture:
        """The first picture of which something holds and that stands still."""
        end = time.monotonic() + PATIENCE_SECONDS
        before = self.picture()
        while True:
            now = self.picture()
            if now == before and holds(now):
                return now
            before = now
            assert time.monotonic() < end, "it did not come to that"

    def _xdotool(self, *arguments: str) -> None:
        display = {**os.environ, "DISPLAY": self.name}
        subprocess.run(["xdotool", *arguments], check=True, env=display)

    def _import(self, *options: str) -> bytes:
        command: Sequence[str] = ["import", "-display", self.name, "-window", "root", *options]
        return subprocess.run(command, check=True, capture_output=True).stdout
