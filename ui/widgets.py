"""Widgets that the screens share.

Deliberately not here: what any screen shows.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

Painted = Sequence[Sequence[tuple[str, Style]]]  # rows of runs, each run in one style
_RUNS: Final = re.compile("█+|[^█]+")
_PLAIN: Final = Style()  # where a strip has none, Textual's filters for NO_COLOR fail


class Board(Widget):
    """Rows of text over the whole screen, drawn anew only where they changed.

    paint: the rows for so many columns and rows, each exactly as wide as the screen.
    """

    DEFAULT_CSS = "Board { width: 100%; height: 100%; }"
    ALLOW_SELECT = False

    def __init__(self, paint: Callable[[int, int], Painted]) -> None:
        super().__init__()
        self._paint = paint
        self._rows: Painted = ()

    def renew(self) -> None:
        """Paint again; what is the same stays as it is."""
        before, self._rows = self._rows, self._paint(*self.size)
        if len(before) != len(self._rows):
            self.refresh()
            return
        pairs = enumerate(zip(before, self._rows, strict=True))
        changed = [Region(0, y, self.size.width, 1) for y, (old, new) in pairs if old != new]
        if changed:
            self.refresh(*changed)

    def on_resize(self) -> None:
        """The screen has another size, or its first."""
        self._rows = ()
        self.renew()

    def render_line(self, y: int) -> Strip:
        """One row, as Textual asks for it."""
        if y >= len(self._rows):
            return Strip.blank(self.size.width, _PLAIN)
        runs = self._rows[y]
        segments = [each for text, style in runs for each in _segments(text, style)]
        return Strip(segments, sum(len(text) for text, _ in runs))


def _segments(text: str, style: Style) -> Iterator[Segment]:
    """Whole blocks become ground: the font's own leave hairlines between rows in some terminals."""
    ground = style + Style(reverse=not style.reverse)
    for run in _RUNS.findall(text):
        if run[0] == "█":
            yield Segment(" " * len(run), ground)
        else:
            yield Segment(run, style)
