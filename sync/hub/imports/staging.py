"""The rows of an import, aside: which of them change the hub, and in which order they are written.

    staging.add(rows) ...           # as they are read
    staging.know(stored) ...        # what the hub has: digests
    counts = staging.compare()      # the last row of a card counts; what is unchanged is left out
    staging.withdraw(); staging.drop_missing()          # where they may go
    while batch := staging.batch(): ...                 # restrictions and deletions first

A temporary SQLite database without a name: on the disk, so that memory stays bounded however large
the file is, and gone with the process however it ends. Nothing in it is readable without the hub's
key: cards are indices, persons are sealed.

Blocks: call it in threads, one call at a time. Deliberately not here: the hub's own database.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from kioskd.errors import StoreError, StoreFull

BATCH: Final = 1000  # rows of one transaction: an urgent import waits for that many at most
_CACHE_KIB: Final = 16 * 1024


class RowKind(IntEnum):
    """What a card's last row is, or that it has none."""

    PERSON = 0
    DELETED = 1
    PATCH = 2
    BAD = 3
    MISSING = 4


class Pass(IntEnum):
    """The order of writing."""

    URGENT = 0
    OTHERS = 1
    MISSING = 2


class StagedRow(NamedTuple):
    """card: index. urgent: it may restrict. source: digest. sealed: a Person, empty without one."""

    card: bytes
    kind: RowKind
    urgent: bool = False
    source: bytes = b""
    ref: str = ""
    sealed: bytes = b""


class StoredDigest(NamedTuple):
    """What the hub has of a card."""

    card: bytes
    source: bytes
    deleted: bool


class Task(NamedTuple):
    """A card that is to be changed."""

    turn: Pass
    card: bytes
    kind: RowKind
    source: bytes
    ref: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Compared:
    """cards: with a good last row. changed: of these, differing from the hub. duplicates: rows
    that a later one replaced. live: in the hub. deleted, withdrawn, missing: of the live ones."""

    cards: int
    changed: int
    duplicates: int
    live: int
    deleted: int
    withdrawn: int
    missing: int


_TABLES: Final = """
CREATE TABLE row(n INTEGER PRIMARY KEY, card BLOB, kind INTEGER, urgent INTEGER, source BLOB);
CREATE TABLE payload(n INTEGER PRIMARY KEY, ref TEXT, sealed BLOB);
CREATE TABLE latest(card BLOB PRIMARY KEY, n INTEGER, kind INTEGER) WITHOUT ROWID;
CREATE TABLE stored(card BLOB PRIMARY KEY, source BLOB, deleted INTEGER) WITHOUT ROWID;
CREATE TABLE todo(turn INTEGER, card BLOB, kind INTEGER, n INTEGER,
    PRIMARY KEY(turn, card)) WITHOUT ROWID;
"""
_LATEST: Final = """
INSERT INTO latest SELECT card, max(n), kind FROM row GROUP BY card
"""  # SQLite: beside a max() the other columns are of its row
_CHANGED: Final = """
INSERT INTO todo
SELECT CASE WHEN r.urgent THEN :urgent ELSE :others END, l.card, r.kind, l.n
FROM latest l JOIN row r ON r.n = l.n LEFT JOIN stored s ON s.card = l.card
WHERE r.kind = :person AND (s.card IS NULL OR s.deleted OR s.source <> r.source)
   OR r.kind = :deleted AND s.deleted = 0
   OR r.kind = :patch
"""
_NAMED: Final = {
    "urgent": Pass.URGENT,
    "others": Pass.OTHERS,
    "person": RowKind.PERSON,
    "deleted": RowKind.DELETED,
    "patch": RowKind.PATCH,
}
_OF_LIVE: Final = (
    "FROM latest l JOIN stored s ON s.card = l.card WHERE NOT s.deleted AND l.kind = ?"
)
_MISSING: Final = """
FROM stored s WHERE NOT s.deleted AND NOT EXISTS (SELECT 1 FROM latest l WHERE l.card = s.card)
"""
_BATCH: Final = """
SELECT t.turn, t.card, t.kind, r.source, p.ref, p.sealed
FROM (SELECT * FROM todo WHERE turn = ? AND card > ? ORDER BY card LIMIT ?) t
LEFT JOIN row r ON r.n = t.n LEFT JOIN payload p ON p.n = t.n ORDER BY t.card
"""


