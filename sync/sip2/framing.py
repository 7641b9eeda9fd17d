"""Messages out of a stream, whatever way its bytes are split. Pure.

A message ends with CR. LF, NUL and blanks between two messages are what some servers add; they
are dropped. An end that never comes is a fault and not a buffer that grows.
"""

from typing import Final

from sync.sip2.faults import Malformed

MAX_BYTES: Final = 65_536  # of a message; 500 loans in one answer have about 16,000
_JUNK: Final = b"\n\x00 \t"


class Framer:
    """Bytes in, whole messages out."""

    def __init__(self, limit: int = MAX_BYTES) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._endless = False  # in the middle of one that was too long

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that these bytes end, without terminator.

        Malformed (`endless`) when one is longer than the limit; what follows it is thrown away
        up to the next CR, and so are the messages that came with it.
        """
        self._rest += data
        *lines, rest = self._rest.split(b"\r")
        if self._endless:
            if not lines:
                rest.clear()
            self._endless = not lines
            lines = lines[1:]
        self._rest = rest.lstrip(_JUNK)
        too_long = len(self._rest) > self._limit
        if too_long or any(len(line) > self._limit for line in lines):
            self._endless = too_long
            if too_long:
                self._rest.clear()
            raise Malformed("endless")
        return [bytes(line) for line in (one.lstrip(_JUNK) for one in lines) if line]
