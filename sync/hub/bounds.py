"""JSON from outside as structs: everything in it bounded before anybody looks at what it means.

    ask = struct_of(data, Verify)     strict; unknown keys refused
    items = items_of(data, Event)     a list; its bad entries are refused one by one

Texts are short and without control characters, numbers fit 64 bits, times have an offset.
A Refused names the field and repeats no value of the request: it may be a card number.

Deliberately not here: reading the bytes (bodies), and what a field means (who takes it).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from sync.hub.problems import Refused
from sync.hub_wire import MAX_EVENTS

Malformed = tuple[str, str]  # id of an entry, or its place in the list when it has none; reason

MAX_TEXT: Final = 1024  # characters of a text
LONG_TEXTS: Final = {"config_text": 1024 * 1024}
MAX_KEYS: Final = 64  # of an object, and characters of a key
MAX_ITEMS: Final = MAX_EVENTS
LARGEST: Final = 2**63 - 1
YEARS: Final = range(1970, 9999)  # beyond these a time zone takes a date out of the calendar

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNPRINTABLE_LINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_AT: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING: Final = re.compile(r"missing required field `([a-z_]{1,40})`")
_UNKNOWN: Final = re.compile(r"unknown field `([a-z_]{1,40})`")
_ID: Final = re.compile(r"[!-~]{1,64}")
_TYPES: Final = re.compile(r"Expected `[a-z0-9| ]+`, got `[a-z]+`")
_T = TypeVar("_T")


def struct_of(data: bytes, kind: type[_T]) -> _T:
    """The request as its struct; Refused (400) names the field."""
    made = _made(_json(data), kind)
    if isinstance(made, _Wrong):
        raise Refused(400, f"{made.field or 'the body'}: {made.reason}", field=made.field)
    return made


def items_of(data: bytes, kind: type[_T]) -> list[_T | Malformed]:
    """The entries of a request in their order; one that is malformed stands as (id, reason)."""
    value = _json(data)
    if not isinstance(value, list):
        raise Refused(400, "the body: expected a list")
    if len(value) > MAX_ITEMS:
        raise Refused(413, f"the body: more than {MAX_ITEMS} entries")
    return [_item(place, entry, kind) for place, entry in enumerate(value)]


def _json(data: bytes) -> object:
    try:
        value: object = msgspec.json.decode(data)
    except RecursionError:
        raise Refused(400, "the body: nested too deep") from None
    except (msgspec.DecodeError, ValueError):
        raise Refused(400, "the body: no JSON in UTF-8") from None
    return value


def _item(place: int, entry: object, kind: type[_T]) -> _T | Malformed:
    made = _made(entry, kind)
    if not isinstance(made, _Wrong):
        return made
    return _id_of(entry, place), f"{made.field or 'the entry'}: {made.reason}"


def _id_of(entry: object, place: int) -> str:
    named = entry.get("id") if isinstance(entry, dict) else None
    readable = isinstance(named, str) and _ID.fullmatch(named)
    return str(named) if readable else str(place)


class _Wrong(msgspec.Struct, frozen=True):
    field: str
    reason: str


def _made(value: object, kind: type[_T]) -> _T | _Wrong:
    try:
        fault = _fault(value, "")
        if fault is not None:
            return _Wrong(*fault)
        made = msgspec.convert(value, kind, strict=True)
    except RecursionError:
        return _Wrong("", "nested too deep")
    except msgspec.ValidationError as error:
        return _wrong_of(str(error))
    late = _untimely(made, "")
    return made if late is None else _Wrong(late, "expected a time of RFC 3339 with its offset")


def _wrong_of(message: str) -> _Wrong:
    """The library's words without any value that they repeat."""
    at = _AT.search(message)
    path = at[1] if at else ""
    if missing := _MISSING.search(message):
        return _Wrong(_joined(path, missing[1]), "is missing")
    if "unknown field" in message:
        unknown = _UNKNOWN.search(message)
        return _Wrong(_joined(path, unknown[1] if unknown else ""), "is not known here")
    types = _TYPES.search(message)
    return _Wrong(path, types[0].lower().replace("`", "") if types else "is none of those allowed")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _untimely(made: object, path: str) -> str | None:
    """Where a time stands without an offset, or out of any calendar."""
    if isinstance(made, datetime):
        return path if made.tzinfo is None or made.year not in YEARS else None
    if not isinstance(made, msgspec.Struct):
        return None
    parts = ((name, getattr(made, name)) for name in made.__struct_fields__)
    found = (_untimely(part, _joined(path, name)) for name, part in parts)
    return next((at for at in found if at is not None), None)


def _fault(value: object, path: str) -> tuple[str, str] | None:
    """(field, reason) of the first thing that is out of bounds."""
    if isinstance(value, str):
        return _text_fault(value, path)
    if isinstance(value, dict):
        return _object_fault(value, path)
    if isinstance(value, list):
        return _list_fault(value, path)
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        return path, "the number is too large"
    return None


def _text_fault(value: str, path: str) -> tuple[str, str] | None:
    most = LONG_TEXTS.get(path, MAX_TEXT)
    if len(value) > most:
        return path, f"longer than {most} characters"
    unprintable = _UNPRINTABLE_LINES if path in LONG_TEXTS else _UNPRINTABLE
    return (path, "has control characters") if unprintable.search(value) else None


def _object_fault(value: Mapping[str, object], path: str) -> tuple[str, str] | None:
    if len(value) > MAX_KEYS:
        return path, f"more than {MAX_KEYS} keys"
    for key, part in value.items():
        if len(key) > MAX_KEYS or _UNPRINTABLE.search(key):
            return path, f"a key is longer than {MAX_KEYS} characters, or not printable"
        fault = _fault(part, _joined(path, key if key.isidentifier() and key.isascii() else "?"))
        if fault is not None:
            return fault
    return None


def _list_fault(value: Sequence[object], path: str) -> tuple[str, str] | None:
    if len(value) > MAX_ITEMS:
        return path, f"more than {MAX_ITEMS} entries"
    for place, part in enumerate(value):
        fault = _fault(part, f"{path}[{place}]")
        if fault is not None:
            return fault
    return None
