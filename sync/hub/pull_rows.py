"""The rows that a branch gets: of a card in several feeds, the first that has it counts.

All of a branch is read through a cursor of the database's own, a block at a time, so a million rows
are never in memory. What changed is read by number, a page at a time.

Deliberately not here: what is in a row (pull_lines), and cursors.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, not_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.hub.cursor import Cursor, Within
from sync.hub.schema import PATRON

BLOCK: Final = 500  # rows read, and rendered, at a time
_P: Final = PATRON.c
_COLUMNS: Final = (_P.feed, _P.card, _P.sealed, _P.ref, _P.deleted)
# An expression, so that no planner reads a whole feed by the primary key to answer for a page.
_FEED: Final = _P.feed.concat("")
_ORDERS: Final = {Within.CREDENTIALS: _P.change, Within.RESTRICTIONS: _P.rchange}


# After an import of a million rows PostgreSQL has no statistics for minutes, and would read all of
# a table for a page of none.
_BY_INDEX: Final = text(
    "SELECT set_config('enable_seqscan', 'off', true),"
    " set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)"
)


class Stored(NamedTuple):
    """A row as it lies in the database."""

    feed: str
    card: bytes
    sealed: bytes
    ref: str | None
    deleted: bool

    def __repr__(self) -> str:
        return "Stored()"


class Changed(NamedTuple):
    """A row that changed after a cursor, and the number of its change in that stream."""

    stored: Stored
    change: int


async def live(
    connection: AsyncConnection, feeds: Sequence[str], *, restricted: bool = False
) -> AsyncIterator[Sequence[Stored]]:
    """Every card of these feeds once, in blocks. restricted: those alone that may be restricted."""
    for place, feed in enumerate(feeds):
        statement = _live_of(feed, feeds[:place], restricted=restricted)
        # One statement that the database works off as it is read: pages by keys would be planned
        # one by one, and a database without statistics sorts all that is left for each of them.
        streamed = statement.execution_options(yield_per=BLOCK)
        async with contextlib.aclosing(_blocks_of(connection, streamed)) as blocks:
            async for block in blocks:
                yield block


async def _blocks_of(
    connection: AsyncConnection, statement: Select[tuple[object, ...]]
) -> AsyncGenerator[Sequence[Stored], None]:
    result = await connection.stream(statement)
    try:
        async for rows in result.partitions():
            yield [Stored._make(row) for row in rows]
    finally:
        await result.close()


async def changed(
    connection: AsyncConnection, feeds: Sequence[str], cursor: Cursor, order: Within, most: int
) -> list[Changed]:
    """The rows of these feeds that changed after a cursor, oldest change first."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_BY_INDEX)
    number = _ORDERS[order]
    statement = (
        select(*_COLUMNS, number)
        .where(_FEED.in_(feeds), _after(number, cursor))
        .order_by(number, _P.card, _P.feed)
        .limit(most)
    )
    found = await connection.execute(statement)
    return [Changed(Stored._make(row[:-1]), row[-1]) for row in found]


async def effective(
    connection: AsyncConnection, feeds: Sequence[str], rows: Sequence[Stored]
) -> AsyncIterator[Sequence[Stored]]:
    """The row that counts for each of these cards, each once, in blocks."""
    cards = list(dict.fromkeys(row.card for row in rows))
    if len(feeds) == 1:
        for block in _blocks(rows):
            yield block
        return
    for at in range(0, len(cards), BLOCK):
        wanted = cards[at : at + BLOCK]
        found = await connection.execute(
            select(*_COLUMNS).where(_P.card.in_(wanted), _FEED.in_(feeds))
        )
        yield _first_of_each(feeds, [Stored._make(row) for row in found])


def _live_of(feed: str, earlier: Sequence[str], *, restricted: bool) -> Select[tuple[object, ...]]:
    statement = select(*_COLUMNS).where(_P.feed == feed, not_(_P.deleted))
    if restricted:
        statement = statement.where(_P.restricted)
    if earlier:
        other = PATRON.alias()
        before = exists().where(
            other.c.card == _P.card, other.c.feed.in_(earlier), not_(other.c.deleted)
        )
        statement = statement.where(not_(before))
    return statement


def _after(number: ColumnElement[int], cursor: Cursor) -> ColumnElement[bool]:
    if cursor.within is Within.NOTHING:
        return number > cursor.change
    later_card = or_(_P.card > cursor.card, and_(_P.card == cursor.card, _P.feed > cursor.feed))
    # The first condition is implied by the second; it is what an index can be used for.
    return and_(number >= cursor.change, or_(number > cursor.change, later_card))


def _first_of_each(feeds: Sequence[str], rows: Sequence[Stored]) -> list[Stored]:
    rank = {feed: place for place, feed in enumerate(feeds)}
    counts: dict[bytes, Stored] = {}
    for row in sorted(rows, key=lambda row: (row.deleted, rank[row.feed])):
        counts.setdefault(row.card, row)
    return list(counts.values())


def _blocks(rows: Sequence[Stored]) -> Iterator[Sequence[Stored]]:
    for at in range(0, len(rows), BLOCK):
        yield rows[at : at + BLOCK]
