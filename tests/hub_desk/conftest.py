"""One hub at its desk, and a second one on the same database."""

from collections.abc import AsyncIterator

import pytest

from sync.hub.database import Database
from tests.hub_desk.desk import Desk


@pytest.fixture
def desk(database: Database) -> Desk:
    """A hub with an empty database."""
    return Desk(database)


@pytest.fixture
async def second(desk: Desk, database_url: str) -> AsyncIterator[Desk]:
    """Another hub on the same database, with the same clock."""
    opened = await Database.open(database_url)
    yield Desk(opened, desk.clock)
    await opened.close()