class Staging:
    """See the module's docstring. StoreFull, StoreError: of the temporary directory."""

    def __init__(self) -> None:
        self._turn, self._after = Pass.URGENT, b""
        with _faults():
            self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}"):
                self._db.execute(f"PRAGMA {pragma}").close()
            self._db.executescript(_TABLES)

    def close(self) -> None:
        """Give the space back."""
        self._db.close()

    def add(self, rows: Iterable[StagedRow]) -> None:
        """More rows, in the order of the file."""
        with self._changing() as db:
            for card, kind, urgent, source, ref, sealed in rows:
                told = (card, kind, urgent, source)
                n = db.execute(
                    "INSERT INTO row(card, kind, urgent, source) VALUES (?, ?, ?, ?)", told
                ).lastrowid
                if sealed:
                    db.execute("INSERT INTO payload VALUES (?, ?, ?)", (n, ref, sealed))

    def settle(self) -> None:
        """All rows are read: find the last one of each card."""
        with self._changing() as db:
            db.execute(_LATEST)

    def cards(self, after: bytes, most: int) -> list[bytes]:
        """The cards of the file in order, some at a time."""
        asked = "SELECT card FROM latest WHERE card > ? ORDER BY card LIMIT ?"
        with self._changing() as db:
            return [card for (card,) in db.execute(asked, (after, most))]

    def know(self, stored: Iterable[StoredDigest]) -> None:
        """What the hub has. Of a full file all of the feed, else the cards of the file."""
        with self._changing() as db:
            db.executemany("INSERT INTO stored VALUES (?, ?, ?)", stored)

    def compare(self) -> Compared:
        """Plan what differs, apart from what would be withdrawn or dropped."""
        with self._changing() as db:
            db.execute(_CHANGED, _NAMED)
        one = self._count
        good = (RowKind.BAD,)
        cards = one("SELECT count(*) FROM latest WHERE kind <> ?", good)
        seen = one("SELECT count(DISTINCT card) FROM row WHERE kind <> ?", good)
        return Compared(
            cards=cards,
            changed=one("SELECT count(*) FROM todo"),
            duplicates=one("SELECT count(*) FROM row WHERE kind <> ?", good) - seen,
            live=one("SELECT count(*) FROM stored WHERE NOT deleted"),
            deleted=one(f"SELECT count(*) {_OF_LIVE}", (RowKind.DELETED,)),
            withdrawn=one(f"SELECT count(*) {_OF_LIVE}", good),
            missing=one(f"SELECT count(*) {_MISSING}"),
        )

    def withdraw(self) -> None:
        """Plan that the cards go whose last row is bad."""
        with self._changing() as db:
            db.execute(
                f"INSERT INTO todo SELECT {Pass.URGENT}, l.card, l.kind, l.n {_OF_LIVE}",
                (RowKind.BAD,),
            )

    def drop_missing(self) -> None:
        """Plan that the cards go, at the end, that the hub has and the file has not."""
        with self._changing() as db:
            found = f"SELECT {Pass.MISSING}, s.card, {RowKind.MISSING}, NULL {_MISSING}"
            db.execute(f"INSERT INTO todo {found}")

    def batch(self) -> list[Task]:
        """The next cards to write, of one pass; empty when all were given out."""
        while True:
            with self._changing() as db:
                found = db.execute(_BATCH, (self._turn, self._after, BATCH)).fetchall()
            if found:
                self._after = found[-1][1]
                return [_task(*row) for row in found]
            if self._turn is Pass.MISSING:
                return []
            self._turn, self._after = Pass(self._turn + 1), b""

    def _count(self, query: str, values: tuple[int, ...] = ()) -> int:
        with _faults():
            return int(self._db.execute(query, values).fetchone()[0])

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with _faults():
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                if self._db.in_transaction:
                    self._db.execute("COMMIT")


def _task(
    turn: int, card: bytes, kind: int, source: bytes | None, ref: str | None, sealed: bytes | None
) -> Task:
    return Task(Pass(turn), card, RowKind(kind), source or b"", ref or "", sealed or b"")


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise StoreFull(
                "the temporary directory has no space for this import; make room there, or set "
                "TMPDIR to a directory that has"
            ) from error
        raise StoreError(f"the import's temporary file: {error}") from error
