"""Walking the tables of a file: every key is looked at, every fault noted, none ends the walk.

A leaf turns one value of the file into a value of kioskd.config.model. It raises Unfit (any
ValueError will do) and the walk notes its text under the dotted key and goes on. A value that
could not be read is None in what `Table.build` returns, or the field's default: load() raises
before anyone sees it, and checks across keys ask `Table.sound` first.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

T = TypeVar("T")

SHOWN = 60  # characters of a value that a message repeats


class Unfit(ValueError):
    """A value that cannot be used; the text says what is wrong and the way out."""


@dataclass(slots=True)
class Notes:
    """Faults and warnings of one file, in the order in which they were met."""

    file: str
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """A dotted key of the file, `doors.front.reader`, and where its faults are noted."""

    notes: Notes
    key: str = ""

    def of(self, key: str) -> "Place":
        """The place of a key of this table."""
        key = key if key.isprintable() else quoted(key)
        return Place(self.notes, f"{self.key}.{key}" if self.key else key)

    def nth(self, index: int) -> "Place":
        """The place of a table in this array, counted from 1."""
        return Place(self.notes, f"{self.key}[{index + 1}]")

    def fault(self, text: str) -> None:
        """Note a fault: the file cannot be used."""
        self.notes.faults.append(self._line(text))

    def warn(self, text: str) -> None:
        """Note what the installer should know although the file can be used."""
        self.notes.warnings.append(self._line(text))

    def take(self, leaf: "Leaf", value: object) -> Any:
        """Turn a value with a leaf; None when that noted a fault."""
        try:
            return leaf(self, value)
        except ValueError as wrong:
            self.fault(str(wrong))
            return None

    def _line(self, text: str) -> str:
        return f"{self.notes.file}: {self.key}: {text}"


Leaf = Callable[[Place, object], Any]


@dataclass(slots=True)
class Table:
    """What was read of one table; `unusable` are keys with a fault or without a value."""

    place: Place
    values: dict[str, Any]
    unusable: set[str]

    def sound(self, *keys: str) -> bool:
        """Whether none of these keys is at fault, so that they may be compared."""
        return self.unusable.isdisjoint(keys)

    def build(self, cls: type[T], **more: object) -> T:
        """The value of this table: read keys, `more`, defaults; None where a fault was noted."""
        given = {**self.values, **more}
        named = {name: given.get(name) for name in _required(cls)}
        named |= {f.name: given[f.name] for f in _fields(cls) if f.name in given}
        return cls(**named)


def read(
    place: Place, value: object, leaves: Mapping[str, Leaf], required: Collection[str] = ()
) -> Table:
    """Read a table with a leaf for each key that it may have; notes unknown and missing keys."""
    if not isinstance(value, dict):
        place.fault(f"must be a table, not {kind(value)}")
        return Table(place, {}, set(leaves))
    meant = {_unknown(place.of(key), key, leaves) for key in value if key not in leaves}
    taken = {
        key: place.of(key).take(leaf, value[key]) for key, leaf in leaves.items() if key in value
    }
    missing = [key for key in required if key not in value]
    for key in missing:
        if key not in meant:
            place.of(key).fault(
                "missing; it has no default" if place.key else f"missing; add [{key}]"
            )
    unusable = {key for key, read_ in taken.items() if read_ is None} | set(missing)
    return Table(place, {k: v for k, v in taken.items() if v is not None}, unusable)


def nearest(text: str, known: Collection[str]) -> str | None:
    """The known word that was probably meant."""
    import difflib

    return next(iter(difflib.get_close_matches(text, sorted(known), 1)), None)


def did_you_mean(text: str, known: Collection[str]) -> str:
    """The way out of a misspelling: the nearest word, else all of them."""
    meant = nearest(text, known)
    if meant:
        return f"did you mean {meant}?"
    return f"known: {', '.join(sorted(known))}" if known else "none is known here"


def quoted(text: str) -> str:
    """A text of the file as a message shows it: bounded, no control characters."""
    cut = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut) + '"'


def kind(value: object) -> str:
    """What TOML calls a value of this type."""
    for type_, name in _KINDS:
        if isinstance(value, type_):
            return name
    return "a date or time"


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a table"),
)


def _unknown(place: Place, key: str, known: Collection[str]) -> str | None:
    place.fault(f"unknown key; {did_you_mean(key, known)}")
    return nearest(key, known)


def _fields(cls: type[Any]) -> tuple[Field[Any], ...]:
    return fields(cls)


def _required(cls: type[Any]) -> list[str]:
    return [f.name for f in _fields(cls) if f.default is MISSING and f.default_factory is MISSING]
