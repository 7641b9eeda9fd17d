"""The record of imports: when each began, how it ended, and how old a feed's last full one is.

Birth dates are forgotten after each import, so only the next full one knows who came of age since:
a feed whose last full import is older than a credential may be used raises an alert.

Deliberately not here: raising it, and the imports themselves (run).
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.moment import stamp
from kioskd.errors import KioskError
from sync.hub.database import Database
from sync.hub.imports.report import ImportReport, ImportRequest
from sync.hub.model import HubConfig
from sync.hub.schema import IMPORT

KEPT: Final = timedelta(days=90)


async def note_begun(
    database: Database, identity: str, request: ImportRequest, at: datetime
) -> None:
    """Record that an import begins; records that are older than 90 days go."""
    row = {
        "id": identity,
        "feed": request.feed,
        "format": request.format,
        "full": request.full and not request.patches,
        "started": stamp(at),
    }
    async with database.writing() as connection:
        await connection.execute(delete(IMPORT).where(IMPORT.c.started < stamp(at - KEPT)))
        await connection.execute(insert(IMPORT), row)


async def note_ended(database: Database, report: ImportReport, at: datetime) -> None:
    """Record what it did."""
    outcome = msgspec.json.encode(report).decode()
    judged = {"fresh": report.fresh, "empty": report.empty}
    await _note(database, report.id, at, judged | json.loads(outcome))


async def note_failed(database: Database, identity: str, fault: KioskError, at: datetime) -> None:
    """Record that it ended with a fault, and of which kind; its text may name files."""
    await _note(database, identity, at, {"fresh": False, "fault": type(fault).__name__})


async def import_ages(
    database: Database, config: HubConfig, now: Callable[[], datetime]
) -> dict[str, timedelta | None]:
    """How long ago each feed's last full import began that did its work; None: never, or long."""
    async with database.reading() as connection:
        begun = {feed: await _last_full(connection, feed) for feed in config.feeds()}
    at = now()
    return {feed: None if then is None else at - then for feed, then in begun.items()}


def too_old(ages: Mapping[str, timedelta | None], config: HubConfig) -> tuple[str, ...]:
    """The feeds whose last full import is older than a device may use a credential."""
    limit = timedelta(hours=config.near_hours)
    return tuple(feed for feed, age in ages.items() if age is None or age > limit)


async def _note(
    database: Database, identity: str, at: datetime, outcome: dict[str, object]
) -> None:
    told = {"ended": stamp(at), "outcome": json.dumps(outcome)}
    async with database.writing() as connection:
        await connection.execute(update(IMPORT).where(IMPORT.c.id == identity).values(**told))


async def _last_full(connection: AsyncConnection, feed: str) -> datetime | None:
    asked = (
        select(IMPORT.c.started, IMPORT.c.outcome)
        .where(IMPORT.c.feed == feed, IMPORT.c.full, IMPORT.c.outcome.is_not(None))
        .order_by(IMPORT.c.started.desc())
    )
    for started, outcome in await connection.execute(asked):
        if json.loads(outcome).get("fresh"):
            return datetime.fromisoformat(started)
    return None
