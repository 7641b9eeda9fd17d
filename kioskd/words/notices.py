"""A notice as words, picture, light and sound. A table each; total over whatever is shown.

`said` never raises: a screen must not go dark for want of a word. Where a language has no words
it takes those of FALLBACK. A test proves that no file lacks any, so that is for a damaged
installation alone.

Deliberately not here: who is told what (kioskd.access.notices), for how long (the entry), and
how wide a screen is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Final

from kioskd.domain.face import Light, Pictogram, Tone
from kioskd.domain.notice import Notice, Shown
from kioskd.words.forms import date_form, day_form, local, minutes_form, time_form
from kioskd.words.texts import FALLBACK, WordsError, languages, say

NO_BREAK: Final = "\u00a0"  # holds a phone number together where lines are broken
NO_CODE: Final = "00"  # a fault that came without one
LONGEST_PHONE: Final = 19  # characters that are held together; one row of a display of 20
_LONGEST_VALUE: Final = 60  # characters of a phone number or a code that anybody reads
_MOST_MINUTES: Final = 9999


@dataclass(frozen=True, slots=True)
class Place:
    """What words need of a site and a door.

    zone: the site's. phone: of the help, empty for none. minimum_age: of the door, in years.
    name: of the site, by language.
    """

    zone: tzinfo = UTC
    phone: str = ""
    minimum_age: int = 15
    name: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Face:
    """A notice without words."""

    pictogram: Pictogram
    light: Light
    tone: Tone


@dataclass(frozen=True, slots=True)
class Said:
    """A notice in one language.

    title: one or two words to stand above the text; the site's name when idle. text: all of it.
    short: fits 4 rows of 20 when its lines are broken at spaces.
    """

    title: str
    text: str
    short: str
    pictogram: Pictogram
    light: Light
    tone: Tone


_NO = (Light.RED, Tone.DENIED)  # one for all: a sound at the outer door tells no reason
_FACES: Mapping[Notice, Face] = MappingProxyType(
    {
        Notice.IDLE: Face(Pictogram.CARD, Light.OFF, Tone.NONE),
        Notice.ENTER_PIN: Face(Pictogram.KEYS, Light.WAIT, Tone.PLEASE),
        Notice.WAIT: Face(Pictogram.HOURGLASS, Light.WAIT, Tone.NONE),
        Notice.GRANTED: Face(Pictogram.WALK, Light.GREEN, Tone.GRANTED),
        Notice.DENIED: Face(Pictogram.STOP, *_NO),
        Notice.WRONG_CARD_OR_PIN: Face(Pictogram.STOP, *_NO),
        Notice.NOT_KNOWN_OFFLINE: Face(Pictogram.CLOCK, *_NO),
        Notice.TRY_LATER: Face(Pictogram.CLOCK, *_NO),
        Notice.CLOSED: Face(Pictogram.CLOCK, *_NO),
        Notice.LOCKDOWN: Face(Pictogram.STOP, *_NO),
        Notice.CARD_LOST: Face(Pictogram.ASK, *_NO),
        Notice.EXPIRED: Face(Pictogram.ASK, *_NO),
        Notice.USE_BAN: Face(Pictogram.ASK, *_NO),
        Notice.SELF_SERVICE_BLOCK: Face(Pictogram.ASK, *_NO),
        Notice.TERMS_NOT_ACCEPTED: Face(Pictogram.ASK, *_NO),
        Notice.CATEGORY_NOT_ALLOWED: Face(Pictogram.ASK, *_NO),
        Notice.UNDER_AGE: Face(Pictogram.ASK, *_NO),
        Notice.FULL: Face(Pictogram.CLOCK, *_NO),
        Notice.PIN_TIMEOUT: Face(Pictogram.CARD, *_NO),
        Notice.FAULT: Face(Pictogram.PHONE, *_NO),
        Notice.NOT_A_LIBRARY_CODE: Face(Pictogram.CARD, *_NO),
    }
)


def face(shown: Shown) -> Face:
    """Picture, light and sound of a notice. A key typed sounds the same whichever it is.

    How a door stands while nobody uses it is no answer to anybody: no light, no sound.
    """
    found = _FACES[shown.notice]
    if shown.standing:
        return Face(found.pictogram, Light.OFF, Tone.NONE)
    if shown.notice is Notice.ENTER_PIN and shown.digits:
        return Face(found.pictogram, found.light, Tone.KEY)
    return found


def said(shown: Shown, language: str, place: Place, now: datetime | None = None) -> Said:
    """The words of a notice; never raises.

    now: aware; with it the day of an opening is "tomorrow" or "on Monday", without it a date.
    Said anew at midnight: "tomorrow" does not stay true.
    """
    spoken = language if language in languages() else FALLBACK
    try:
        title, text, short = _words(shown, spoken, place, now)
    except WordsError:
        title, text, short = _words(shown, FALLBACK, place, now)
    looks = face(shown)
    return Said(title, text, short, looks.pictogram, looks.light, looks.tone)


def variant(shown: Shown, place: Place) -> str:
    """Which words a notice takes: its own, or those with a date, an hour, a phone number."""
    notice = shown.notice
    if notice in (Notice.USE_BAN, Notice.SELF_SERVICE_BLOCK) and shown.until is not None:
        return f"{notice.value}-until"
    if notice is Notice.CLOSED and shown.opens is not None:
        return "closed-opens"
    if notice is Notice.FAULT and not place.phone:
        return "fault-no-phone"
    return notice.value


def _words(shown: Shown, language: str, place: Place, now: datetime | None) -> tuple[str, str, str]:
    which = variant(shown, place)
    values = _values(shown, language, place, now)
    title, text, short = (
        say(f"{which}.{part}", language, **values) for part in ("title", "text", "short")
    )
    return title or site_name(place, language), text, short


def site_name(place: Place, language: str) -> str:
    """The site's name in a language, or in the first that it has one in."""
    return _clean(place.name.get(language) or next(iter(place.name.values()), ""))


def _values(shown: Shown, language: str, place: Place, now: datetime | None) -> dict[str, object]:
    n = max(1, min(shown.minutes, _MOST_MINUTES))
    values: dict[str, object] = {
        "n": n,
        "minutes": minutes_form(n, language),
        "age": place.minimum_age,
        "tel": _phone(place.phone),
        "code": _clean(shown.code) or NO_CODE,
    }
    if shown.until is not None:
        values["date"] = date_form(shown.until, language)
    if shown.opens is not None:
        opens = local(shown.opens, place.zone)
        today = local(now, place.zone).date() if now is not None else None
        values["day"] = day_form(opens.date(), today, language)
        values["time"] = time_form(opens, language)
    return values


def _phone(number: str) -> str:
    cleaned = _clean(number)
    return cleaned.replace(" ", NO_BREAK) if len(cleaned) <= LONGEST_PHONE else cleaned


def _clean(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:_LONGEST_VALUE].strip()
