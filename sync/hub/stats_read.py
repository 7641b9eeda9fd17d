"""The counts of a year out of the hub's database.

Deliberately not here: what may be published of them (stats).
"""

from sqlalchemy import Date, Integer, cast, extract, func, select
from sqlalchemy.sql.elements import ColumnElement

from sync.hub.database import Database
from sync.hub.schema import TALLY
from sync.hub.stats import Tally


async def tallies(database: Database, year: int) -> list[Tally]:
    """Every count of the year, added up by branch, month, weekday and hour. StoreError."""
    day = TALLY.c.day
    month = cast(func.substr(day, 6, 2), Integer)
    parts = (TALLY.c.branch, month, _weekday(database), TALLY.c.hour, TALLY.c.what)
    wanted = (
        select(*parts, func.sum(TALLY.c.n))
        .where(day >= f"{year:04}-01-01", day <= f"{year:04}-12-31")
        .group_by(*parts)
        .order_by(*parts)
    )
    async with database.reading() as connection:
        found = await connection.execute(wanted)
        return [
            Tally(str(branch), int(m), int(weekday), int(hour), str(what), int(n))
            for branch, m, weekday, hour, what, n in found
        ]


def _weekday(database: Database) -> ColumnElement[int]:
    """0 for Monday to 6 for Sunday."""
    if database.is_postgresql:
        return cast(extract("isodow", cast(TALLY.c.day, Date)) - 1, Integer)
    return (cast(func.strftime("%w", TALLY.c.day), Integer) + 6) % 7
