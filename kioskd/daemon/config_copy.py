"""The copy of a configuration that may leave the device: what it needs to be made again elsewhere.

It is written anew from the values that were read, never copied from the file: comments, tables that
nothing reads yet and whatever else somebody wrote there do not leave. Nor do

    alerts.command            a program's arguments hold passwords
    card_only_accepted_by     the name of a person; WITHHELD stands there, so that the file loads
    insecure_plaintext        the same

Defaults are left out, but for what [register] takes from where. A copy reads again as the same
configuration, apart from that.

Deliberately not here: sending it (line_side), and what a new device believes of it (joined_text).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from pathlib import Path
from re import Pattern
from types import MappingProxyType
from typing import Any, Final

from kioskd.access.schedule import Span
from kioskd.config.file import MAX_BYTES
from kioskd.config.load import load
from kioskd.config.model import Config, DeviceConfig, Door, InputConfig, Maintenance, SipAccess
from kioskd.config.operating import WEEKDAYS
from kioskd.config.vocabulary import BUILT_IN
from kioskd.errors import ConfigError
from kioskd.store.faults import mapped

WITHHELD: Final = "left out of the copy at the hub, 0"
_TABLES: Final = (
    "site",
    "storage",
    "secrets",
    "cards",
    "clock",
    "control",
    "metrics",
    "register",
    "retention",
    "lockout",
    "policy",
)
_OPEN: Final = frozenset({"control", "register", "schedule"})  # with tables of their own in them
_PARTS: Final = frozenset({"credentials", "events", "hours"})  # their defaults depend on kind

Table = dict[str, Any]


class ConfigCopy:
    """The copy of one file. Blocks: off the loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw = b""
        self._text = ""

    def text(self) -> str:
        """The copy as the file is now; empty while the file cannot be used. StoreError."""
        with mapped(self._path), self._path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if raw != self._raw:
            self._raw, self._text = raw, _copied(self._path)
        return self._text


def copy_of(config: Config) -> str:
    """A configuration as TOML that holds no password and no person."""
    lines: list[str] = []
    for name in _TABLES:
        if table := _table(getattr(config, name)):
            lines += _lines(name, table, opened=name in _OPEN)
    for device in config.devices:
        lines += _lines(f"devices.{device.name}", _device(device), opened=False)
    for door in config.doors:
        lines += _lines(f"doors.{door.name}", _door(door), opened=False)
    lines += _lines("schedule", _schedule(config), opened=True)
    return "\n".join(lines) + "\n"


def toml(value: object) -> str:
    """A value in one line, as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case str():
            # JSON's escapes are TOML's; DEL is the one character that only TOML wants escaped.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case dict():
            return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(toml, value)) + "]"
        case _:
            return str(value)


def _copied(path: Path) -> str:
    try:
        return copy_of(load(path))
    except ConfigError:
        return ""  # what cannot be read as a configuration may be anything


def _table(value: Any) -> Table:
    """A dataclass as its table: plain values, without what is not said and what is the default."""
    found: Table = {}
    for field in fields(value):
        one = getattr(value, field.name)
        if one is None or (field.name not in _PARTS and one == _default(field)):
            continue
        found[field.name] = _plain(one)
    return found


def _default(field: "Field[Any]") -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _plain(value: Any) -> Any:
    for kind, plain in _PLAIN.items():
        if isinstance(value, kind):
            return plain(value)
    return _table(value) if is_dataclass(value) else value


def _several(values: tuple[Any, ...]) -> list[Any]:
    return [_plain(one) for one in values]


def _window(window: Maintenance) -> Table:
    return {
        "days": [WEEKDAYS[day] for day in sorted(window.days)],
        "from": _time(window.start_minute),
        "to": _time(window.end_minute),
    }


def _sip2(access: SipAccess) -> Table:
    table = _table(access)
    if access.insecure_plaintext:
        table["insecure_plaintext"] = WITHHELD
    return table


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


_PLAIN: Final[Mapping[type, Callable[[Any], Any]]] = MappingProxyType(
    {
        Path: str,
        Span: str,
        Pattern: lambda found: found.pattern,
        Maintenance: _window,
        SipAccess: _sip2,
        tuple: _several,
        Mapping: dict,
    }
)


def _device(device: DeviceConfig) -> Table:
    kind = BUILT_IN[device.driver]
    known = {"driver"} | kind.keys | kind.needs
    return {key: one for key, one in _table(device).items() if key in known}


def _door(door: Door) -> Table:
    table = _table(door)
    del table["name"]
    words = {"self-service": door.pin_self_service, "staffed": door.pin_staffed}
    for key in ("pin_self_service", "pin_staffed"):
        table.pop(key, None)
    table["pin"] = {hours: "always" if asked else "never" for hours, asked in words.items()}
    if door.card_only_accepted_by is not None:
        table["card_only_accepted_by"] = WITHHELD
    for key, level in (("contact", "closed"), ("rex", "pressed"), ("staff_button", "pressed")):
        line: InputConfig | None = getattr(door, key)
        if line is not None:
            table[key] = {"device": line.device, "line": line.line, level: line.active}
    return table


def _schedule(config: Config) -> Table:
    schedule = config.schedule
    rows = {day: _several(row) for day, row in zip(WEEKDAYS, schedule.weekly, strict=True) if row}
    found: Table = {
        "holidays": schedule.holidays,
        "holiday_hours": _several(schedule.holiday_hours),
        "weekly": rows,
    }
    if schedule.exceptions:
        found["exceptions"] = [
            {"date": one.date, "hours": _several(one.hours)}
            | ({"title": dict(one.title)} if one.title else {})
            for one in schedule.exceptions
        ]
    return found


def _lines(name: str, table: Table, *, opened: bool) -> Iterator[str]:
    """A table with its header; tables in it are of their own where `opened`, else in a line."""
    inner = {key: one for key, one in table.items() if opened and isinstance(one, dict)}
    several = {key: one for key, one in table.items() if opened and _are_tables(one)}
    plain = {key: one for key, one in table.items() if key not in inner and key not in several}
    if plain or not inner:
        yield f"[{name}]"
        yield from (f"{key} = {toml(one)}" for key, one in plain.items())
        yield ""
    for key, one in inner.items():
        yield from _lines(f"{name}.{key}", one, opened=False)
    for key, many in several.items():
        for one in many:
            yield f"[[{name}.{key}]]"
            yield from (f"{inner_key} = {toml(value)}" for inner_key, value in one.items())
            yield ""


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
