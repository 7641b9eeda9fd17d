"""Published log-ins as a picture: for each branch a heat map, weekday by hour, as SVG.

Every cell has its count in it, so no colour tells anything alone, and title and description say
in words what is shown. The file stands by itself: no script, no font, no address.

Deliberately not here: what may be shown (stats).
"""

from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape

from sync.hub.stats import HOURS, WEEKDAYS, Sheet
from sync.hub.stats_forms import WITHHELD, shown

CELL: Final = 38  # pixels; a count of five digits fits
ROW: Final = 24
LEFT: Final = 96
TOP: Final = 56  # of a panel: its title and the hours
MARGIN: Final = 16
HEAD: Final = 84  # of the picture: its title and the legend
# From light to dark, with the ink that is read on each: contrast is 4.5 to 1 or better.
SHADES: Final = (
    ("#ffffff", "#1a1a1a", "none"),
    ("#deebf7", "#1a1a1a", "few"),
    ("#9ecae1", "#1a1a1a", "some"),
    ("#2171b5", "#ffffff", "many"),
    ("#08306b", "#ffffff", "most"),
)
_HIDDEN: Final = ("#eeeeee", "#1a1a1a", "withheld")


def heat_maps(found: Iterable[Sheet], year: int) -> str:
    """An SVG document with a panel for each branch whose hours are among the sheets."""
    panels = [s for s in found if s.what == "log-ins" and s.rows == "weekday"]
    hours = _hours(panels)
    wide = LEFT + CELL * len(hours) + MARGIN
    panel = TOP + ROW * len(WEEKDAYS) + MARGIN
    high = HEAD + panel * len(panels)
    lines = _head(max(wide, 560), high, year, panels)
    for index, sheet in enumerate(panels):
        lines += _panel(sheet, hours, HEAD + panel * index)
    return "\n".join([*lines, "</svg>", ""])


def _hours(panels: Sequence[Sheet]) -> tuple[str, ...]:
    """The hours from the first to the last that any branch shows, alike for all."""
    named = [hour for sheet in panels if not sheet.withheld for hour in sheet.table.columns]
    if not named:
        return HOURS
    return HOURS[HOURS.index(min(named)) : HOURS.index(max(named)) + 1]


def _head(wide: int, high: int, year: int, panels: Sequence[Sheet]) -> list[str]:
    title = f"Log-ins by weekday and hour, {year}"
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" aria-labelledby="title desc" '
        'font-family="sans-serif" font-size="12">'
    )
    lines = [
        root,
        f'<title id="title">{title}</title>',
        f'<desc id="desc">{escape(_described(panels, year))}</desc>',
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
        _text(MARGIN, 26, title, size=18),
    ]
    for index, (fill, ink, word) in enumerate((*SHADES, _HIDDEN)):
        lines.append(_cell(MARGIN + 88 * index, 42, 84, word, fill, ink))
    return lines


def _described(panels: Sequence[Sheet], year: int) -> str:
    if not panels:
        return f"Nothing was counted in {year}."
    told = [_told(sheet) for sheet in panels]
    return (
        f"A heat map for each branch; a row is a weekday, a column an hour of {year}. Log-ins are "
        f"counted, not visitors. {WITHHELD} is a count that is withheld. " + " ".join(told)
    )


def _told(sheet: Sheet) -> str:
    cells = [
        (n, day, hour)
        for day, line in zip(sheet.table.rows, sheet.table.cells, strict=False)
        for hour, n in zip(sheet.table.columns, line, strict=False)
        if n
    ]
    if sheet.withheld or not cells:
        return f"{sheet.branch}: too few to show."
    most, day, hour = max(cells, key=lambda cell: cell[0])
    return f"{sheet.branch}: {sheet.table.total} in all, most on {day} at {hour}: {most}."


def _panel(sheet: Sheet, hours: Sequence[str], top: int) -> list[str]:
    note = ": too few to show" if sheet.withheld else f": {shown(sheet.table.total)} log-ins"
    lines = [_text(MARGIN, top + 20, f"{sheet.branch} ({sheet.municipality}){note}", size=14)]
    for column, hour in enumerate(hours):
        lines.append(_text(LEFT + CELL * column + CELL // 2, top + 46, hour, anchor="middle"))
    most = max((n or 0 for line in sheet.table.cells[:-1] for n in line[:-1]), default=0)
    for row, day in enumerate(WEEKDAYS):
        at = top + TOP + ROW * row
        lines.append(_text(MARGIN, at + 16, day))
        counts = dict(zip(sheet.table.columns, sheet.table.cells[row], strict=False))
        for column, hour in enumerate(hours):
            n = counts.get(hour, 0)
            fill, ink, _ = _shade(n, most)
            lines.append(_cell(LEFT + CELL * column, at, CELL, _label(n), fill, ink))
    return lines


def _label(n: int | None) -> str:
    return "" if n == 0 else shown(n)


def _shade(n: int | None, most: int) -> tuple[str, str, str]:
    if n is None:
        return _HIDDEN
    if n == 0:
        return SHADES[0]
    steps = len(SHADES) - 1
    return SHADES[1 + min(steps - 1, n * steps // (most + 1))]


def _cell(left: int, top: int, wide: int, word: str, fill: str, ink: str) -> str:
    box = (
        f'<rect x="{left}" y="{top}" width="{wide}" height="{ROW}" fill="{fill}" stroke="#8c8c8c"/>'
    )
    return box + _text(left + wide // 2, top + 16, word, anchor="middle", ink=ink)


def _text(
    left: int, top: int, text: str, *, size: int = 12, anchor: str = "start", ink: str = "#1a1a1a"
) -> str:
    return (
        f'<text x="{left}" y="{top}" font-size="{size}" text-anchor="{anchor}" fill="{ink}">'
        f"{escape(text)}</text>"
    )
