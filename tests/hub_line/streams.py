"""Streams as a hub sends them, whole and broken."""

import hashlib
from collections.abc import Sequence

import msgspec

from sync.hub_wire import Trailer

LINES = (b'{"card":"A1"}', b'{"card":"A2"}', b'{"card":"A3"}')


def trailer_of(
    lines: Sequence[bytes], cursor: str = "c1", *, more: bool = False, generation: str = "g1"
) -> Trailer:
    """The last line that belongs to these."""
    digest = hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
    return Trailer(cursor, more, generation, len(lines), digest)


def stream_of(
    lines: Sequence[bytes] = LINES,
    cursor: str = "c1",
    *,
    more: bool = False,
    generation: str = "g1",
) -> bytes:
    """All bytes of a stream."""
    last = msgspec.json.encode(trailer_of(lines, cursor, more=more, generation=generation))
    return b"".join(line + b"\n" for line in (*lines, last))
