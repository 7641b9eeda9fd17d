"""A running hub, once on each kind of database: for each test, or for all of a module."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sync.hub.database import Database
from tests.hub.databases import Server
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


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lasting_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty database for the tests of a module."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        return server.empty_database()
    return f"sqlite:///{tmp_path_factory.mktemp('lasting') / 'hub.db'}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting(lasting_url: str) -> AsyncIterator[Running]:
    """A hub for tests that change nothing in it; its device is door-1."""
    database = await Database.open(lasting_url, create=True)
    try:
        async with running(await started(database)) as served:
            await served.device("door-1")
            yield served
    finally:
        await database.close()
