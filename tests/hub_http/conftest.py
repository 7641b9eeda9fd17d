"""A running hub for each test, once on each kind of database."""

from collections.abc import AsyncIterator

import pytest

from sync.hub.database import Database
from tests.hub_core.world import Hub
from tests.hub_http.serving import Running, running, started


@pytest.fixture
async def hub(database: Database) -> Hub:
    """A hub with branches and nobody in it."""
    return await started(database)


@pytest.fixture
async def served(hub: Hub) -> AsyncIterator[Running]:
    """It, on loopback."""
    async with running(hub) as served:
        yield served
