"""A view as rows of text: a bar with name and time, picture and large words, the small print.

Deliberately not here: what is large and what is small (setting), colours and the terminal
(ui.widgets, ui.panel.door).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import zip_longest
from typing import Final

from kioskd.domain.notice import Notice
from kioskd.words.forms import time_text
from kioskd.words.notices import Said, site_name
from ui.panel import letters
from ui.panel.pictograms import picture
from ui.panel.plain import clean, row, shortened
from ui.panel.setting import Foot, Page, Setting, setting
from ui.panel.view import View

LEAST: Final = (40, 12)  # columns and rows below which nothing would be legible
_DOT: Final = ("▗██▖", "▝██▘")
_SMALL_DOT: Final = ("●",)


class Band(Enum):
    """Which part of the page a row belongs to."""

    HEAD = "head"
    MIDDLE = "middle"
    FOOT = "foot"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the screen, exactly as wide as it."""

    text: str
    band: Band


def draw(view: View, columns: int, rows: int) -> tuple[Row, ...]:
    """The whole screen: `rows` rows, each of `columns` characters that are one cell wide."""
    if columns < LEAST[0] or rows < LEAST[1]:
        return _too_small(columns, rows)
    page = Page(columns, rows)
    said = {language: _cleaned(each) for language, each in view.said().items()}
    dots = _dots(view, page)
    found = setting(view.shown.notice, said, page, len(dots))
    head, foot = _head(view, page), _foot(view.language, found)
    drawn = picture(said[view.language].pictogram, page.picture_columns, page.picture_rows)
    words = [*_headline(found, view.language), *dots]
    middle = _side_by_side(drawn, words, page, rows - len(head) - len(foot))
    bands = ((Band.HEAD, head), (Band.MIDDLE, middle), (Band.FOOT, foot))
    edge = " " * page.margin
    return tuple(Row(row(edge + line, columns), band) for band, lines in bands for line in lines)


def _head(view: View, page: Page) -> list[str]:
    # No time is better than that of another zone.
    told = time_text(view.now, view.language, view.place.zone) if view.timed else ""
    time = clean(told)
    room = page.inner - len(time) - 1
    name = shortened(clean(site_name(view.place, view.language)), room)
    line = f"{name:{room}} {time}"
    return [line] if page.head_rows == 1 else ["", line, ""]


def _foot(language: str, found: Setting) -> list[str]:
    if found.foot is not Foot.ALL:
        small = found.small[language] if found.foot is Foot.TURN else ()
        return [*small, *[""] * (found.foot_rows - len(small))]
    gap = [""] if found.spaced else []
    lines = [line for each in found.small.values() for line in (*each, *gap)]
    return lines if found.spaced else [*lines, ""]


def _headline(found: Setting, language: str) -> list[str]:
    lines = found.headline[language]
    drawn = [row for line in lines for row in letters.large(line)] if found.large else lines
    return [*drawn, *[""] * (found.headline_rows - len(drawn))]


def _dots(view: View, page: Page) -> list[str]:
    """As many dots as digits were typed, below a blank row; their place is kept from the first."""
    if view.shown.notice is not Notice.ENTER_PIN:
        return []
    dot = _DOT if page.rows >= 16 else _SMALL_DOT
    most = (page.beside + 1) // (len(dot[0]) + 1)
    return ["", *(" ".join([line] * min(view.shown.digits, most)) for line in dot)]


def _side_by_side(drawn: Sequence[str], words: Sequence[str], page: Page, rows: int) -> list[str]:
    across, gap = page.picture_columns, " " * page.margin
    pairs = zip_longest(_placed(drawn, rows), _placed(words, rows), fillvalue="")
    return [f"{left:{across}}{gap}{right}" for left, right in pairs]


def _placed(lines: Sequence[str], rows: int) -> list[str]:
    """The lines in the middle of so many rows; what does not go in is cut off below."""
    above = max(0, rows - len(lines)) // 2
    return [*[""] * above, *lines, *[""] * rows][:rows]


def _cleaned(said: Said) -> Said:
    return replace(said, title=clean(said.title), text=clean(said.text))


def _too_small(columns: int, rows: int) -> tuple[Row, ...]:
    told = [f"{columns} x {rows}", f"is too small: {LEAST[0]} x {LEAST[1]}"]
    return tuple(Row(row(line, columns), Band.MIDDLE) for line in [*told, *[""] * rows][:rows])
