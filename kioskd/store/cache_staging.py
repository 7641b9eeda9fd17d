"""Rows of a feed, sorted and freed of duplicates on disk, in bounded memory.

Card indices are evenly spread, so their first bits divide the rows into buckets of even size: each
bucket is a file that has no name (a killed import leaves nothing behind), is read back alone and
sorted in memory. What is written is sealed already.

Deliberately not here: SQLite. A million random keys through a B-tree cost three times as much.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NamedTuple, Self

import msgspec

from kioskd.store.faults import mapped

_BUCKET_BITS: Final = 6
_BUCKETS: Final = 1 << _BUCKET_BITS
_FLUSH_ROWS: Final = 512  # 64 buckets of 512 rows of 200 bytes: 7 MB
_LENGTH_BYTES: Final = 4

NO_PIN: Final = "none"
REMOVED: Final = "removed"
LEFT_OUT: Final = "left out"


class StagedRow(NamedTuple):
    """A card index, the kind of its verifier, and its sealed credential; None removes the card.

    Without a credential the kind says why: the register removed the card, or its row was bad.
    enrolled: indices in state.db, one after the other, of a PIN of staff that goes with this row.
    """

    card: bytes
    kind: str
    sealed: bytes | None
    enrolled: bytes = b""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[StagedRow]).decode


class Staging:
    """Takes rows in the feed's order, gives them back in the order of their indices.

    rows: how many were put in, left_out: how many of them stand for bad rows. Known once they
    were read back: duplicates, how many a later row of the same card replaced; removed, how many
    cards the register's last row removes; enrolled, what the last rows say of PINs of staff.
    """

    def __init__(self, directory: Path) -> None:
        self.rows = 0
        self.left_out = 0
        self.duplicates = 0
        self.removed = 0
        self.enrolled: list[bytes] = []
        self._directory = directory
        self._open = ExitStack()
        self._files: list[IO[bytes]] = []
        self._pending: list[list[StagedRow]] = [[] for _ in range(_BUCKETS)]

    def __enter__(self) -> Self:
        with mapped(self._directory):
            for _ in range(_BUCKETS):
                unnamed = tempfile.TemporaryFile(dir=self._directory, buffering=0)
                self._files.append(self._open.enter_context(unnamed))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def extend(self, rows: Iterable[StagedRow]) -> None:
        """Take rows. StoreFull when the directory has no room for them."""
        pending = self._pending
        for row in rows:
            self.rows += 1
            self.left_out += row[1] == LEFT_OUT
            bucket = row[0][0] >> (8 - _BUCKET_BITS)
            waiting = pending[bucket]
            waiting.append(row)
            if len(waiting) >= _FLUSH_ROWS:
                self._flush(bucket)

    def sorted_buckets(self) -> Iterator[list[StagedRow]]:
        """All rows by index, one bucket at a time; of a card's rows the last."""
        for bucket in range(_BUCKETS):
            rows = self._rows_of(bucket)
            last = {row[0]: row for row in rows}
            self.duplicates += len(rows) - len(last)
            ordered = [last[card] for card in sorted(last)]
            self.removed += sum(row.kind == REMOVED for row in ordered)
            self.enrolled += [row.enrolled for row in ordered if row.enrolled]
            yield ordered

    def _flush(self, bucket: int) -> None:
        block = _encode(self._pending[bucket])
        self._pending[bucket] = []
        with mapped(self._directory):
            _write_all(self._files[bucket], len(block).to_bytes(_LENGTH_BYTES) + block)

    def _rows_of(self, bucket: int) -> list[StagedRow]:
        file = self._files[bucket]
        rows: list[StagedRow] = []
        with mapped(self._directory):
            file.seek(0)
            while head := file.read(_LENGTH_BYTES):
                rows += _decode(file.read(int.from_bytes(head)))
        rows += self._pending[bucket]
        self._pending[bucket] = []
        return rows


def _write_all(file: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
