"""Lines of a feed become sealed rows, on the cores that a large feed is worth.

    line -> row (sync.feed_file) -> card index -> sealed credential (kioskd.vault)

A large feed is sealed by two child processes, chunk by chunk in turn. The chunks come back in the
feed's order, because of a card that is there twice the last row wins; a last row that is bad leaves
the card out. At most one chunk per child is on its way, so memory does not grow with the feed and
no pipe is ever full at both ends.

Deliberately not here: what becomes of the rows.
"""

import multiprocessing
import os
import signal
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final, NamedTuple, Protocol

from kioskd.daemon.import_enrolled import NOBODY, Enrolled, is_lost
from kioskd.daemon.verifier_kinds import VerifierKinds
from kioskd.errors import StoreError
from kioskd.store.cache_staging import LEFT_OUT, REMOVED, StagedRow
from kioskd.vault.card_index import index_of
from kioskd.vault.sealing import Sealer
from sync.feed_file import Chunk, RowParser, parse_chunk
from sync.feed_rows import BadRow, FeedRow, RowRules

WORTH_PROCESSES: Final = 4_000_000  # bytes of feed; below, forking costs more than it gains
PROCESSES: Final = 2  # and this one sorts and writes

# What goes through the pipes: lines to a child; rows by column, bad rows and columns back.
_Lines = tuple[int, list[bytes | None]]
_Columns = tuple[list[tuple[object, ...]], list[BadRow], dict[str, int]]


class RowFormat(Protocol):
    """How lines become rows; small, so that it can go to another process."""

    def parser(self, rules: RowRules) -> RowParser: ...


class SealedChunk(NamedTuple):
    """What came of one chunk of lines. unknown: columns nobody asked for, by first line.

    A bad row whose card could be read is in `bad` and, as what leaves that card out, in `rows`.
    """

    rows: list[StagedRow]
    bad: list[BadRow]
    unknown: dict[str, int]


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """The secrets that a cache is made with."""

    index: bytes
    seal: bytes

    def __repr__(self) -> str:
        return "SealingKeys()"


class RowSealer:
    """Seals the rows of one feed under the keys of one generation."""

    def __init__(
        self, form: RowFormat, rules: RowRules, keys: SealingKeys, enrolled: Enrolled = NOBODY
    ) -> None:
        self._parser: RowParser = form.parser(rules)
        self._index_key = keys.index
        self._sealer = Sealer(keys.seal)
        self._kinds = VerifierKinds()
        self._enrolled = enrolled
        self._today = rules.today

    def sealed(self, chunk: Chunk) -> SealedChunk:
        """The rows of a chunk, ready to be stored; bad ones apart."""
        rows: list[StagedRow] = []
        bad: list[BadRow] = []
        for row in parse_chunk(self._parser, chunk):
            found = row if isinstance(row, BadRow) else self._seal(row)
            if isinstance(found, StagedRow):
                rows.append(found)
                continue
            bad.append(BadRow(found.line, found.why))
            if found.card:
                rows.append(StagedRow(index_of(self._index_key, found.card), LEFT_OUT, None))
        return SealedChunk(rows, bad, self._parser.unknown)

    def _seal(self, row: FeedRow) -> StagedRow | BadRow:
        index = index_of(self._index_key, row.card)
        if row.credential is None:
            return StagedRow(index, REMOVED, None, self._enrolled.of(row.card))
        try:
            kind = self._kinds.kind_of(row.credential.verifier)
            lost = is_lost(row.credential, self._today)
            gone = self._enrolled.of(row.card) if lost else b""
            return StagedRow(index, kind, self._sealer.seal(index, row.credential), gone)
        except ValueError:
            return BadRow(row.line, "more than a credential can hold", row.card)


def seal_all(
    sealer: RowSealer, chunks: Iterable[Chunk], size: int
) -> Generator[SealedChunk, None, None]:
    """The chunks in order, sealed here or, where the feed is worth it, in child processes.

    size: of the feed in bytes, 0 when it is not known. Close the generator: it ends the children.
    """
    if 0 < size < WORTH_PROCESSES or len(os.sched_getaffinity(0)) < PROCESSES:
        yield from map(sealer.sealed, chunks)
    else:
        yield from _in_processes(sealer, chunks)


def _in_processes(sealer: RowSealer, chunks: Iterable[Chunk]) -> Iterator[SealedChunk]:
    with ExitStack() as stack:
        children = [stack.enter_context(_child(sealer)) for _ in range(PROCESSES)]
        busy: list[Connection[_Lines, _Columns]] = []
        for chunk in chunks:
            if len(busy) == len(children):
                yield _received(busy[0])
                busy.append(busy.pop(0))
            else:
                busy.append(children[len(busy)])
            _send(busy[-1], (chunk.first_line, list(chunk.lines)))
        yield from map(_received, busy)


def _send(child: "Connection[_Lines, _Columns]", chunk: _Lines) -> None:
    try:
        child.send(chunk)
    except OSError as error:
        raise _child_ended() from error


def _received(child: "Connection[_Lines, _Columns]") -> SealedChunk:
    try:
        columns, bad, unknown = child.recv()
    except (EOFError, OSError) as error:
        raise _child_ended() from error
    return SealedChunk(list(map(StagedRow, *columns)) if columns else [], bad, unknown)


def _child_ended() -> StoreError:
    return StoreError("a process of the feed import was ended from outside; is memory short?")


@contextmanager
def _child(sealer: RowSealer) -> "Iterator[Connection[_Lines, _Columns]]":
    # Forked, so that keys and rules are there without being sent anywhere.
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, here, sealer), daemon=True)
    process.start()
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.terminate()
        process.join()


def _serve(
    connection: "Connection[_Columns, _Lines]",
    parents_end: "Connection[_Lines, _Columns]",
    sealer: RowSealer,
) -> None:
    parents_end.close()  # else the end of the parent would never show here
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    try:
        while True:
            first_line, lines = connection.recv()
            chunk = sealer.sealed(Chunk(first_line, lines))
            # Columns of plain bytes go through a pipe at half the cost of named rows.
            connection.send((list(zip(*chunk.rows, strict=True)), chunk.bad, chunk.unknown))
    except (EOFError, OSError):
        return
