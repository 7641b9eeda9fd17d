"""Opening hours as a picture in a terminal: a row a day, one or two cells an hour.

A cell stands for its wall time and shows the state of most of it, so a state of a few minutes
may not be seen; `--json` has every minute. Where spring leaves an hour out, its cells are blank;
where autumn repeats one, its first passing is shown. Each state has a shade of its own beside
its colour, so it reads without colours, and in a terminal without these characters.

Deliberately not here: which hours they are (the daemon's answer to schedule-show).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.console import Console, OverflowMethod
from rich.text import Text

from kioskd.cli.common import printable

LABEL: Final = 11  # columns of "Mon 23 Nov "
SAMPLES: Final = 6  # looks into a cell
_OPEN_FIRST = ("staffed", "self-service", "closed")  # which of two equal halves is shown
_COLOURS: Final = {"staffed": "green", "self-service": "cyan", "closed": "bright_black"}
_SHADES: Final = {"staffed": "█", "self-service": "▒", "closed": "·", "now": "┃"}
_PLAIN: Final = {"staffed": "#", "self-service": "=", "closed": ".", "now": "|"}
_SOURCES: Final = {"holiday": "public holiday", "exception": "exception", "staff": "set by staff"}
_USUAL = timedelta(hours=24)

Tiles = list[tuple[datetime, datetime, str]]


@dataclass(frozen=True, slots=True)
class _Pen:
    """How this terminal is drawn on."""

    console: Console
    unicode: bool
    per_hour: int
    zone: ZoneInfo
    now: datetime

    def sign(self, what: str) -> str:
        """The character of a state, or of now."""
        return (_SHADES if self.unicode else _PLAIN)[what]

    def writable(self, text: str) -> str:
        """A text with question marks for what this terminal has no character for."""
        return text.encode(self.console.encoding, "replace").decode(self.console.encoding)

    @property
    def room(self) -> int:
        """Columns right of the picture."""
        return self.console.width - LABEL - 24 * self.per_hour - 2


def draw(answer: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the answer to schedule-show; from 40 columns on nothing is broken."""
    to = console or Console(highlight=False)
    two = to.width >= LABEL + 48
    zone = ZoneInfo(answer["zone"])
    now = datetime.fromisoformat(answer["now"])
    pen = _Pen(to, to.encoding.lower().startswith("utf"), 2 if two else 1, zone, now)
    to.print(Text(_headline(answer)))
    to.print(_axis(pen), no_wrap=True)
    for day in answer["days"]:
        _print_day(pen, day)
    to.print(_legend(pen, [day["date"] for day in answer["days"]]))


def _headline(answer: Mapping[str, Any]) -> str:
    now = datetime.fromisoformat(answer["now"])
    change = answer["next_change"]
    until = f" until {_moment(datetime.fromisoformat(change), now)}" if change else ", as always"
    return f"{_named(now.date())} {now:%Y %H:%M} {answer['zone']}: {answer['state']}{until}"


def _moment(at: datetime, now: datetime) -> str:
    return f"{at:%H:%M}" if at.date() == now.date() else f"{_named(at.date())} {at:%H:%M}"


def _named(day: date) -> str:
    return f"{day:%a} {day.day:>2} {day:%b}"


def _axis(pen: _Pen) -> Text:
    hours = "".join(f"{hour:02d}".ljust(6 * pen.per_hour) for hour in (0, 6, 12, 18))
    return Text(" " * LABEL + hours + "24", style="dim")


def _print_day(pen: _Pen, shown: Mapping[str, Any]) -> None:
    day = date.fromisoformat(shown["date"])
    tiles = [(_at(t["from"]), _at(t["to"]), str(t["state"])) for t in shown["tiles"]]
    today = day == pen.now.date()
    row = Text(f"{_named(day)} ", style="bold" if today else "")
    for cell, state in enumerate(_cells(pen, day, tiles)):
        row.append(*_sign(pen, state, here=today and cell == _cell_of(pen)))
    note = pen.writable("; ".join(_notes(shown, tiles)))
    inline = cell_len(note) <= pen.room
    if note and inline:
        row.append(f"  {note}")
    pen.console.print(row, no_wrap=True, overflow="crop")
    if note and not inline:
        cut: OverflowMethod = "ellipsis" if pen.unicode else "crop"
        pen.console.print(Text(f"  {note}"), no_wrap=True, overflow=cut)


def _cell_of(pen: _Pen) -> int:
    return (pen.now.hour * 60 + pen.now.minute) * pen.per_hour // 60


def _sign(pen: _Pen, state: str | None, *, here: bool) -> tuple[str, str]:
    if here:
        return pen.sign("now"), "bold red"
    return (pen.sign(state), _COLOURS[state]) if state in _COLOURS else (" ", "")


def _cells(pen: _Pen, day: date, tiles: Tiles) -> Iterator[str | None]:
    minutes = 60 // pen.per_hour
    step = minutes // SAMPLES
    for begin in range(0, 1440, minutes):
        walls = range(begin + step // 2, begin + minutes, step)
        yield _most(_state(pen.zone, day, wall, tiles) for wall in walls)


def _most(states: Iterable[str | None]) -> str | None:
    counted = Counter(state for state in states if state is not None)
    return max(_OPEN_FIRST, key=lambda state: counted[state]) if counted else None


def _state(zone: ZoneInfo, day: date, minute: int, tiles: Tiles) -> str | None:
    """The state at a wall time; None where the clocks leave it out."""
    wall = datetime.combine(day, time(minute // 60, minute % 60), zone)
    at = wall.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
        return None
    return next((state for start, end, state in tiles if start <= at < end), None)


def _at(written: str) -> datetime:
    return datetime.fromisoformat(written).astimezone(UTC)


def _notes(shown: Mapping[str, Any], tiles: Tiles) -> Iterator[str]:
    title = printable(str(shown["title"])) or _SOURCES.get(shown["source"], "")
    if title:
        yield title
    length = tiles[-1][1] - tiles[0][0]
    if length != _USUAL:
        yield f"{length / timedelta(hours=1):g} h, clocks change"


def _legend(pen: _Pen, days: Iterable[str]) -> Text:
    told = list(_COLOURS.items())
    if pen.now.date().isoformat() in days:
        told.append(("now", "bold red"))
    gap = Text("  " if pen.per_hour == 2 else " ")
    return gap.join(Text.assemble((pen.sign(what), how), f" {what}") for what, how in told)
