"""A site with a key, a feed, a journal and devices that are there; no daemon runs on it."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.doctor.somebody import SOMEBODY, as_account
from tests.outside.premises import Premises

Run = Callable[..., "subprocess.CompletedProcess[str]"]


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


@pytest.fixture
def shared(master_site: Premises) -> Iterator[Premises]:
    """A site in a directory that everybody may enter; the storage is its owner's alone."""
    home = Path(tempfile.mkdtemp(prefix="kioskd-"))
    home.chmod(0o755)
    premises = Premises(home)
    premises.begin_as(master_site)
    premises.config.chmod(0o644)
    try:
        yield premises
    finally:
        premises.close()
        shutil.rmtree(home)


@pytest.fixture
def as_somebody(shared: Premises, master_site: Premises) -> Run:
    """Runs a command over the shared site as an account with no rights at all."""
    return partial(as_account, SOMEBODY, master_site.config, shared.config)


@pytest.fixture
def by_root(shared: Premises, master_site: Premises) -> Run:
    """Runs a command over the shared site as root, who becomes the owner of its storage."""
    return partial(as_account, 0, master_site.config, shared.config)
