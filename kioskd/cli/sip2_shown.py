"""A message of a live conversation as its parts: each in words, values only where harmless.

Deliberately not here: lines, width and colour (sip2_drawn), and what it all means (sip2_trace).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sync.sip2 import explaining
from sync.sip2.dialect import Dialect
from sync.sip2.faults import Malformed
from sync.sip2.layouts import NAMES
from sync.sip2.masking import is_field, is_whole, shown
from sync.sip2.messages import Check, Message, parse

_SUMS: Final = {
    Check.ABSENT: "no checksum",
    Check.GOOD: "checksum right",
    Check.CODE_POINTS: "checksum right over characters, wrong over bytes",
    Check.WRONG: "checksum wrong",
}
_SLIPPED: Final = "not shown: fields have slipped into the fixed part"


@dataclass(frozen=True, slots=True)
class Shown:
    """A message for people. fixed: the parts of its fixed part; fields: its fields, in order."""

    head: str
    fixed: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    def text(self) -> str:
        """All of it in one line."""
        return "; ".join((self.head, *self.fixed, *self.fields))


@dataclass(frozen=True, slots=True)
class _Field:
    """called: what it is. value: None where only the length is told."""

    name: str
    called: str
    length: int
    value: str | None

    def text(self) -> str:
        """In words."""
        if self.value is None:
            return f"{self.called} ({self.name}): {self.length} characters"
        value = self.value if self.value.strip() else ("blank" if self.value else "empty")
        return f"{self.called} ({self.name}): {value}"


def in_words(line: bytes, dialect: Dialect, never: Collection[str] = ()) -> Shown:
    """A message as a person reads it. never: what no server may make us show."""
    try:
        message = parse(line, dialect.charset, dialect.delimiter)
    except Malformed as wrong:
        return Shown(f"{_named(wrong.code)}, cannot be read: {wrong.what}, {len(line)} bytes")
    if not message.known:
        return Shown(f"{_named(message.code)}, ignored, {len(line)} bytes")
    if not is_whole(message, dialect.delimiter):
        return Shown(f"{_named(message.code)}, {_SLIPPED}, {len(line)} bytes")
    number = "no message number" if message.seq is None else f"message {message.seq}"
    return Shown(
        f"{_named(message.code)}, {number}, {_SUMS[message.check]}",
        tuple(_fixed(message, dialect)),
        tuple(field.text() for field in _fields(message, dialect, never)),
    )


def as_json(line: bytes, dialect: Dialect, never: Collection[str] = ()) -> dict[str, Any]:
    """The same for programs. Of a field that is not shown, `value` is null."""
    try:
        message = parse(line, dialect.charset, dialect.delimiter)
    except Malformed as wrong:
        code = wrong.code if wrong.code in NAMES else ""
        return {"code": code, "error": wrong.what, "bytes": len(line)}
    if not message.known:
        return {"code": "", "unknown": True, "bytes": len(line)}
    head = {"code": message.code, "name": NAMES[message.code]}
    if not is_whole(message, dialect.delimiter):
        return {**head, "error": _SLIPPED, "bytes": len(line)}
    fields = [
        {"field": part.name, "name": part.called, "length": part.length, "value": part.value}
        for part in _fields(message, dialect, never)
    ]
    end = {"seq": message.seq, "checksum_valid": message.checksum_valid}
    return {**head, "fixed": dict(message.fixed), "fields": fields, **end}


def _named(code: str) -> str:
    # Of what is no command not even its first two characters are shown.
    return f"{code} {NAMES[code]}" if code in NAMES else "no command of SIP2"


def _fixed(message: Message, dialect: Dialect) -> Iterator[str]:
    for name, value in message.fixed.items():
        said = explaining.fixed_word(name, value, dialect)
        yield f"{explaining.FIXED_NAMES[name]}: {said}"


def _fields(message: Message, dialect: Dialect, never: Collection[str]) -> Iterator[_Field]:
    for name, value in message.fields:
        if not is_field(name):
            yield _Field("??", "no field", len(value), None)
            continue
        called = explaining.field_name(name, dialect)
        said = shown(name, value, access=dialect.access.field, never=never)
        yield _Field(name, called, len(value), said)
