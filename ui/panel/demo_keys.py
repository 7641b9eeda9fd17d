"""What each key of the demo's panel does: small letters are people, digits the keypad, the rest
things. A click on a piece of the panel is the key that it names.

Deliberately not here: doing it (demo_app), and where the keys are shown (demo_page).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ui.panel.demo_model import LETTERS, Model, Stage, Visitor

KEYPAD: Final = "123456789*0#"
QUIT: Final = "quit"  # not a verb of the demo: the panel ends
WALK: Final = "walk"  # neither: the door is opened and let close
CUT: Final = "cut"  # of the line to the hub
ACCEPT: Final = "clock-accept"  # of the daemon's own socket: staff vouch for its clock
_HOUR, _DAY, _BACK = 3600, 86_400, -600  # seconds
_ENTER: Final = "#"
_CLEAR: Final = "*"
_ALIASES: Final = {  # names of keys that are no characters
    "enter": _ENTER,
    "backspace": _CLEAR,
    "delete": _CLEAR,
    "space": "P",
    "ctrl+q": "Q",
    "ctrl+c": "Q",
}
_CONTROLS: Final = frozenset("PBOHXTCQ")  # capital letters that no device may take


@dataclass(frozen=True, slots=True)
class Move:
    """What is to be done. verb: of the demo's socket, or QUIT, WALK, ACCEPT; empty for nothing.

    told: for the message line. visitor: with `scan`, whose card it is.
    """

    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""
    visitor: Visitor | None = None


def key_of(name: str, character: str | None) -> str:
    """A key of the terminal as this panel calls it. name, character: as Textual tells them."""
    return _ALIASES.get(name) or (character if character and character.isprintable() else "")


def controls(model: Model) -> tuple[tuple[str, str], ...]:
    """Keys and what they do now, in the order in which the help shows them."""
    opened, cut = model.stage.open, model.stage.line == CUT
    hub = (("/", "mend line" if cut else "cut line"),) if model.stage.line else ()
    return (
        ("P", "right PIN"),
        ("B", "book"),
        ("O", "walk in"),
        ("H", "let close" if opened else "hold open"),
        ("X", "REX"),
        ("T", "staff button"),
        ("+", "+1 h"),
        (">", "+1 day"),
        ("-", "-10 min"),
        ("=", "real time"),
        ("C", "accept it"),
        *hub,
        ("!", "kill"),
        ("Q", "quit"),
    )


def device_keys(stage: Stage) -> dict[str, str]:
    """A capital letter for each device: one of its own name, where there is one left."""
    found: dict[str, str] = {}
    for device in stage.devices:
        wanted = [c.upper() for c in short_name(device) if c in LETTERS]
        free = (c for c in [*wanted, *LETTERS.upper()] if c not in _CONTROLS | set(found))
        if letter := next(free, ""):
            found[letter] = device
    return found


def short_name(device: str) -> str:
    """The part of a device's name that tells it from the others of its door."""
    return device.rpartition("-")[2].casefold() or device


def move_of(key: str, model: Model, chosen: Visitor | None) -> Move | None:
    """What this key does now; None for nothing. chosen: whose card was scanned last."""
    if key in LETTERS and key:
        return _scan(key, model)
    if key in KEYPAD and key:
        return Move("press", {"keys": key}, "a key of the keypad")
    if key == "P":
        return _pin(chosen)
    if (device := device_keys(model.stage).get(key)) is not None:
        return _plug(device, plugged=model.stage.devices[device])
    return dict(_things(model.stage)).get(key)


def _scan(letter: str, model: Model) -> Move | None:
    visitor = next((each for each in model.visitors if each.letter == letter), None)
    if visitor is None:
        return None
    return Move("scan", {"id": visitor.id}, f"the card of {visitor.title} is scanned", visitor)


def _pin(chosen: Visitor | None) -> Move:
    if chosen is None:
        return Move("", told="scan a card first: its letter stands beside it")
    if not chosen.pin:
        return Move("", told=f"there is no right PIN for {chosen.title}; type any digits and #")
    return Move("press", {"keys": chosen.pin + _ENTER}, "the right PIN is typed")


def _plug(device: str, *, plugged: bool) -> Move:
    verb, told = ("unplug", "unplugged") if plugged else ("plug", "plugged in")
    return Move(verb, {"device": device}, f"{device} is {told}")


def _things(stage: Stage) -> Iterator[tuple[str, Move]]:
    yield "B", Move("book", told="the barcode of a book is scanned")
    yield "O", Move(WALK, told="somebody goes through the door")
    yield "H", _held(opened=stage.open)
    yield "X", Move("rex", told="the exit button is pressed")
    yield "T", Move("button", told="the staff button is pressed")
    yield "+", _shift(_HOUR, "an hour later")
    yield ">", _shift(_DAY, "a day later")
    yield "-", _shift(_BACK, "ten minutes back")
    yield "=", _shift(-int(stage.offset.total_seconds()), "the clock is right again")
    yield "C", Move(ACCEPT, {"reason": "demo"}, "staff accept the daemon's clock as it is")
    if stage.line:
        yield "/", _line(cut=stage.line == CUT)
    yield "!", Move("kill", told="the daemon is killed (SIGKILL) and started anew")
    yield "Q", Move(QUIT)


def _held(*, opened: bool) -> Move:
    return Move("close", told="the door closes") if opened else Move("open", told="it is held open")


def _line(*, cut: bool) -> Move:
    if cut:
        return Move("mend", told="the line to the hub is mended")
    return Move("cut", told="the line to the hub is cut; the door goes on by what it knows")


def _shift(seconds: int, told: str) -> Move:
    return Move("shift", {"seconds": seconds}, told)
