"""A hub of three branches on each kind of database."""

import pytest

from sync.hub.database import Database
from tests.hub_core.world import Hub


@pytest.fixture
async def hub(database: Database) -> Hub:
    return await Hub(database).start()
