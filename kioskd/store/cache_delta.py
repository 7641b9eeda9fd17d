"""A delta changes the generation in use, in one transaction beside its readers.

The transaction is folded into the database and on the disk before `current` tells readers of it,
so a `current` with a higher counter never outlives its change. A dry run reads and counts.

The caller holds the import lock. Deliberately not here: keys and unsealing.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection

from kioskd.domain.moment import Moment
from kioskd.ports import Checkpoint, pass_by
from kioskd.store import generations
from kioskd.store.cache_builder import SiteVerifier
from kioskd.store.cache_schema import (
    FIND,
    PUT,
    REMOVE,
    CacheMeta,
    Placed,
    cache_faults,
    from_file,
    read_meta,
    write_meta,
)
from kioskd.store.cache_staging import StagedRow, Staging
from kioskd.store.engine import connect, transaction
from kioskd.store.faults import mapped
from kioskd.store.generations import Current, Hold

KindOf = Callable[[bytes, bytes], str | None]


@dataclass(slots=True)
class DeltaCounts:
    """What a delta did, or would do.

    put: credentials written, of which `added` are new. removed: credentials deleted. kinds: how
    the counts by kind changed.
    """

    put: int = 0
    added: int = 0
    removed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class DeltaResult:
    """The cache after a delta."""

    meta: CacheMeta
    counts: DeltaCounts


@dataclass(frozen=True, slots=True)
class Delta:
    """Rows for the generation in use.

    kind_of: the kind of the verifier in a sealed row, None when the row does not open. placed:
    what else the delta says of the cache; a file's takes the positions of a hub from it.
    """

    directory: Path
    current: Current
    kind_of: KindOf
    site_verifier: SiteVerifier
    placed: Placed = from_file

    def count(self, staging: Staging) -> DeltaResult:
        """What applying the rows would do. StoreError."""
        path = generations.database_of(self.directory, self.current.generation)
        with _opened(self.directory, self.current, read_only=True) as connection:
            meta = read_meta(connection, path)
            counts = DeltaCounts()
            with mapped(path):
                for bucket in staging.sorted_buckets():
                    self._tally(connection, bucket, counts)
            return DeltaResult(self._after(meta, counts), counts)

    def apply(
        self, staging: Staging, synced: Moment | None, checkpoint: Checkpoint = pass_by
    ) -> DeltaResult:
        """Change the generation, then tell readers. StoreError: nothing has changed.

        synced: when the feed was read; None: it is no whole word on the credentials, and the
        cache gets no younger by it.
        """
        path = generations.database_of(self.directory, self.current.generation)
        with _opened(self.directory, self.current, read_only=False) as connection:
            meta, counts = read_meta(connection, path), DeltaCounts()
            with transaction(connection, path):
                for bucket in staging.sorted_buckets():
                    self._tally(connection, bucket, counts)
                    _change(connection, bucket)
                meta = self.placed(self._after(meta, counts))
                meta = replace(meta, synced=synced or meta.synced)
                write_meta(connection, meta)
            checkpoint("cache-built")
            _fold(connection, path)
        checkpoint("cache-switch")
        generations.write_current(
            self.directory, replace(self.current, change=self.current.change + 1)
        )
        checkpoint("cache-switched")
        return DeltaResult(meta, counts)

    def _tally(self, connection: Connection, bucket: list[StagedRow], counts: DeltaCounts) -> None:
        for row in bucket:
            found = connection.exec_driver_sql(FIND, (row.card,)).first()
            if found is not None and (kind := self.kind_of(row.card, found[0])) is not None:
                counts.kinds[kind] -= 1
            if row.sealed is not None:
                counts.put += 1
                counts.added += found is None
                counts.kinds[row.kind] += 1
            elif found is not None:
                counts.removed += 1

    def _after(self, meta: CacheMeta, counts: DeltaCounts) -> CacheMeta:
        kinds = Counter(dict(meta.verifiers))
        kinds.update(counts.kinds)
        left = {kind: count for kind, count in kinds.items() if count > 0}
        return replace(
            meta,
            credentials=meta.credentials + counts.added - counts.removed,
            verifiers=left,
            site_verifier=self.site_verifier(left) or meta.site_verifier,
        )


def read_state(directory: Path, current: Current) -> CacheMeta:
    """What the generation in use says of itself. StoreError."""
    path = generations.database_of(directory, current.generation)
    with _opened(directory, current, read_only=True) as connection:
        return read_meta(connection, path)


def rewrite_meta(directory: Path, current: Current, placed: Placed) -> CacheMeta:
    """Change what the generation in use says of itself and tell readers that its rows are as
    they were. The caller holds the import lock. StoreError: nothing has changed.
    """
    path = generations.database_of(directory, current.generation)
    with _opened(directory, current, read_only=False) as connection:
        meta = placed(read_meta(connection, path))
        with transaction(connection, path):
            write_meta(connection, meta)
        _fold(connection, path)
    generations.write_current(directory, replace(current, touch=current.touch + 1))
    return meta


def read_sealed(directory: Path, current: Current, cards: Iterable[bytes]) -> dict[bytes, bytes]:
    """The sealed rows of these card indices, as far as they are there. StoreError."""
    path = generations.database_of(directory, current.generation)
    with _opened(directory, current, read_only=True) as connection, mapped(path):
        rows = ((card, connection.exec_driver_sql(FIND, (card,)).first()) for card in cards)
        return {card: _bytes(row[0]) for card, row in rows if row is not None}


def _bytes(value: object) -> bytes:
    # In a damaged file a value may come back as another type; no bytes open as nothing.
    return value if isinstance(value, bytes) else b""


def _change(connection: Connection, bucket: list[StagedRow]) -> None:
    put = [(row.card, row.sealed) for row in bucket if row.sealed is not None]
    gone = [(row.card,) for row in bucket if row.sealed is None]
    if put:
        connection.exec_driver_sql(PUT, put)
    if gone:
        connection.exec_driver_sql(REMOVE, gone)


def _fold(connection: Connection, path: Path) -> None:
    """The WAL into the database and both to the disk; tombstoned rows are then nowhere."""
    with mapped(path):
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()


@contextlib.contextmanager
def _opened(directory: Path, current: Current, *, read_only: bool) -> Iterator[Connection]:
    path = generations.database_of(directory, current.generation)
    hold = Hold.take(directory, current.generation)
    try:
        with cache_faults(path):
            connection = connect(path, read_only=read_only)
        try:
            if not read_only:
                with mapped(path):
                    connection.exec_driver_sql("PRAGMA synchronous=NORMAL").close()
            yield connection
        finally:
            connection.close()
    finally:
        hold.release()
