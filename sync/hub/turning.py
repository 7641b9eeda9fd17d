"""A new day: what ended at midnight leaves the sealed rows, and who came of age is so.

Expired restrictions are deleted, not ignored. Each row that changed gets a new change number, so
devices hear of it; a batch is at most 500 rows, because everybody else who changes something waits
for it. Running it twice, or on two hubs at once, does no harm.

Deliberately not here: when it is called, and what a new day does to a person (rights).
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, not_, select, update

from sync.hub.database import Change, Database
from sync.hub.model import HubConfig
from sync.hub.rights import may_be_restricted, turned, turns
from sync.hub.schema import PATRON
from sync.hub.sealing import HubKeys

BATCH_ROWS: Final = 500
_P: Final = PATRON.c
_WHERE: Final = (_P.feed == bindparam("of_feed"), _P.card == bindparam("of_card"))
_TURN: Final = update(PATRON).where(*_WHERE)


class Due(NamedTuple):
    """A row on whose day something is over."""

    feed: str
    card: bytes
    sealed: bytes

    def __repr__(self) -> str:
        return "Due()"


async def turn_day(
    database: Database, keys: HubKeys, config: HubConfig, now: Callable[[], datetime]
) -> int:
    """Turn every row that is due on this local day; how many changed. VaultError, StoreError."""
    today = now().astimezone(ZoneInfo(config.timezone)).date()
    return sum(
        [await _turn_feed(database, keys, feed, today) for feed in await _feeds(database, today)]
    )


async def _feeds(database: Database, today: date) -> Sequence[str]:
    # Of the database, not of the configuration: what is configured no more is forgotten as well.
    async with database.reading() as connection:
        statement = select(_P.feed).where(_P.turns <= today.isoformat()).distinct()
        found = await connection.execute(statement)
        return sorted(found.scalars())


async def _turn_feed(database: Database, keys: HubKeys, feed: str, today: date) -> int:
    total = 0
    while True:
        async with database.changing() as change:
            rows = await _due(change, feed, today)
            values = await asyncio.to_thread(_turned, keys, rows, today, change.number)
            if values:
                await _write(change, values)
                total += change.rows
        if len(rows) < BATCH_ROWS:
            return total


async def _due(change: Change, feed: str, today: date) -> Sequence[Due]:
    statement = (
        select(_P.feed, _P.card, _P.sealed)
        .where(_P.feed == feed, _P.turns <= today.isoformat(), not_(_P.deleted))
        .order_by(_P.turns, _P.card)
        .limit(BATCH_ROWS)
    )
    return [Due._make(row) for row in await change.connection.execute(statement)]


def _turned(keys: HubKeys, rows: Sequence[Due], today: date, number: int) -> list[dict[str, Any]]:
    return [_values(keys, row, today, number) for row in rows]


def _values(keys: HubKeys, row: Due, today: date, number: int) -> dict[str, Any]:
    before = keys.open_person(*row)
    after = turned(before, today)
    following = turns(after, today)
    values: dict[str, Any] = {
        "of_feed": row.feed,
        "of_card": row.card,
        "turns": None if following is None else following.isoformat(),
    }
    if after != before:
        values["sealed"] = keys.seal_person(row.feed, row.card, after)
        values["restricted"] = may_be_restricted(after)
        values["change"] = values["rchange"] = number
    return values


async def _write(change: Change, values: Sequence[dict[str, Any]]) -> None:
    """Changed rows count; one whose day was merely written wrong gets its right one, unnumbered."""
    changed = [row for row in values if "sealed" in row]
    for rows in (changed, [row for row in values if "sealed" not in row]):
        if rows:
            await change.connection.execute(_TURN, rows)
    change.rows += len(changed)
