"""A stream of lines that can be trusted, out of bytes that come in any pieces. Sans-io.

    lines = TrustedLines()
    block = lines.feed(data)      # whole lines with their line feeds, counted and hashed
    trailer = lines.finish()      # HubFault: cut, damaged, not a stream of ours

The last line is held back, because it is the trailer and not a line of the stream. What `feed`
gives is to be thrown away unless `finish` returns.

Deliberately not here: what is in a line (sync.feed_rows), and where it goes.
"""

import hashlib
from typing import Final

import msgspec

from sync.hub_faults import HubFault, StreamDamaged, Why, bad_answer
from sync.hub_wire import MAX_LINE, Trailer

MAX_CURSOR: Final = 1024  # characters; it goes into an address
MAX_GENERATION: Final = 128


class TrustedLines:
    """Counts and hashes lines as they pass, and compares with the trailer at the end."""

    def __init__(self) -> None:
        self.count = 0
        self.bytes = 0
        self._sha256 = hashlib.sha256()
        self._tail = b""  # from the start of the last line that may be the trailer

    def feed(self, data: bytes) -> bytes:
        """The whole lines that are certain not to be the last one; HubFault for one too long."""
        held = self._tail + data
        end = held.rfind(b"\n", 0, -1) + 1  # a line feed at the very end may end the trailer
        block, self._tail = held[:end], held[end:]
        if len(self._tail) > MAX_LINE or _too_long(block):
            raise bad_answer(f"a line of the stream is longer than {MAX_LINE // 1024} KiB")
        self._sha256.update(block)
        self.count += block.count(b"\n")
        self.bytes += len(block)
        return block

    def finish(self) -> Trailer:
        """The trailer, when it is there and tells the truth about all that went before."""
        trailer = _trailer(self._tail)
        if trailer.count != self.count:
            raise StreamDamaged(
                f"the stream has {self.count} lines and says {trailer.count}; it is discarded"
            )
        if trailer.sha256 != self._sha256.hexdigest():
            raise StreamDamaged("the digest of the stream is not that of its lines; discarded")
        return trailer


def lines_of(block: bytes) -> list[bytes]:
    """The lines of whole-line bytes, without their line feeds."""
    return block.split(b"\n")[:-1]


def _too_long(block: bytes) -> bool:
    if len(block) <= MAX_LINE:
        return False
    at = 0
    while at < len(block):
        # The last line feed within reach: none means a line over the limit.
        end = block.rfind(b"\n", at, at + MAX_LINE)
        if end < 0:
            return True
        at = end + 1
    return False


def _trailer(line: bytes) -> Trailer:
    try:
        trailer = msgspec.json.decode(line, type=Trailer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise HubFault(
            Why.BROKEN_OFF, "the stream ends without its last line: cut off; it is discarded"
        ) from None
    if not _fit(trailer.cursor, MAX_CURSOR) or not _fit(trailer.generation, MAX_GENERATION):
        raise bad_answer("the last line of the stream has no cursor or generation to keep")
    return trailer


def _fit(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isascii() and text.isprintable()
