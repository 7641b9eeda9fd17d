"""A device for each test."""

from pathlib import Path

import pytest

from tests.hub_cache.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
