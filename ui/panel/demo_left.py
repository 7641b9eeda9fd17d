"""The left side of the demo's panel: the door as its patron sees it, the strike, lamps, display,
contact and devices below, and who can come.

Deliberately not here: the right side (demo_right) and what is above and below both (demo_page).
"""

from collections.abc import Iterator
from datetime import datetime
from math import ceil
from typing import Final

from ui.panel import letters
from ui.panel.demo_keys import KEYPAD, device_keys, short_name
from ui.panel.demo_model import Model, Stage, Visitor
from ui.panel.demo_pieces import Line, Piece, Tint, beside, block, fitted, flowing, line
from ui.panel.drawing import LEAST, draw
from ui.panel.plain import shortened
from ui.panel.view import View

LEAST_COLUMNS: Final = LEAST[0]
_SMALL_ROWS: Final = 24  # of this side, below which strike and devices are drawn small
_WIDE: Final = 52  # columns, from which the door's screen has room for large letters
_MOST_DOOR_ROWS: Final = 24
_DISPLAY: Final = (20, 4)
_DISPLAY_COLUMNS: Final = _DISPLAY[0] + 2
_NAMED_COLUMNS: Final = 18  # of a person's cell, below which only the first word is shown
_TIGHT_COLUMNS: Final = 11  # of a person's cell, below which its key has no room around it
_STRIKE_WORDS: Final = {True: "RELEASED", False: "SECURED"}
_LAMPS: Final = (("red", Tint.LAMP_RED), ("green", Tint.LAMP_GREEN), ("wait", Tint.LAMP_WAIT))


