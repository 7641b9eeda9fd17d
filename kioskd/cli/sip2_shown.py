"""A message of a live conversation as a line: parts by name, values only where harmless.

Deliberately not here: the conversation, and what it means (sip2_trace).
"""

from collections.abc import Iterator
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
_FLAGS: Final = "patron_status"
_SLIPPED: Final = "not shown: fields have slipped into the fixed part"


@dataclass(frozen=True, slots=True)
class Part:
    """A fixed part or a field. called: what it is. value: None where only the length is told."""

    name: str
    called: str
    length: int
    value: str | None
    word: str = ""

    def text(self) -> str:
        """In words."""
        name = f"{self.name} ({self.called})" if self.called else self.name
        if self.value is None:
            return f"{name} {self.length} characters"
        value = self.value if self.value.strip() else ("blank" if self.value else "empty")
        return f"{name} {value}" + (f" ({self.word})" if self.word else "")


def as_text(line: bytes, dialect: Dialect) -> str:
    """A line for people."""
    try:
        message = parse(line, dialect.charset, dialect.delimiter)
    except Malformed as wrong:
        return f"{_named(wrong.code)}: cannot be read: {wrong.what}; {len(line)} bytes"
    if not message.known:
        return f"{_named(message.code)}: ignored; {len(line)} bytes"
    if not is_whole(message, dialect.delimiter):
        return f"{_named(message.code)}: {_SLIPPED}; {len(line)} bytes"
    parts = [part.text() for part in (*_fixed(message), *_fields(message, dialect))]
    said = f": {', '.join(parts)}" if parts else ""
    seq = "no sequence number" if message.seq is None else f"number {message.seq}"
    return f"{_named(message.code)}{said}; {seq}, {_SUMS[message.check]}"


def as_json(line: bytes, dialect: Dialect) -> dict[str, Any]:
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
        for part in _fields(message, dialect)
    ]
    end = {"seq": message.seq, "checksum_valid": message.checksum_valid}
    return {**head, "fixed": dict(message.fixed), "fields": fields, **end}


def _named(code: str) -> str:
    # Of what is no command not even its first two characters are shown.
    return f"{code} {NAMES[code]}" if code in NAMES else "no command of SIP2"


def _fixed(message: Message) -> Iterator[Part]:
    for name, value in message.fixed.items():
        if name == _FLAGS:
            flags = [explaining.flag_words(flag) for flag in explaining.flags_set(value)]
            yield Part(name, "", len(value), " + ".join(flags) or "no flag is set")
        else:
            yield Part(name, "", len(value), value, explaining.fixed_word(name, value))


def _fields(message: Message, dialect: Dialect) -> Iterator[Part]:
    for name, value in message.fields:
        if not is_field(name):
            yield Part("??", "no field", len(value), None)
            continue
        called = explaining.FIELD_NAMES.get(name, explaining.NOT_IN_SPEC)
        yield Part(name, called, len(value), shown(name, value, access=dialect.access.field))
