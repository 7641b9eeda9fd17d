"""Messages out of a stream, whatever way its bytes are split. Pure.

A message ends with CR. LF, NUL and blanks between two messages are what some servers add; they
are dropped. An end that never comes is a fault and not a buffer that grows, and so are more ends
at once than anybody has to say: no read may keep its caller busy.
"""

from typing import Final

from sync.sip2.faults import Malformed

MAX_BYTES: Final = 65_536  # of a message; 500 loans in one answer have about 16,000
MAX_LINES: Final = 128  # in one read, empty ones too; an answer comes with two or three
_JUNK: Final = b"\n\x00 \t"


class Framer:
    """Bytes in, whole messages out. blank: also those of which nothing is left, to be counted."""

    def __init__(self, limit: int = MAX_BYTES, *, blank: bool = False) -> None:
        self._limit = limit
        self._blank = blank
        self._rest = bytearray()
        self._endless = False  # in the middle of one that was too long

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that these bytes end, without terminator.

        Malformed (`endless`) when one is longer than the limit; what follows it is thrown away
        up to the next CR, and so are the messages that came with it. Malformed (`crowded`) when
        they are more than MAX_LINES; all of them are thrown away.
        """
        *lines, rest = data.split(b"\r", MAX_LINES)
        if b"\r" in rest:
            self._throw_away(endless=not rest.endswith(b"\r"))
            raise Malformed("crowded")
        if self._endless:
            if not lines:
                return []
            self._endless = False
            del lines[0]
        elif lines:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest = (self._rest + rest).lstrip(_JUNK)
        too_long = len(self._rest) > self._limit
        if too_long or any(len(line) > self._limit for line in lines):
            if too_long:
                self._throw_away(endless=True)
            raise Malformed("endless")
        return [line for line in (one.lstrip(_JUNK) for one in lines) if line or self._blank]

    def _throw_away(self, *, endless: bool) -> None:
        self._rest.clear()
        self._endless = endless
