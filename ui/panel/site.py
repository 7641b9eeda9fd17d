"""What a screen knows of its site: the answer to the verb `site`, read with patience.

Nothing that a daemon answers may break a screen: what is missing or of another kind than expected
becomes its default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from kioskd.words.notices import Place
from kioskd.words.texts import languages

_LANGUAGES: Final = ("fi", "sv", "en")  # until a daemon told otherwise
_ADULT: Final = 15  # the minimum age of a door that tells none


@dataclass(frozen=True, slots=True)
class Site:
    """name: by language. languages: in the order of their turns. doors: minimum age by name.

    zone: None until a daemon told one.
    """

    name: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = _LANGUAGES
    phone: str = ""
    zone: tzinfo | None = None
    doors: Mapping[str, int] = field(default_factory=dict)

    def place(self, door: str) -> Place:
        """What words need at this door."""
        return Place(self.zone or UTC, self.phone, self.doors.get(door, _ADULT), self.name)


def site_of(answer: Mapping[str, Any]) -> Site:
    """The site of such an answer; never raises."""
    told = answer.get("languages")
    spoken = [each for each in told if each in languages()] if isinstance(told, list) else []
    return Site(
        name={str(k): v for k, v in _table(answer, "name").items() if isinstance(v, str)},
        languages=tuple(dict.fromkeys(spoken)) or _LANGUAGES,
        phone=_text(answer, "help_phone"),
        zone=_zone(_text(answer, "timezone")),
        doors={str(k): _age(door) for k, door in _table(answer, "doors").items()},
    )


def _table(answer: Mapping[str, Any], name: str) -> dict[Any, Any]:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""


def _age(door: object) -> int:
    age = door.get("minimum_age") if isinstance(door, dict) else None
    return age if type(age) is int and 0 <= age < 150 else _ADULT


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (LookupError, ValueError, OSError):
        return None
