"""What goes over the control socket: JSON lines of at most 64 KiB, each a message.

    daemon  {"hello":1,"version":"0.1.0"}
    client  {"id":1,"verb":"status","args":{}}
    daemon  {"id":1,"ok":{...}}  or  {"id":1,"error":{"code":"not-allowed","message":"..."}}
    daemon  {"event":"panel:front", ...}                after the verb "subscribe"

Deliberately not here: sockets, who may ask what (kioskd.control), and what verbs mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

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
    """A line that is no message; the text says why."""


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


_decode_request = msgspec.json.Decoder(_Request).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def hello(version: str) -> bytes:
    """The first line of a daemon."""
    return line({"hello": PROTOCOL, "version": version})


def line(message: Mapping[str, Any]) -> bytes:
    """A message as it is sent. WireError when it does not fit into a line."""
    text = _encode(message) + b"\n"
    if len(text) > MAX_LINE:
        raise WireError(f"a message of {len(text)} bytes does not fit into a line of {MAX_LINE}")
    return text


def request_of(text: bytes) -> Request:
    """Read a client's line. WireError: what is wrong with it."""
    try:
        read = _decode_request(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"no request: {_plain(str(error))}") from None
    if not 0 <= read.id <= MAX_ID:
        raise WireError(f"no request: id must be from 0 to {MAX_ID}")
    return Request(read.id, read.verb, read.args)


def message_of(text: bytes) -> dict[str, Any]:
    """Read a daemon's line. WireError when it is no JSON object."""
    try:
        read = _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"no message: {_plain(str(error))}") from None
    if not isinstance(read, dict):
        raise WireError("no message: not an object")
    return read


def shown_event(shown: Shown) -> dict[str, Any]:
    """A notice as an event of the topic `panel:DOOR` carries it."""
    return {
        "notice": shown.notice.value,
        "code": shown.code,
        "until": shown.until.isoformat() if shown.until else None,
        "minutes": shown.minutes,
        "opens": shown.opens.isoformat() if shown.opens else None,
        "digits": shown.digits,
    }


def shown_of(event: Mapping[str, Any]) -> Shown:
    """The notice of such an event. WireError when it is none of this version's."""
    try:
        return Shown(
            Notice(event["notice"]),
            code=str(event.get("code") or ""),
            until=date.fromisoformat(event["until"]) if event.get("until") else None,
            minutes=int(event.get("minutes") or 0),
            opens=datetime.fromisoformat(event["opens"]) if event.get("opens") else None,
            digits=int(event.get("digits") or 0),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"no notice of this version: {_plain(str(error))}") from None


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:200]
