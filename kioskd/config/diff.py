"""What differs between two configurations, key by key, as the file writes them.

Deliberately not here: what a change needs (kioskd.daemon.reloading).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from re import Pattern
from typing import Any, Final

from kioskd.config.model import Config, DeviceConfig, Door

MOST: Final = 80  # characters of a value that a difference repeats
_A_TABLE: Final = "a table"
_NAMED: Final = frozenset({"devices", "doors"})
_NOT_KEYS: Final[Mapping[type, frozenset[str]]] = {
    Config: frozenset({"path", "warnings"}),
    DeviceConfig: frozenset({"name"}),
    Door: frozenset({"name"}),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One key and its two values; None where the key is not there."""

    key: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.key}: {self.before or 'nothing'} -> {self.after or 'nothing'}"


def differences(before: Config, after: Config) -> tuple[Difference, ...]:
    """Every key whose value is another, sorted; a table that came or went is one of them."""
    old, new = dict(_flat("", before)), dict(_flat("", after))
    found = [Difference(key, *pair) for key, pair in _tables(before, after).items()]
    tables = tuple(f"{difference.key}." for difference in found)
    keys = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    found += [
        Difference(key, _text(old.get(key)), _text(new.get(key)))
        for key in keys
        if not key.startswith(tables)
    ]
    return tuple(sorted(found, key=lambda difference: difference.key))


def _tables(before: Config, after: Config) -> dict[str, tuple[str | None, str | None]]:
    """[devices.NAME] and [doors.NAME] that only one of the two has."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for kind in _NAMED:
        old = {named.name for named in getattr(before, kind)}
        new = {named.name for named in getattr(after, kind)}
        found |= {f"{kind}.{name}": (_A_TABLE, None) for name in old - new}
        found |= {f"{kind}.{name}": (None, _A_TABLE) for name in new - old}
    return found


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        for field in fields(value):
            if field.name in _NOT_KEYS.get(type(value), ()):
                continue
            yield from _flat(_under(key, field.name), getattr(value, field.name))
    elif key in _NAMED:
        for named in value:
            yield from _flat(_under(key, named.name), named)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(_under(key, str(name)), inner)
    elif value is not None:
        yield key, value


def _under(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _text(value: Any) -> str | None:
    return None if value is None else _cut(_written(value))


def _cut(text: str) -> str:
    return text if len(text) <= MOST else text[:MOST] + "…"


def _written(value: Any) -> str:
    match value:
        case Enum():
            return str(value.value)
        case Pattern():
            return str(value.pattern)
        case bool():
            return "true" if value else "false"
        case Path() | date() | str() | int() | float():
            return str(value)
        case Collection():
            return "[" + ", ".join(_written(part) for part in _in_order(value)) + "]"
        case _:
            return _parts(value)


def _in_order(values: Collection[Any]) -> list[Any]:
    return sorted(values, key=str) if isinstance(values, frozenset) else list(values)


def _parts(value: Any) -> str:
    return (
        ", ".join(f"{k} = {v}" for k, v in _flat("", value)) if is_dataclass(value) else str(value)
    )
