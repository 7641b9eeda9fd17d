"""The snapshot of a hub becomes a new generation of the cache; runs in the import's own process.

Lines come in on standard input as the hub sent them, the last of them its Trailer. Nothing of them
is in use before count and digest of the whole are what the Trailer says; a stream that is cut
short, at whatever byte, changes nothing. What is in a line that this version does not know is not
taken; a line that cannot be used is left out with its card.

Deliberately not here: the process around it (import_worker) and its other end (line_cache_sink).
"""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

import msgspec

from kioskd.config.model import Config
from kioskd.daemon.import_run import Emit, FeedImport, Lines, ignore
from kioskd.daemon.importing import ImportReport, ImportRequest
from kioskd.daemon.line_cache_lock import locked
from kioskd.errors import InputError, StoreError, StoreFull
from kioskd.ports import Checkpoint, pass_by
from kioskd.store import generations
from kioskd.store.cache_delta import read_state
from kioskd.store.cache_schema import HUB, CacheMeta
from sync.feed_file import Chunk, RowParser
from sync.feed_json import NOT_JSON, JsonRows
from sync.feed_rows import BadRow, FeedRow, RowRules
from sync.hub_wire import MAX_LINE, Trailer

NAME: Final = "the hub's snapshot"
CHUNK_LINES: Final = 1000

_decode_trailer = msgspec.json.Decoder(Trailer).decode


def run_snapshot(
    request: ImportRequest, config: Config, emit: Emit = ignore, checkpoint: Checkpoint = pass_by
) -> ImportReport:
    """Load a snapshot from standard input. KioskError: nothing was loaded."""
    directory = config.storage.directory
    try:
        with locked(directory):
            generations.sweep_unfinished(directory)
            return _SnapshotImport(request, config, emit, checkpoint).full()
    except StoreFull as error:
        raise StoreFull(f"{error}; the cache is as it was") from error


class HubLines:
    """A snapshot that is being read. trailer: there once all lines were read, and held."""

    size = 0  # the hub streams

    def __init__(self, stream: BinaryIO) -> None:
        self.name = NAME
        self.format = HubFormat()
        self.position = 0
        self.trailer: Trailer | None = None
        self._stream = stream
        self._digest = hashlib.sha256()
        self._count = 0
        self._last = b""

    def chunks(self) -> Iterator[Chunk]:
        """The lines before the Trailer. InputError: they are not what it says."""
        while lines := self._next():
            yield Chunk(self._count + 1, lines)
            self._count += len(lines)
            self._digest.update(b"".join(lines))
        self.trailer = self._held(self._last)

    def _next(self) -> list[bytes]:
        """Some lines, never the last one: only its successor tells that a line is not that."""
        found: list[bytes] = []
        while len(found) < CHUNK_LINES and (line := self._line()):
            if self._last:
                found.append(self._last)
            self._last = line
        return found

    def _line(self) -> bytes:
        line = self._stream.readline(MAX_LINE + 1)
        self.position += len(line)
        if len(line) > MAX_LINE:
            raise InputError(f"{NAME} has a line of over {MAX_LINE} bytes; nothing was loaded")
        return line

    def _held(self, last: bytes) -> Trailer:
        try:
            trailer = _decode_trailer(last)
        except NOT_JSON:
            raise InputError(f"{NAME} was cut short; nothing was loaded") from None
        if (trailer.count, trailer.sha256) != (self._count, self._digest.hexdigest()):
            raise InputError(f"{NAME} is not what its last line says; nothing was loaded")
        return trailer


@dataclass(frozen=True, slots=True)
class HubFormat:
    """A hub's lines: feed objects, in which a newer hub may say more than is understood here."""

    def parser(self, rules: RowRules) -> RowParser:
        return _KnownColumns(rules)


class _KnownColumns:
    """Parses what is known of a line; other columns are left where they are, and not noted."""

    def __init__(self, rules: RowRules) -> None:
        self.unknown: dict[str, int] = {}
        self._rows = JsonRows(rules)

    def parse(self, line: int, raw: bytes) -> FeedRow | BadRow | None:
        row = self._rows.parse(line, raw)
        self._rows.unknown.clear()
        return row

    def look(self, line: int, raw: bytes) -> None:
        """Nothing: no line is refused for what it has too much."""


class _SnapshotImport(FeedImport):
    """A full feed whose end is known, and which brings the cursors of the next pulls."""

    def __init__(
        self, request: ImportRequest, config: Config, emit: Emit, checkpoint: Checkpoint
    ) -> None:
        super().__init__(request, config, emit, checkpoint)
        self._feed = HubLines(sys.stdin.buffer)

    def _lines(self) -> AbstractContextManager[Lines]:
        return _not_closed(self._feed)

    def _placed(self, seed: CacheMeta) -> CacheMeta:
        trailer = self._feed.trailer
        if trailer is None:
            raise InputError(f"{NAME} was not read to its end; nothing was loaded")
        return replace(
            seed,
            source=HUB,
            hub_generation=trailer.generation,
            credentials_cursor=trailer.cursor,
            restrictions_cursor=self._restrictions_of(trailer.generation),
        )

    def _restrictions_of(self, generation: str) -> str:
        """Where the restrictions stand: their stream goes on, as long as it is the same hub's.

        What comes twice by that says how things are now, both times.
        """
        try:
            current = generations.read_current(self.directory)
            before = read_state(self.directory, current) if current else None
        except StoreError:
            return ""
        same = before is not None and before.hub_generation == generation
        return before.restrictions_cursor if before is not None and same else ""

    def _refuse_shrinking(self, previous: int | None, now: int) -> None:
        """A hub judges its imports itself; nothing at all is never right where something was."""
        if now == 0 and previous:
            raise InputError(
                f"{NAME} has no credential that could be used, and the cache has {previous}; "
                "nothing was loaded. Look at the branch's feeds and [cards] of the hub and here"
            )


@contextmanager
def _not_closed(feed: HubLines) -> Iterator[HubLines]:
    yield feed
