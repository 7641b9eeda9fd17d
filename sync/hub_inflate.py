"""Bodies out of bytes: gzip or plain, never more than was allowed. Sans-io.

    body = Body("gzip", most=1 << 20)
    for piece in body.feed(data): ...      # pieces of at most PIECE bytes
    body.finish()

A small answer that would become a large one is cut while it is inflated, not after.

Deliberately not here: where bytes come from (sync.hub_transport).
"""

import zlib
from collections.abc import Iterator
from typing import Final

from sync.hub_faults import HubFault, Why, bad_answer

PIECE: Final = 128 * 1024  # bytes; inflating and hashing so many takes well below a millisecond
_GZIP: Final = 16 + zlib.MAX_WBITS


class Body:
    """Takes what came over the line and gives what it stands for."""

    def __init__(self, encoding: str, most: int) -> None:
        if encoding not in ("", "identity", "gzip"):
            raise bad_answer("the body is compressed in a way that was not asked for")
        self._inflate = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
        self._left = most

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes add. HubFault: over the limit, or no gzip."""
        if self._inflate is None:
            yield from self._plain(data)
            return
        while data:
            if self._inflate.eof:
                raise bad_answer("bytes follow the end of the compressed body")
            piece = self._inflated(self._inflate, data)
            if piece:
                yield self._counted(piece)
            data = self._inflate.unconsumed_tail or self._inflate.unused_data

    def finish(self) -> None:
        """HubFault when the compressed body was cut."""
        if self._inflate is not None and not self._inflate.eof:
            raise HubFault(Why.BROKEN_OFF, "the compressed body is cut off; it is discarded")

    def _plain(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), PIECE):
            yield self._counted(data[at : at + PIECE])

    def _inflated(self, inflate: "zlib._Decompress", data: bytes) -> bytes:
        try:
            return inflate.decompress(data, PIECE)
        except zlib.error:
            raise bad_answer("the body says that it is gzip and is not") from None

    def _counted(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise bad_answer("the body is larger than any that a hub sends; it is cut")
        return piece