def left(
    model: Model, view: View, columns: int, rows: int, chosen: Visitor | None = None
) -> list[Line]:
    """The whole side in exactly so many rows and columns. chosen: whose card was scanned last."""
    small = rows < _SMALL_ROWS
    hardware = _small(model.stage, columns) if small else _hardware(model.stage, columns)
    room = rows - len(hardware)
    people = _people(model.visitors, chosen, columns, max(1, room - _door_rows(columns)))
    door = max(LEAST[1], min(room - len(people), _MOST_DOOR_ROWS, columns * 3 // 8))
    spare = room - door - len(people)
    lines = [*_door(view, columns, door), *hardware, *[()] * min(1, max(0, spare)), *people]
    return block(lines, columns, rows)


def _door_rows(columns: int) -> int:
    """What the door's screen is given before people are; it takes more where they need less."""
    return LEAST[1] if columns < _WIDE else min(_MOST_DOOR_ROWS, columns * 3 // 10)


def _door(view: View, columns: int, rows: int) -> list[Line]:
    mood = view.mood
    return [line(Piece(each.text, (mood, each.band))) for each in draw(view, columns, rows)]


def _hardware(stage: Stage, columns: int) -> list[Line]:
    across = columns - _DISPLAY_COLUMNS - 1
    told = [*_strike(stage, across), line(" ", *_lamps(stage)), line(" ", *_contact(stage))]
    shown = [line(Piece(" display".ljust(_DISPLAY_COLUMNS), Tint.FAINT)), *_display(stage)]
    both = beside(told, [line(" ", *each) for each in shown], across, _DISPLAY_COLUMNS + 1)
    return [*both, *_devices(stage, columns), _keypad()]


def _small(stage: Stage, columns: int) -> list[Line]:
    """The same in four rows: the display beside the rest, and devices by their letters."""
    across = columns - _DISPLAY_COLUMNS - 1
    told = [
        _word(stage, across),
        line(*_lamps(stage)),
        line(*_contact(stage)),
        *flowing(_device_letters(stage), across, gap=""),
    ]
    shown = [line(" ", *each) for each in _display(stage)]
    return beside(told[: len(shown)], shown, across, _DISPLAY_COLUMNS + 1)


def _strike(stage: Stage, columns: int) -> list[Line]:
    """SECURED or RELEASED on a ground of its own: both large, or neither, so that nothing moves."""
    tint = Tint.RELEASED if stage.released else Tint.SECURED
    if max(letters.width(word) or columns for word in _STRIKE_WORDS.values()) + 2 > columns:
        blank = fitted((), columns, tint)
        return [blank, _word(stage, columns), blank]
    rows = letters.large(_STRIKE_WORDS[stage.released])
    return [fitted((Piece(each.center(columns), tint),), columns, tint) for each in rows]


def _word(stage: Stage, columns: int) -> Line:
    tint = Tint.RELEASED if stage.released else Tint.SECURED
    return line(Piece(_STRIKE_WORDS[stage.released].center(columns)[:columns], tint))


def _lamps(stage: Stage) -> Iterator[Piece]:
    for name, tint in _LAMPS:
        if stage.lamps.get(name, False):
            yield Piece(f"●{name.upper()} ", tint)
        else:
            yield Piece(f"○{name} ", Tint.FAINT)


def _contact(stage: Stage) -> Line:
    if stage.open:
        return line(Piece("door OPEN", Tint.WARN, "H"))
    return line(Piece("door closed", key="H"))


def _display(stage: Stage) -> list[Line]:
    columns, rows = _DISPLAY
    lines = [*stage.display, *[""] * rows][:rows]
    return [line(Piece(f" {each[:columns]:{columns}} ", Tint.DISPLAY)) for each in lines]


def _devices(stage: Stage, columns: int) -> Iterator[Line]:
    """Each by its key and name; a cross before the name of one that is unplugged."""
    told = (
        line(Piece(f" {key} ", Tint.KEY, key), _plugged(short_name(device), stage, device, key))
        for key, device in device_keys(stage).items()
    )
    return flowing(told, columns, gap=" ")


def _device_letters(stage: Stage) -> Iterator[Line]:
    for key, device in device_keys(stage).items():
        yield line(Piece(key, Tint.KEY, key), _plugged("", stage, device, key))


def _plugged(name: str, stage: Stage, device: str, key: str) -> Piece:
    if stage.devices[device]:
        return Piece(f" {name}", key=key)
    return Piece(f"×{name}", Tint.BAD, key)


def _keypad() -> Line:
    return line(*(part for key in KEYPAD for part in (Piece(f" {key} ", Tint.KEY, key), Piece(""))))


def _people(
    visitors: tuple[Visitor, ...], chosen: Visitor | None, columns: int, rows: int
) -> list[Line]:
    """Everybody in as few columns as go in, each beside the key that scans the card."""
    if not visitors:
        return [line(Piece(" nobody can come: the demo names no people", Tint.FAINT))]
    across = max(1, ceil(len(visitors) / max(1, rows)))
    down = ceil(len(visitors) / across)
    cell = columns // across
    cells = [fitted(_person(each, chosen, cell - 1), cell) for each in visitors]
    return [tuple(p for each in cells[row::down] for p in each) for row in range(down)]


def _person(visitor: Visitor, chosen: Visitor | None, columns: int) -> Line:
    key, ink = visitor.letter, Tint.CHOSEN if visitor == chosen else Tint.PLAIN
    if columns < _TIGHT_COLUMNS:
        name = visitor.title.partition(",")[0]
        return line(Piece(key, Tint.KEY, key), Piece(f" {name[: columns - 2]}", ink, key))
    title = visitor.title if columns >= _NAMED_COLUMNS else visitor.title.partition(",")[0]
    text = shortened(title, columns - 4)
    return line(Piece(f" {key} ", Tint.KEY, key), Piece(f" {text}", ink, key))


def clock_words(model: Model, view: View) -> Line:
    """The daemon's time of day, and how far it is from the real one."""
    local = view.now.astimezone(view.place.zone)
    time = f"{local:%a} {local.day} {local:%b %Y %H:%M:%S}" if view.timed else ""
    offset = offset_words(model.stage.offset.total_seconds())
    return line(
        Piece(f" {time}", Tint.TITLE),
        Piece(f"  {offset}", Tint.TITLE),
    )


def offset_words(seconds: float) -> str:
    """An offset as people say it: +1 d 2 h, -10 min."""
    if not round(seconds):
        return "real time"
    left, told = abs(round(seconds)), []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        told += [f"{count} {unit}"] if count else []
    return f"{'+' if seconds > 0 else '-'}{' '.join(told)}"


def moved(now: datetime, model: Model) -> datetime:
    """The daemon's wall time; the edge of time stays where it is."""
    try:
        return now + model.stage.offset
    except OverflowError:
        return now
