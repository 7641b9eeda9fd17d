"""The colours of the demo's panel. Every one of them goes with a word that says the same."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from rich.style import Style

from ui.panel.colours import styles
from ui.panel.demo_pieces import Ink, Tint

_GROUND: Final = "#10151b"
_Colours = Mapping[Tint, tuple[str, str, bool]]  # ink, ground, bold
_COLOURS: Final[_Colours] = {
    Tint.PLAIN: ("#dde3ea", _GROUND, False),
    Tint.FAINT: ("#93a1b0", _GROUND, False),
    Tint.TITLE: ("#ffffff", "#263442", True),
    Tint.KEY: ("#f2c14e", "#2c3744", True),
    Tint.CHOSEN: ("#ffffff", "#1a4f94", True),
    Tint.GOOD: ("#56d68f", _GROUND, False),
    Tint.BAD: ("#ff7a7a", _GROUND, True),
    Tint.WARN: ("#ffc933", _GROUND, True),
    Tint.ALARM: ("#ffffff", "#98131f", True),
    Tint.SECURED: ("#ffffff", "#31485f", True),
    Tint.RELEASED: ("#04210f", "#3ddc84", True),
    Tint.GRANTED: ("#ffffff", "#0a6b2d", True),
    Tint.DENIED: ("#ffffff", "#98131f", True),
    Tint.DISPLAY: ("#c9f7c6", "#123a1c", False),
    Tint.LAMP_RED: ("#ff4d4d", _GROUND, True),
    Tint.LAMP_GREEN: ("#3ddc84", _GROUND, True),
    Tint.LAMP_WAIT: ("#ffc933", _GROUND, True),
}
# The same for a terminal of 16 colours: exactly those.
_SIXTEEN: Final[_Colours] = {
    Tint.PLAIN: ("#aaaaaa", "#000000", False),
    Tint.FAINT: ("#aaaaaa", "#000000", False),
    Tint.TITLE: ("#ffffff", "#000000", True),
    Tint.KEY: ("#ffff55", "#000000", True),
    Tint.CHOSEN: ("#ffffff", "#0000aa", True),
    Tint.GOOD: ("#55ff55", "#000000", False),
    Tint.BAD: ("#ff5555", "#000000", True),
    Tint.WARN: ("#ffff55", "#000000", True),
    Tint.ALARM: ("#ffffff", "#aa0000", True),
    Tint.SECURED: ("#ffffff", "#0000aa", True),
    Tint.RELEASED: ("#000000", "#00aa00", True),
    Tint.GRANTED: ("#000000", "#00aa00", True),
    Tint.DENIED: ("#ffffff", "#aa0000", True),
    Tint.DISPLAY: ("#55ff55", "#000000", False),
    Tint.LAMP_RED: ("#ff5555", "#000000", True),
    Tint.LAMP_GREEN: ("#55ff55", "#000000", True),
    Tint.LAMP_WAIT: ("#ffff55", "#000000", True),
}


@cache
def style(ink: Ink, *, few: bool, none: bool = False) -> Style:
    """The style of an ink. few: for a terminal of 16 colours; none: for one of none."""
    if not isinstance(ink, Tint):
        mood, band = ink
        return styles(mood, few=few, none=none)[band]
    colour, ground, bold = (_SIXTEEN if few else _COLOURS)[ink]
    if none:
        return Style(bold=bold, reverse=_COLOURS[ink][1] != _GROUND)
    return Style(color=colour, bgcolor=ground, bold=bold)
