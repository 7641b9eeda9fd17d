"""INSERT ... ON CONFLICT, which SQLite and PostgreSQL both have and SQLAlchemy spells by dialect.

Deliberately not here: what is inserted where.
"""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from sync.hub.database import Database

Insert = postgresql.Insert | sqlite.Insert


def insert_into(database: Database, table: Table) -> Insert:
    """An INSERT of this database's dialect; both know on_conflict_do_nothing and _do_update."""
    if database.is_postgresql:
        return postgresql.insert(table)
    return sqlite.insert(table)
