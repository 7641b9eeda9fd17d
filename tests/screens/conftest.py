"""A socket of the test's own, with a doorkeeper who serves it or does not yet."""

from pathlib import Path

import pytest

from tests.screens.doorkeeper import Doorkeeper


@pytest.fixture
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Doorkeeper:
    """Not serving yet. A short path: a socket's has at most 107 bytes."""
    return Doorkeeper(tmp_path_factory.mktemp("s") / "s")


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """A socket that is not there."""
    return tmp_path / "none"
