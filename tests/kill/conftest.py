"""Sites to kill daemons on: each a copy of one that has a key and a loaded cache."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kill.site import Site, kioskd, write_config, write_feed

PIN, OTHER_PIN = "1234", "567890"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a device key, two feeds and the cache of the first."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "storage").mkdir()
    config = write_config(folder)
    feed = write_feed(folder / "feed.jsonl", PIN)
    write_feed(folder / "other.jsonl", OTHER_PIN)
    for command in (("keygen", "--out", f"{folder}/device.key"), ("feed", "import", str(feed))):
        done = kioskd(*command, "--config", str(config))
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(prepared, tmp_path / "site"))


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    """A site where nothing has happened yet."""
    with Site(folder) as site:
        yield site
