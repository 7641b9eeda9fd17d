"""The colours of a door's screen, by mood and part of the page.

Ink and ground differ by at least 6.5 : 1. Who wants no colours (NO_COLOR) gets the terminal's
own, and the bar in reverse. Deliberately not here: what has which mood (view).
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from rich.style import Style

from ui.panel.drawing import Band
from ui.panel.view import Mood

_WHITE, _AMBER = "#ffffff", "#ffc933"
_Colours = Mapping[Mood, tuple[str, str, str]]
# ink, ground, ground of the bar above
_COLOURS: Final[_Colours] = {
    Mood.CALM: (_WHITE, "#0b2a4a", "#06182b"),
    Mood.ASKING: (_WHITE, "#1a4f94", "#0e2f5c"),
    Mood.GRANTED: (_WHITE, "#0a6b2d", "#05401a"),
    Mood.DENIED: (_WHITE, "#98131f", "#5c0a12"),
    Mood.CLOSED: (_WHITE, "#30343b", "#1b1e22"),
    Mood.FAULT: (_AMBER, "#1c1a14", "#000000"),
}
# The same for a terminal of 16 colours: exactly those, so that green does not become grey.
_SIXTEEN: Final[_Colours] = {
    Mood.CALM: ("#ffffff", "#0000aa", "#000000"),
    Mood.ASKING: ("#ffffff", "#0000aa", "#000000"),
    Mood.GRANTED: ("#000000", "#00aa00", "#00aa00"),
    Mood.DENIED: ("#ffffff", "#aa0000", "#aa0000"),
    Mood.CLOSED: ("#ffffff", "#000000", "#000000"),
    Mood.FAULT: ("#ffff55", "#000000", "#000000"),
}


@cache
def styles(mood: Mood, *, few: bool, none: bool = False) -> Mapping[Band, Style]:
    """Ink and ground of each part of the page. few: for a terminal of 16 colours; none: of none."""
    if none:
        return {band: Style(bold=True, reverse=band is Band.HEAD) for band in Band}
    ink, ground, bar = (_SIXTEEN if few else _COLOURS)[mood]
    grounds = {Band.HEAD: bar, Band.MIDDLE: ground, Band.FOOT: ground}
    return {band: Style(color=ink, bgcolor=each, bold=True) for band, each in grounds.items()}
