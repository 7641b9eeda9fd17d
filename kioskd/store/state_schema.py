"""Tables of state.db, as the steps that bring any older file to them.

A step is never changed once it was in use: files that took it do not take it again.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

_FIRST = (
    (
        "CREATE TABLE listed (card BLOB NOT NULL, which TEXT NOT NULL, until TEXT NOT NULL, "
        "why TEXT NOT NULL, by TEXT NOT NULL, PRIMARY KEY (card, which)) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE enrolled (card BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (card)) "
        "WITHOUT ROWID"
    ),
    "CREATE TABLE value (key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (key)) WITHOUT ROWID",
)
# Who put it there, when, and what staff may see of the number.
_SECOND = (
    "ALTER TABLE listed ADD COLUMN shown TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE listed ADD COLUMN added TEXT",  # RFC 3339, UTC
    "ALTER TABLE enrolled ADD COLUMN shown TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE enrolled ADD COLUMN label TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE enrolled ADD COLUMN by TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE enrolled ADD COLUMN added TEXT",
    # hours: a JSON list of spans as the configuration writes them; empty is closed
    (
        "CREATE TABLE exception (date TEXT NOT NULL, hours TEXT NOT NULL, title TEXT NOT NULL, "
        "by TEXT NOT NULL, PRIMARY KEY (date)) WITHOUT ROWID"
    ),
)


# A hub keeps entries of its own beside those of staff: neither takes the other's away.
_THIRD = (
    (
        "CREATE TABLE listed_by (card BLOB NOT NULL, which TEXT NOT NULL, until TEXT NOT NULL, "
        "why TEXT NOT NULL, by TEXT NOT NULL, shown TEXT NOT NULL DEFAULT '', added TEXT, "
        "PRIMARY KEY (card, which, by)) WITHOUT ROWID"
    ),
    (
        "INSERT INTO listed_by (card, which, until, why, by, shown, added) "
        "SELECT card, which, until, why, by, shown, added FROM listed"
    ),
    "DROP TABLE listed",
    "ALTER TABLE listed_by RENAME TO listed",
)


def _run(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


def _first(connection: Connection) -> None:
    _run(connection, _FIRST)


def _second(connection: Connection) -> None:
    _run(connection, _SECOND)


def _third(connection: Connection) -> None:
    _run(connection, _THIRD)


STEPS = (_first, _second, _third)
