"""What goes over the control socket: JSON lines of at most 64 KiB, each a message.

    daemon  {"hello":1,"version":"0.1.0"}                a client may greet in the same way
    client  {"id":1,"verb":"status","args":{}}
    daemon  {"id":1,"ok":{...}}  or  {"id":1,"error":{"code":"not-allowed","message":"..."}}
    daemon  {"event":"panel:front", ...}                after the verb "subscribe"

Deliberately not here: sockets, who may ask what (kioskd.control), and what verbs mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeGuard

import msgspec

from kioskd.domain.notice import Notice, Shown

PROTOCOL: Final = 1  # raised when an older client could misunderstand
MAX_LINE: Final = 65_536  # bytes, the line feed included
MAX_ID: Final = 2**53  # what every JSON reader keeps exactly

# Codes of errors; a message says what a person should do.
BAD_REQUEST: Final = "bad-request"
UNKNOWN_VERB: Final = "unknown-verb"
NOT_ALLOWED: Final = "not-allowed"
BAD_ARGUMENT: Final = "bad-argument"
NOT_FOUND: Final = "not-found"
FAILED: Final = "failed"
BUSY: Final = "busy"


class WireError(ValueError):
    """A line that is no message; the text says why. id: of the request, where it could be read."""

    def __init__(self, message: str, id: int | None = None) -> None:  # noqa: A002 - its name there
        super().__init__(message)
        self.id = id


@dataclass(frozen=True, slots=True)
class Hello:
    """How either side begins. protocol: see PROTOCOL; version: of the program, to be shown."""

    protocol: int
    version: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question. args: by name, as the verb defines them."""

    id: int
    verb: str
    args: Mapping[str, Any]


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    id: int
    verb: str
    args: dict[str, Any] = {}


class _Loose(msgspec.Struct):
    """What can be told of a line that is wrong elsewhere; the rest of it is skipped, not built."""

    id: Any = None
    hello: Any = None
    version: Any = ""


_decode_request = msgspec.json.Decoder(_Request).decode
_decode_loosely = msgspec.json.Decoder(_Loose).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_MOST_COUNTED: Final = 10_000  # minutes or digits; the longest lockout has 60, a PIN 16
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def hello(version: str) -> bytes:
    """The first line of a daemon."""
    return line({"hello": PROTOCOL, "version": version})


def line(message: Mapping[str, Any]) -> bytes:
    """A message as it is sent. WireError when it does not fit into a line, or is no JSON."""
    try:
        text = _encode(message) + b"\n"
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WireError(f"a message that is no JSON: {_plain(str(error))}") from None
    if len(text) > MAX_LINE:
        raise WireError(f"a message of {len(text)} bytes does not fit into a line of {MAX_LINE}")
    return text


def size_of(value: object) -> int:
    """Bytes of a value as a part of a message."""
    return len(_encode(value))


def request_of(text: bytes) -> Request | Hello:
    """Read a client's line: a question, or its greeting.

    WireError: what is wrong with it, and its id if at least that is right.
    """
    try:
        read = _decode_request(text)
    except _UNREADABLE as error:
        told = _told_in(text)
        if (greeting := _greeting(told)) is not None:
            return greeting
        number = told.id if _is_number(told.id) else None
        raise WireError(f"no request: {_plain(str(error))}", number) from None
    if not 0 <= read.id <= MAX_ID:
        raise WireError(f"no request: id must be from 0 to {MAX_ID}")
    return Request(read.id, read.verb, read.args)


def message_of(text: bytes) -> dict[str, Any]:
    """Read a daemon's line. WireError when it is no JSON object."""
    try:
        read = _decode(text)
    except _UNREADABLE as error:
        raise WireError(f"no message: {_plain(str(error))}") from None
    if not isinstance(read, dict):
        raise WireError("no message: not an object")
    return read


def hello_of(text: bytes) -> Hello:
    """Read the first line of a daemon. WireError when it is no hello."""
    greeting = _greeting(_told_in(text))
    if greeting is None:
        raise WireError("no hello")
    return greeting


class Lines:
    """What one side sent, cut into lines. Holds no more than one line of the greatest length.

    Give at most `room` bytes at a time, then take lines until there is None.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0  # bytes without a line feed; a line that comes by bytes is searched once

    @property
    def room(self) -> int:
        """Bytes that may be given; never 0 once `next` said None."""
        return MAX_LINE - len(self._held)

    @property
    def unfinished(self) -> bool:
        """Whether a line has begun."""
        return bool(self._held)

    def give(self, data: bytes) -> None:
        """What came."""
        self._held += data

    def next(self) -> bytes | None:
        """The next whole line without its line feed. WireError when it is too long for one."""
        end = self._held.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._held)
            if self._searched >= MAX_LINE:
                raise WireError(f"a line is at most {MAX_LINE} bytes long")
            return None
        text = bytes(self._held[:end])
        del self._held[: end + 1]
        self._searched = 0
        return text


def shown_event(shown: Shown) -> dict[str, Any]:
    """A notice as an event of the topic `panel:DOOR` carries it."""
    return {
        "notice": shown.notice.value,
        "code": shown.code,
        "until": shown.until.isoformat() if shown.until else None,
        "minutes": shown.minutes,
        "opens": shown.opens.isoformat() if shown.opens else None,
        "digits": shown.digits,
        "standing": shown.standing,
    }


def shown_of(event: Mapping[str, Any]) -> Shown:
    """The notice of such an event. WireError when it is none of this version's."""
    try:
        return Shown(
            Notice(event["notice"]),
            code=str(event.get("code") or ""),
            until=date.fromisoformat(event["until"]) if event.get("until") else None,
            minutes=_count(event, "minutes"),
            opens=_aware(event["opens"]) if event.get("opens") else None,
            digits=_count(event, "digits"),
            standing=event.get("standing") is True,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"no notice of this version: {_plain(str(error))}") from None


def _count(event: Mapping[str, Any], name: str) -> int:
    value = event.get(name) or 0
    if type(value) is not int or not 0 <= value < _MOST_COUNTED:
        raise ValueError(f"{name} is no count")
    return value


def _aware(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.utcoffset() is None:
        raise ValueError("a time without its offset")
    return at


def _told_in(text: bytes) -> _Loose:
    try:
        return _decode_loosely(text)
    except _UNREADABLE:
        return _Loose()


def _greeting(told: _Loose) -> Hello | None:
    if not _is_number(told.hello):
        return None
    return Hello(told.hello, _plain(str(told.version))[:40])


def _is_number(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_ID


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:200]
