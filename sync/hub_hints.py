"""Server-sent events of GET /v1/changes: hints to pull, out of bytes in any pieces. Sans-io.

A hint says that something changed, never what: whoever invents one makes a device ask, no more.
Anything else in the stream, comments included, is a sign of life.

Deliberately not here: connecting anew, and how long silence may last (sync.line_hints).
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from sync.hub_faults import bad_answer

MAX_FIELD: Final = 4096  # bytes of one line
MAX_ID: Final = 1024
Kind = Literal["open", "alive", "change", "command", "config"]
_HINTS: Final = frozenset(get_args(Kind)) - {"open", "alive"}


@dataclass(frozen=True, slots=True)
class Heard:
    """What came. id: to go on from, of the hub's making; empty where it gave none."""

    kind: Kind
    id: str = ""


class HintLines:
    """Collects fields to events as the standard says: an empty line ends one."""

    def __init__(self) -> None:
        self._rest = b""
        self._event = ""
        self._id = ""

    def feed(self, data: bytes) -> list[Heard]:
        """What these bytes complete, at least one sign of life; HubFault for an endless line."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_FIELD or any(len(line) > MAX_FIELD for line in lines):
            raise bad_answer("the hub's stream of hints has a line without an end")
        found = [self._take(line.rstrip(b"\r")) for line in lines]
        return [heard for heard in found if heard is not None] or [Heard("alive")]

    def _take(self, line: bytes) -> Heard | None:
        if not line:
            return self._complete()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "id" and len(value) <= MAX_ID and value.isascii() and value.isprintable():
            self._id = value
        return None

    def _complete(self) -> Heard | None:
        event, self._event = self._event, ""
        for kind in get_args(Kind):
            if event == kind and event in _HINTS:
                return Heard(kind, self._id)
        return None
