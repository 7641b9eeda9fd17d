"""A SIP2 message as a value, from its bytes and back. Pure.

`<code><fixed part><ID><value>|...[AY<seq>]AZ<checksum>`. Variable fields stand in any order and
repeat; all of them are kept, those that nobody knows too. A command that nobody knows is a
message without parts (`known` is False), which a connection ignores.

Deliberately not here: where a message ends in a stream (framing), what its fields mean (answers).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from sync.sip2.charset import UTF_8, Charset
from sync.sip2.faults import Malformed
from sync.sip2.layouts import LAYOUTS

DELIMITER: Final = "|"
TERMINATOR: Final = b"\r"
MAX_VALUE: Final = 255  # characters of a field that this side sends [spec]

_TAIL: Final = re.compile(rb"(?:AY([0-9]))?(?:AZ([0-9A-Fa-f]{4}))?\Z")
_TAIL_BYTES: Final = 9  # AY1AZ2345
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f]")

Field = tuple[str, str]


class Check(Enum):
    """How a checksum came out. CODE_POINTS: wrong over bytes, right over characters."""

    ABSENT = auto()
    GOOD = auto()
    CODE_POINTS = auto()
    WRONG = auto()


@dataclass(frozen=True, slots=True)
class Message:
    """fixed: name -> text in wire order. fields: (id, value) as they came. seq: of AY.

    checksum: the four digits as they came, None without AZ. check: what they were worth. Fields
    are not shown by repr: PINs and persons are among them.
    """

    code: str
    fixed: Mapping[str, str]
    fields: Sequence[Field] = field(default=(), repr=False)
    seq: int | None = None
    checksum: str | None = None
    check: Check = Check.ABSENT

    @property
    def known(self) -> bool:
        """Whether SIP2 2.00 has this command."""
        return self.code in LAYOUTS

    @property
    def checksum_valid(self) -> bool | None:
        """Over bytes, as the specification has it; None without one."""
        return None if self.check is Check.ABSENT else self.check is Check.GOOD

    def first(self, field: str) -> str | None:
        """The value of the first such field; None when there is none."""
        for name, value in self.fields:
            if name == field:
                return value
        return None

    def every(self, field: str) -> tuple[str, ...]:
        """The values of all such fields, in order."""
        return tuple(value for name, value in self.fields if name == field)


def checksum(data: bytes) -> str:
    """Four digits for everything up to and including `AZ`."""
    return f"{-sum(data) & 0xFFFF:04X}"


def parse(data: bytes, charset: Charset = UTF_8, delimiter: str = DELIMITER) -> Message:
    """A message without its terminator; Malformed when it is none."""
    tail = _TAIL.search(data, max(len(data) - _TAIL_BYTES, 0))
    seq = int(tail[1]) if tail and tail[1] else None
    digits = tail[2].decode("ascii") if tail and tail[2] else None
    text = charset.decode(data)
    check = Check.ABSENT if digits is None else _check(data, text, digits)
    code = text[:2]
    body = text[2 : len(text) - (len(tail[0]) if tail else 0)]
    layout = LAYOUTS.get(code)
    if layout is None:
        _no_code(code, seq, digits, check)
        return Message(code, {}, (), seq, digits, check)
    if len(body) < layout.width:
        short = next(name for name, _, end in layout.parts if end > len(body))
        raise _malformed(f"truncated_fixed_field:{short}", code, seq, digits, check)
    fixed = {name: body[start:end] for name, start, end in layout.parts}
    fields = tuple([(part[:2], part[2:]) for part in body[layout.width :].split(delimiter) if part])
    return Message(code, fixed, fields, seq, digits, check)


def encode(
    message: Message,
    charset: Charset = UTF_8,
    delimiter: str = DELIMITER,
    *,
    seq: int | None = None,
    checked: bool = False,
) -> bytes:
    """The bytes of a message without terminator; ValueError for what cannot be said.

    seq: the digit of AY, None for none. checked: whether AZ with its checksum ends it. A value
    with a delimiter or a control character would become another message: it is refused.
    """
    layout = LAYOUTS.get(message.code)
    if layout is None:
        raise ValueError("a command that SIP2 does not have")
    said = [message.code]
    for name, start, end in layout.parts:
        part = message.fixed.get(name, "")
        if len(part) != end - start:
            raise ValueError(f"{message.code}: {name} has {end - start} characters")
        said.append(part)
    for name, value in message.fields:
        if len(name) != 2:
            raise ValueError(f"{message.code}: the name of a field has 2 characters")
        said += (name, value, delimiter)
    text = "".join(said)
    odd = text.count(delimiter, 2 + layout.width) != len(message.fields)
    if odd or _CONTROLS.search(text):
        raise ValueError(f"{message.code}: a value holds a delimiter or a control character")
    if seq is not None:
        text += f"AY{seq}"
    if not checked:
        return charset.encode(text)
    data = charset.encode(text + "AZ")
    return data + checksum(data).encode("ascii")


def limited(message: Message) -> Message:
    """The same message; ValueError where a field is longer than the specification allows."""
    for name, value in message.fields:
        if len(value) > MAX_VALUE:
            raise ValueError(f"{message.code}: {name} is longer than {MAX_VALUE} characters")
    return message


def _check(data: bytes, text: str, digits: str) -> Check:
    claimed = int(digits, 16)
    if (sum(data) - sum(data[-4:]) + claimed) & 0xFFFF == 0:
        return Check.GOOD
    # Koha without a configured encoding sums characters where it should sum bytes.
    if not data.isascii() and (sum(map(ord, text[:-4])) + claimed) & 0xFFFF == 0:
        return Check.CODE_POINTS
    return Check.WRONG


def _no_code(code: str, seq: int | None, digits: str | None, check: Check) -> None:
    if len(code) < 2:
        raise _malformed("too_short", code, seq, digits, check)


def _malformed(
    what: str, code: str, seq: int | None, digits: str | None, check: Check
) -> Malformed:
    valid = None if check is Check.ABSENT else check is Check.GOOD
    return Malformed(what, code, seq=seq, checksum=digits, checksum_valid=valid)
