"""What one generation of the cache holds: sealed credentials by card index, and one row of meta.

Deliberately not here: keys and unsealing. The rows are bytes to everybody in this package.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
    text,
)

from kioskd.domain.moment import Moment, stamp
from kioskd.errors import StoreDamaged
from kioskd.store.faults import is_there, mapped
from kioskd.store.generations import WAY_OUT
from kioskd.store.times import time_of

INDEX_BYTES: Final = 16
_MOST_BOOT_SECONDS: Final = 1e10  # three centuries of running
FILE, HUB = "file", "hub"  # where a cache came from
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
    # Later than the rest: a cache of an earlier version lacks these, and that version leaves them
    # out when it writes its row, which makes them empty and the next pull a snapshot.
    Column("source", Text, nullable=False, server_default=FILE),
    Column("hub_generation", Text, nullable=False, server_default=""),
    Column("credentials_cursor", Text, nullable=False, server_default=""),
    Column("restrictions_cursor", Text, nullable=False, server_default=""),
)
_LATER: Final = ("source", "hub_generation", "credentials_cursor", "restrictions_cursor")

_READ_META: Final = text("SELECT * FROM meta")  # an earlier version's has fewer columns
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
    nobody, with the parameters that most credentials have. source: "file" or "hub".
    hub_generation, credentials_cursor, restrictions_cursor: what the hub was last asked for and
    gave; empty where the next pull is to be a snapshot.
    """

    generation: str
    index_key: str
    seal_key: str
    synced: Moment
    credentials: int = 0
    verifiers: Mapping[str, int] = field(default_factory=dict)
    site_verifier: bytes | None = None
    source: str = FILE
    hub_generation: str = ""
    credentials_cursor: str = ""
    restrictions_cursor: str = ""


Placed = Callable[[CacheMeta], CacheMeta]
"""What becomes of the meta beside its counts, in the transaction that changes the rows."""


def without_positions(meta: CacheMeta) -> CacheMeta:
    """The same cache, of which the hub's next word is to be a snapshot."""
    return replace(meta, hub_generation="", credentials_cursor="", restrictions_cursor="")


def from_file(meta: CacheMeta) -> CacheMeta:
    """A cache that a feed file made or changed: the hub no longer knows what is in it."""
    return replace(without_positions(meta), source=FILE)


def write_meta(connection: Connection, meta: CacheMeta) -> None:
    """Put the one row; the caller maps errors."""
    _add_later_columns(connection)
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
        "source": meta.source,
        "hub_generation": meta.hub_generation,
        "credentials_cursor": meta.credentials_cursor,
        "restrictions_cursor": meta.restrictions_cursor,
    }
    connection.execute(insert(META).prefix_with("OR REPLACE"), values)


def _add_later_columns(connection: Connection) -> None:
    there = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(meta)").fetchall()}
    for name in _LATER:
        if name not in there:
            default = META.c[name].server_default.arg  # type: ignore[union-attr]
            connection.exec_driver_sql(
                f"ALTER TABLE meta ADD COLUMN {name} TEXT NOT NULL DEFAULT '{default}'"
            )


def read_meta(connection: Connection, path: Path) -> CacheMeta:
    """The one row. StoreDamaged when it is missing or is not what was written."""
    with cache_faults(path):
        row = connection.execute(_READ_META).mappings().one_or_none()
    if row is None:
        raise damaged(path)
    try:
        return _meta(row)
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
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
        **{name: _text(row[name]) for name in _LATER if name in row},
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("meta")
    return value


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
