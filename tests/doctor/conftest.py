"""A site with a key, a feed, a journal and devices that are there; no daemon runs on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.premises import Premises


@pytest.fixture(scope="session")
def master_site(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """A site with a key and a cache, made by the commands; it is only copied."""
    premises = Premises(tmp_path_factory.mktemp("doctor"))
    premises.begin()
    return premises


@pytest.fixture
def premises(tmp_path: Path, master_site: Premises) -> Iterator[Premises]:
    """A site of the test's own, with its devices plugged in."""
    premises = Premises(tmp_path)
    premises.begin_as(master_site)
    for wire in premises.wires:
        wire.plug()
    try:
        yield premises
    finally:
        premises.close()
