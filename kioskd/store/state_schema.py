"""Tables of state.db, and the steps that bring an older file to them."""

from sqlalchemy import Column, Connection, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

LISTED = Table(
    "listed",
    METADATA,
    Column("card", LargeBinary, primary_key=True),
    Column("which", Text, primary_key=True),  # allow | deny
    Column("until", Text, nullable=False),  # RFC 3339, UTC
    Column("why", Text, nullable=False),
    Column("by", Text, nullable=False),
    sqlite_with_rowid=False,
)

ENROLLED = Table(
    "enrolled",
    METADATA,
    Column("card", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

VALUE = Table(
    "value",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)


def _first(connection: Connection) -> None:
    METADATA.create_all(connection)


STEPS = (_first,)
