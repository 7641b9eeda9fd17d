"""The hub that the tests of this folder import into, on either database."""

from pathlib import Path

import pytest

from sync.hub.database import Database
from tests.hub_imports.world import World


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    """An empty hub."""
    return World(database, tmp_path)
