"""The demo's panel as rows of pieces: a head, both sides, what was done last, and the keys.

Deliberately not here: colours (demo_inks) and the terminal (demo_app).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ui.panel.demo_keys import controls
from ui.panel.demo_left import LEAST_COLUMNS, clock_words, left, moved
from ui.panel.demo_model import Model, Visitor
from ui.panel.demo_pieces import Line, Piece, Tint, block, fitted, flowing, line
from ui.panel.demo_right import right
from ui.panel.view import View

LEAST: Final = (80, 24)  # columns and rows; below, not all that it tells has room
_BETWEEN: Final = Piece("│", Tint.FAINT)
_ALARMS: Final = {
    "gone": " THE DAEMON IS GONE. The door stays as its hardware keeps it; waiting for it.",
    "starting": " The daemon is starting.",
}
_LOST: Final = " THE DAEMON DOES NOT ANSWER; trying again."
_BESIDE: Final = " try: "
_HINT: Final = " letters scan cards; digits, * and # are the keypad (Enter is #); or click"


def page(
    model: Model,
    now: datetime,
    columns: int,
    rows: int,
    turn: int = 0,
    chosen: Visitor | None = None,
) -> list[Line]:
    """The whole terminal: `rows` rows of `columns` cells. now: aware, the real time."""
    if columns < LEAST[0] or rows < LEAST[1]:
        return _too_small(columns, rows)
    view = _view(model, now, turn)
    keys = list(flowing(_keys(model), columns, gap=" "))
    across = _left_columns(columns)
    beyond = columns - across - 1
    body = rows - 2 - len(keys)
    sides = zip(
        left(model, view, across, body, chosen),
        right(model, view.place.zone, beyond, body),
        strict=True,
    )
    return [
        _head(model, view, across, beyond),
        *((*one, _BETWEEN, *other) for one, other in sides),
        _message(model, columns, turn),
        *block(keys, columns, len(keys)),
    ]


def _view(model: Model, now: datetime, turn: int) -> View:
    scene = model.scene
    place, languages = scene.site.place(scene.door), scene.site.languages
    timed = scene.site.zone is not None
    return View(scene.shown, place, languages, moved(now, model), turn, timed=timed)


def _left_columns(columns: int) -> int:
    """Under half, so that two rules go into a row on the right from 100 columns on."""
    return max(LEAST_COLUMNS, columns * 44 // 100)


def _head(model: Model, view: View, across: int, beyond: int) -> Line:
    told = []
    for word, well in sorted(model.site.words, key=lambda each: each[1]):  # what is cut off is well
        told += [Piece(" ", Tint.TITLE), Piece(f" {word} ", Tint.TITLE if well else Tint.ALARM)]
    clock = fitted(clock_words(model, view), across, Tint.TITLE)
    return (*clock, Piece("│", Tint.TITLE), *fitted(told, beyond, Tint.TITLE))


def _message(model: Model, columns: int, turn: int) -> Line:
    alarm = _ALARMS.get(model.stage.daemon, "" if model.scene.connected else _LOST)
    if alarm:
        return fitted((Piece(alarm, Tint.ALARM),), columns, Tint.ALARM)
    beside = model.stage.beside
    hint = f"{_BESIDE}{beside}" if beside and turn % 2 else _HINT  # one after the other
    told = f" {model.message}" if model.message else hint
    return fitted((Piece(told, Tint.TITLE),), columns, Tint.TITLE)


def _keys(model: Model) -> Iterator[Line]:
    for key, word in controls(model):
        yield line(Piece(f" {key} ", Tint.KEY, key), Piece(f" {word}", key=key))


def _too_small(columns: int, rows: int) -> list[Line]:
    told = (
        f"{columns} x {rows} is a little small:",
        f"this panel needs {LEAST[0]} x {LEAST[1]}.",
        "Make the window larger, or its letters",
        "smaller (often Ctrl and -). Q leaves.",
    )
    return block((line(Piece(f" {each}")) for each in told), columns, rows)
