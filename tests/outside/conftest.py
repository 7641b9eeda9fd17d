"""Sites for the tests from outside: one that is made once, and copies of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.premises import Premises


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """A site with a key and a cache, on which no daemon ever runs."""
    premises = Premises(tmp_path_factory.mktemp("master"))
    premises.begin()
    return premises


@pytest.fixture
def premises(tmp_path: Path, master: Premises) -> Iterator[Premises]:
    """A site of the test's own; its daemon is not started yet."""
    yield from _opened(tmp_path, master)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, master: Premises) -> Iterator[Premises]:
    """One daemon for a whole module."""
    for premises in _opened(tmp_path_factory.mktemp("running"), master):
        premises.start()
        yield premises


def _opened(base: Path, master: Premises) -> Iterator[Premises]:
    premises = Premises(base)
    premises.begin_as(master)
    try:
        yield premises
    finally:
        premises.close()
