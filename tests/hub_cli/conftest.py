"""A hub that init has made, on each kind of database."""

from pathlib import Path

import pytest

from tests.hub_cli.hub_files import Hub


@pytest.fixture
def bare(tmp_path: Path) -> Hub:
    """A configuration on SQLite, and nothing else."""
    hub = Hub(tmp_path, f"sqlite:///{tmp_path / 'hub.db'}")
    hub.write()
    return hub


@pytest.fixture
def hub(bare: Hub) -> Hub:
    """The same, once init was run."""
    bare.well("init")
    return bare


@pytest.fixture
def either(database_url: str, tmp_path: Path) -> Hub:
    """A hub that init was run for, once on each kind of database."""
    hub = Hub(tmp_path, database_url)
    hub.write()
    hub.well("init")
    return hub
