"""Tables of journal.db, and the steps that bring an older file to them."""

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

METADATA = MetaData()

EVENT = Table(
    "event",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("door", Text),
    Column("decision", Text),
    Column("reason", Text),
    Column("decided_by", Text),
    Column("by", Text),
    Column("detail", Text, nullable=False),
    Column("personal", Text),
    Column("hash", Text, nullable=False),
    Column("trusted", Integer, nullable=False),
)

PERSON = Table(
    "journal_person",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("card", LargeBinary),
    Column("item", Text),
    Column("known", Integer, nullable=False),
    Index("person_by_card", "card"),
)

ANCHOR = Table(
    "anchor",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("first", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)

ATTEMPT = Table(
    "attempt",
    METADATA,
    Column("card", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("last_failure", Text),
    Column("boot_id", Text, nullable=False),
    Column("until_boot", Float, nullable=False),
    Column("until_wall", Text),
    sqlite_with_rowid=False,
)

TALLY = Table(
    "tally",
    METADATA,
    Column("day", Text, primary_key=True),
    Column("hour", Integer, primary_key=True),
    Column("door", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("n", Integer, nullable=False),
    sqlite_with_rowid=False,
)

META = Table(
    "meta",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)


# What the hub has, by the id of the chain: a journal that begins anew owes it everything.
DELIVERY = Table(
    "delivery",
    METADATA,
    Column("journal", Text, primary_key=True),
    Column("through", Integer, nullable=False),
    Column("at", Text, nullable=False),
    sqlite_with_rowid=False,
)

DEAD = Table(
    "dead",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
)

# Ordered by a key that says nothing, without a number, a time or a row of the journal: nothing
# in it tells which entry of the day a card's was. An empty `sealed` was told to the hub already.
ACTIVITY = Table(
    "activity",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("day", Text, nullable=False),
    sqlite_with_rowid=False,
)
_OUTBOX = (DELIVERY, DEAD, ACTIVITY)


def _first(connection: Connection) -> None:
    METADATA.create_all(connection, [t for t in METADATA.sorted_tables if t not in _OUTBOX])


def _outbox(connection: Connection) -> None:
    METADATA.create_all(connection, _OUTBOX)


STEPS = (_first, _outbox)
