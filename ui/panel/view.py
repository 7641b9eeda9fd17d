"""What the screen of a door shows at one moment, and what of it stands out.

Deliberately not here: drawing it (drawing), and where it comes from (following).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from kioskd.domain.face import Light
from kioskd.domain.notice import Notice, Shown
from kioskd.words.notices import Place, Said, face, said

SCREEN_CODE: Final = "61"  # the fault code when no daemon answers the screen


class Mood(Enum):
    """The colours of a notice; every denial has the same."""

    CALM = "calm"
    ASKING = "asking"
    GRANTED = "granted"
    DENIED = "denied"
    CLOSED = "closed"
    FAULT = "fault"


# Told in words of one size to everybody, so that whoever waits behind reads no reason of somebody
# else's from afar: only the title of these is large.
PERSONAL: Final = frozenset(
    {
        Notice.TRY_LATER,
        Notice.CARD_LOST,
        Notice.EXPIRED,
        Notice.USE_BAN,
        Notice.SELF_SERVICE_BLOCK,
        Notice.TERMS_NOT_ACCEPTED,
        Notice.CATEGORY_NOT_ALLOWED,
        Notice.UNDER_AGE,
    }
)
_MOODS: Final[Mapping[Notice, Mood]] = {
    Notice.CLOSED: Mood.CLOSED,
    Notice.LOCKDOWN: Mood.CLOSED,
    Notice.FULL: Mood.CLOSED,
    Notice.FAULT: Mood.FAULT,
}
_BY_LIGHT: Final[Mapping[Light, Mood]] = {
    Light.OFF: Mood.CALM,
    Light.WAIT: Mood.ASKING,
    Light.GREEN: Mood.GRANTED,
    Light.RED: Mood.DENIED,
}


@dataclass(frozen=True, slots=True)
class View:
    """One moment of the screen.

    languages: in the order in which they take turns, at least one. turn: whose turn it is,
    counted on without end. now: aware; the clock of the screen. timed: whether the place's time
    zone is known.
    """

    shown: Shown
    place: Place
    languages: tuple[str, ...]
    now: datetime
    turn: int = 0
    timed: bool = True

    @property
    def language(self) -> str:
        """The language that is large now."""
        return self.languages[self.turn % len(self.languages)]

    @property
    def mood(self) -> Mood:
        return _MOODS.get(self.shown.notice) or _BY_LIGHT[face(self.shown).light]

    def said(self) -> dict[str, Said]:
        """The notice in every language."""
        return {each: said(self.shown, each, self.place, self.now) for each in self.languages}
