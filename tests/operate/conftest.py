"""A running site and its control socket, with the real program."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.premises import Premises


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """A site with a key and a cache, on which no daemon ever runs."""
    premises = Premises(tmp_path_factory.mktemp("origin"))
    premises.begin()
    return premises


@pytest.fixture
def premises(tmp_path: Path, origin: Premises) -> Iterator[Premises]:
    """A site of the test's own; its daemon is not started yet."""
    premises = Premises(tmp_path)
    premises.begin_as(origin)
    try:
        yield premises
    finally:
        premises.close()
