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


def _first(connection: Connection) -> None:
    METADATA.create_all(connection)


STEPS = (_first,)
