"""What one generation of the cache holds: sealed credentials by card index, and one row of meta.

Deliberately not here: keys and unsealing. The rows are bytes to everybody in this package.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    Table,
    Text,
    insert,
    select,
)

from kioskd.domain.moment import Moment, stamp
from kioskd.errors import StoreDamaged
from kioskd.store.faults import is_there, mapped
from kioskd.store.generations import WAY_OUT
from kioskd.store.times import time_of

INDEX_BYTES: Final = 16
_MOST_BOOT_SECONDS: Final = 1e10  # three centuries of running
METADATA: Final = MetaData()

CREDENTIAL: Final = Table(
    "credential",
    METADATA,
    Column("card", LargeBinary, CheckConstraint("length(card) = 16"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,  # the row lies in the index: one descent for a point read
)
META: Final = Table(
    "meta",
    METADATA,
    Column("one", Integer, CheckConstraint("one = 1"), primary_key=True),
    Column("generation", Text, nullable=False),
    Column("index_key", Text, nullable=False),
    Column("seal_key", Text, nullable=False),
    Column("synced_wall", Text, nullable=False),
    Column("synced_boot", Float, nullable=False),
    Column("synced_boot_id", Text, nullable=False),
    Column("credentials", Integer, nullable=False),
    Column("verifiers", Text, nullable=False),
    Column("site_verifier", LargeBinary),
)

FIND: Final = "SELECT sealed FROM credential WHERE card = ?"
ADD: Final = "INSERT INTO credential (card, sealed) VALUES (?, ?)"
PUT: Final = "INSERT OR REPLACE INTO credential (card, sealed) VALUES (?, ?)"
REMOVE: Final = "DELETE FROM credential WHERE card = ?"
FIRST: Final = "SELECT card, sealed FROM credential LIMIT 1"


@dataclass(frozen=True, slots=True)
class CacheMeta:
    """What a generation says of itself.

    index_key, seal_key: ids in the keyring. synced: when its last feed was read. verifiers: how
    many credentials have which kind of verifier ("none": no PIN set). site_verifier: packed, of
    nobody, with the parameters that most credentials have.
    """

    generation: str
    index_key: str
    seal_key: str
    synced: Moment
    credentials: int = 0
    verifiers: Mapping[str, int] = field(default_factory=dict)
    site_verifier: bytes | None = None


def write_meta(connection: Connection, meta: CacheMeta) -> None:
    """Put the one row; the caller maps errors."""
    values = {
        "one": 1,
        "generation": meta.generation,
        "index_key": meta.index_key,
        "seal_key": meta.seal_key,
        "synced_wall": stamp(meta.synced.wall),
        "synced_boot": meta.synced.boot,
        "synced_boot_id": meta.synced.boot_id,
        "credentials": meta.credentials,
        "verifiers": json.dumps(dict(meta.verifiers), sort_keys=True),
        "site_verifier": meta.site_verifier,
    }
    connection.execute(insert(META).prefix_with("OR REPLACE"), values)


def read_meta(connection: Connection, path: Path) -> CacheMeta:
    """The one row. StoreDamaged when it is missing or is not what was written."""
    with cache_faults(path):
        row = connection.execute(select(META)).mappings().one_or_none()
    if row is None:
        raise damaged(path)
    try:
        return _meta(row)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise damaged(path) from error


def _meta(row: RowMapping) -> CacheMeta:
    """A value of another type than was written is damage too: SQLite does not check."""
    verifiers = json.loads(row["verifiers"])
    if not isinstance(verifiers, dict) or not isinstance(row["site_verifier"], bytes | None):
        raise TypeError("meta")
    wall, boot = time_of(row["synced_wall"]), float(row["synced_boot"])
    if wall is None or not 0 <= boot < _MOST_BOOT_SECONDS:
        raise ValueError("meta")
    synced = Moment(wall, boot, str(row["synced_boot_id"]))
    return CacheMeta(
        generation=str(row["generation"]),
        index_key=str(row["index_key"]),
        seal_key=str(row["seal_key"]),
        synced=synced,
        credentials=int(row["credentials"]),
        verifiers={str(kind): int(count) for kind, count in verifiers.items()},
        site_verifier=row["site_verifier"],
    )


@contextmanager
def cache_faults(path: Path) -> Iterator[None]:
    """As `mapped`, but a cache that is missing or damaged is made anew, not restored."""
    if not is_there(path):
        raise StoreDamaged(f"{path}: the credential cache is missing; {WAY_OUT}")
    try:
        with mapped(path):
            yield
    except (StoreDamaged, UnicodeDecodeError) as error:
        # A damaged name in the schema comes up as text that is no UTF-8.
        raise damaged(path) from error


def damaged(path: Path) -> StoreDamaged:
    """The one way out of a damaged cache: it is replaceable."""
    return StoreDamaged(f"{path}: the credential cache is damaged; {WAY_OUT}")
