"""A full feed becomes a new generation, built aside; then `current` is switched to it.

Until the switch readers see the old cache, after it the new one. Power loss or SIGKILL in between
leaves one of them whole, and a `.building` file that the next import deletes. The builder syncs
nothing while it writes: a half-built file is worthless anyway, and the whole one is brought to the
disk once, before anything names it.

The caller holds the import lock. Deliberately not here: parsing, keys, sealing, and the question
whether the new cache is plausible.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from kioskd.ports import Checkpoint, pass_by
from kioskd.store import generations
from kioskd.store.cache_schema import ADD, METADATA, CacheMeta, write_meta
from kioskd.store.cache_staging import StagedRow, Staging
from kioskd.store.engine import connect
from kioskd.store.faults import mapped

# What the file is built with; it is synced as a whole afterwards, and lives on in WAL mode.
_WHILE_BUILDING: Final = (
    "journal_mode=OFF",
    "synchronous=OFF",
    "temp_store=FILE",
    "cache_size=-8000",
)

Written = Callable[[int], None]
SiteVerifier = Callable[[Mapping[str, int]], bytes | None]


@dataclass(frozen=True, slots=True)
class BuiltGeneration:
    """A generation on the disk that nobody reads yet. size: of its database in bytes."""

    directory: Path
    meta: CacheMeta
    size: int


def build_generation(
    directory: Path,
    staging: Staging,
    seed: CacheMeta,
    *,
    site_verifier: SiteVerifier,
    written: Written = lambda rows: None,
    checkpoint: Checkpoint = pass_by,
) -> BuiltGeneration:
    """Write the staged rows as the generation that `seed` names; counts are filled in here.

    site_verifier: makes one that belongs to nobody, of the counts by kind. StoreError; nothing
    is left of the generation then.
    """
    path = generations.building_of(directory, seed.generation)
    with _removed_on_failure(path):
        with _opened_aside(path) as connection:
            counted = _fill(connection, path, staging, seed, written)
            meta = replace(counted, site_verifier=site_verifier(counted.verifiers))
            _finish(connection, path, meta)
        generations.sync_path(path)
        with mapped(path):
            size = path.stat().st_size
    checkpoint("cache-built")
    return BuiltGeneration(directory, meta, size)


def switch_to(built: BuiltGeneration, checkpoint: Checkpoint = pass_by) -> None:
    """Make readers take the built generation, and delete those that nobody reads any more."""
    directory, generation = built.directory, built.meta.generation
    path = generations.building_of(directory, generation)
    database = generations.database_of(directory, generation)
    with mapped(path):
        path.rename(database)  # nobody has it open, and no file has that name
    generations.create_inuse(directory, generation)
    generations.sync_path(directory)
    checkpoint("cache-switch")
    generations.write_current(directory, generations.Current(generation))
    checkpoint("cache-switched")
    generations.sweep(directory)


def abandon(built: BuiltGeneration) -> None:
    """Delete a built generation that is not to be used."""
    _remove(generations.building_of(built.directory, built.meta.generation))


@contextlib.contextmanager
def _opened_aside(path: Path) -> Iterator[Connection]:
    connection = connect(path)
    try:
        with mapped(path):
            _pragmas(connection, _WHILE_BUILDING)
        yield connection
    finally:
        with mapped(path):
            connection.close()


def _fill(
    connection: Connection, path: Path, staging: Staging, seed: CacheMeta, written: Written
) -> CacheMeta:
    kinds: Counter[str] = Counter()
    with mapped(path):
        METADATA.create_all(connection)
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        for bucket in staging.sorted_buckets():
            _add(connection, bucket, kinds)
            written(kinds.total())
    return replace(seed, credentials=kinds.total(), verifiers=dict(kinds))


def _finish(connection: Connection, path: Path, meta: CacheMeta) -> None:
    with mapped(path):
        write_meta(connection, meta)
        connection.exec_driver_sql("COMMIT")
        _pragmas(connection, ("journal_mode=WAL",))


def _pragmas(connection: Connection, pragmas: Sequence[str]) -> None:
    for pragma in pragmas:
        connection.exec_driver_sql(f"PRAGMA {pragma}").close()  # an open answer holds a lock


def _add(connection: Connection, bucket: list[StagedRow], kinds: Counter[str]) -> None:
    present = [(row.card, row.sealed) for row in bucket if row.sealed is not None]
    kinds.update(row.kind for row in bucket if row.sealed is not None)
    if present:
        connection.exec_driver_sql(ADD, present)


@contextlib.contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _remove(path)
        raise


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink()
