"""Rows of PATRON in bulk: found by their cards, inserted or replaced, told a new digest.

PostgreSQL takes a batch as one array a column: a parameter for each value costs it a quarter of a
second for a thousand cards. SQLite is in the same process and takes them one by one.

Deliberately not here: what is in a row (deciding), and transactions (applying).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Insert,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.hub.database import Database
from sync.hub.inserts import insert_into
from sync.hub.schema import PATRON

_KEY: Final = ("feed", "card")
_NAMES: Final = tuple(column.name for column in PATRON.c)


def among(database: Database, column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a row's column is one of these."""
    if not database.is_postgresql:
        return column.in_(values)
    return column == any_(literal(values, ARRAY(column.type)))


async def put_rows(
    database: Database, connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert or replace rows that have every column."""
    if database.is_postgresql:
        columns = {name: [row[name] for row in rows] for name in _NAMES}
        await connection.execute(_put(database, arrays=True), columns)
    else:
        await connection.execute(_put(database), rows)


async def learn_sources(connection: AsyncConnection, learned: Sequence[Mapping[str, Any]]) -> None:
    """New digests of rows that stay as they are: of_feed, of_card, digest."""
    put = (
        update(PATRON)
        .where(PATRON.c.feed == bindparam("of_feed"), PATRON.c.card == bindparam("of_card"))
        .values(source=bindparam("digest"))
    )
    await connection.execute(put, learned)


def _put(database: Database, *, arrays: bool = False) -> Insert:
    insert = insert_into(database, PATRON)
    replaced = {name: insert.excluded[name] for name in _NAMES if name not in _KEY}
    if arrays:
        taken = [cast(bindparam(c.name), ARRAY(c.type)) for c in PATRON.c]
        rows = func.unnest(*taken).table_valued(*map(column, _NAMES)).render_derived()
        insert = insert.from_select(_NAMES, select(*(rows.c[name] for name in _NAMES)))
    return insert.on_conflict_do_update(index_elements=_KEY, set_=replaced)
