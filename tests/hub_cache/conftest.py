"""A device for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub_cache.desk import Desk
from tests.hub_cache.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    yield made
    await made.close()
