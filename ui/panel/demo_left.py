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
_MOST_DOOR_ROWS: Final = 24
_DISPLAY: Final = (20, 4)
_DISPLAY_COLUMNS: Final = _DISPLAY[0] + 2
_NAMED_COLUMNS: Final = 18  # of a person's cell, below which only the first word is shown
_LAMPS: Final = (("red", Tint.LAMP_RED), ("green", Tint.LAMP_GREEN), ("wait", Tint.LAMP_WAIT))


def left(
    model: Model, view: View, columns: int, rows: int, chosen: Visitor | None = None
) -> list[Line]:
    """The whole side in exactly so many rows and columns. chosen: whose card was scanned last."""
    small = rows < _SMALL_ROWS
    hardware = _small(model.stage, columns) if small else _hardware(model.stage, columns)
    room = rows - len(hardware)
    people = _people(model.visitors, chosen, columns, max(1, room - LEAST[1]))
    door = max(LEAST[1], min(room - len(people), _MOST_DOOR_ROWS, columns * 3 // 8))
    spare = room - door - len(people)
    lines = [*_door(view, columns, door), *hardware, *[()] * min(1, max(0, spare)), *people]
    return block(lines, columns, rows)


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
    """The same in five rows: the display beside the rest, and devices by their letters."""
    across = columns - _DISPLAY_COLUMNS - 1
    told = [
        _word(stage, across),
        line(*_lamps(stage)),
        line(*_contact(stage)),
        *flowing(_device_letters(stage), across, gap=" "),
    ]
    return beside(told[:4], [line(" ", *each) for each in _display(stage)], across, 23)


def _strike(stage: Stage, columns: int) -> list[Line]:
    """SECURED or RELEASED, as large as it can be, on a ground of its own."""
    tint = Tint.RELEASED if stage.released else Tint.SECURED
    word = _strike_word(stage)
    wide = letters.width(word) or columns
    if wide + 2 > columns:
        blank = fitted((), columns, tint)
        return [blank, _word(stage, columns), blank]
    rows = letters.large(word)
    return [fitted((Piece(each.center(columns), tint),), columns, tint) for each in rows]


def _word(stage: Stage, columns: int) -> Line:
    tint = Tint.RELEASED if stage.released else Tint.SECURED
    return line(Piece(_strike_word(stage).center(columns)[:columns], tint))


def _strike_word(stage: Stage) -> str:
    return "RELEASED" if stage.released else "SECURED"


def _lamps(stage: Stage) -> Iterator[Piece]:
    for name, tint in _LAMPS:
        on = stage.lamps.get(name, False)
        yield Piece(f"{'●' if on else '○'}{name.upper() if on else name} ", tint if on else _OFF)


def _contact(stage: Stage) -> Line:
    word = Piece("door OPEN", Tint.WARN) if stage.open else Piece("door closed")
    return line(Piece(word.text, word.ink, key="H"))


def _display(stage: Stage) -> list[Line]:
    columns, rows = _DISPLAY
    lines = [*stage.display, *[""] * rows][:rows]
    return [line(Piece(f" {each[:columns]:{columns}} ", Tint.DISPLAY)) for each in lines]


def _devices(stage: Stage, columns: int) -> Iterator[Line]:
    def told() -> Iterator[Line]:
        for key, device in device_keys(stage).items():
            name = short_name(device)
            there = stage.devices[device]
            word = Piece(f" {name}", key=key) if there else _unplugged(f" {name} UNPLUGGED", key)
            yield line(Piece(f" {key} ", Tint.KEY, key), word)

    return flowing(told(), columns, gap=" ")


def _device_letters(stage: Stage) -> Iterator[Line]:
    for key, device in device_keys(stage).items():
        if stage.devices[device]:
            yield line(Piece(key, Tint.KEY, key))
        else:
            yield line(Piece(key, Tint.KEY, key), _unplugged("=out", key))


def _unplugged(text: str, key: str) -> Piece:
    return Piece(text, Tint.BAD, key)


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
    title = visitor.title if columns >= _NAMED_COLUMNS else visitor.title.partition(",")[0]
    ink = Tint.CHOSEN if visitor == chosen else Tint.PLAIN
    key = visitor.letter
    text = shortened(title, columns - 4)
    return line(Piece(f" {key} ", Tint.KEY, key), Piece(f" {text}", ink, key))


_OFF: Final = Tint.FAINT


def clock_words(model: Model, view: View) -> Line:
    """The daemon's time of day, and how far it is from the real one."""
    local = view.now.astimezone(view.place.zone)
    offset = offset_words(model.stage.offset.total_seconds())
    return line(
        Piece(f" {local:%a} {local.day} {local:%b %Y %H:%M:%S}", Tint.TITLE),
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
