"""A full disk under an import: a clear message, the old cache as it was, nothing left behind."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from kioskd.config.load import load
from kioskd.daemon.import_run import run_import
from kioskd.errors import StoreError, StoreFull

if TYPE_CHECKING:
    from tests.cache.conftest import Site

LIMITED_WORKER = """
import resource, signal, sys
from kioskd.daemon.import_worker import main

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
sys.exit(main([sys.argv[1]]))
"""


@pytest.fixture
def small_disk(site: Site) -> Iterator[Site]:
    """The site's storage directory on a file system of 4 MB."""
    image = site.home / "disk.img"
    with image.open("wb") as file:
        file.truncate(4 << 20)
    site.directory.mkdir()
    mkfs = shutil.which("mkfs.ext4") or shutil.which("mkfs.ext4", path="/usr/sbin:/sbin")
    if mkfs is None or not _ran(mkfs, "-q", "-m", "0", str(image)):
        pytest.skip("needs mkfs.ext4")
    if not _ran("mount", "-o", "loop", str(image), str(site.directory)):
        pytest.skip("needs to mount a loop device, as root can")
    yield site
    _ran("umount", str(site.directory))


def test_a_full_disk_is_told_and_the_old_cache_stays(small_disk: Site) -> None:
    site = small_disk
    site.load(site.feed(site.rows(1000)))
    before = site.files()
    with pytest.raises(StoreFull, match=r"no space left; free some .*the cache is as it was"):
        site.load(site.feed(site.rows(40_000)))
    assert site.files() == before
    assert len(site.known(range(2000))) == 1000
    with pytest.raises(StoreFull, match="no space left"):
        site.load(site.feed(site.rows(40_000)), delta=True)
    assert len(site.known(range(2000))) == 1000
    assert site.load(site.feed(site.rows(1200))).credentials == 1200


def test_a_file_that_may_not_grow_leaves_the_old_cache(
    site: Site, python: Callable[..., list[str]]
) -> None:
    site.load(site.feed(site.rows(1000)))
    before = site.files()
    for limit in (64_000, 150_000, 400_000):
        request = site.command(site.feed(site.rows(8000)))
        done = subprocess.run(
            python(LIMITED_WORKER, request, str(limit)), capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (2, b"")
        assert b'"type":"refused"' in done.stdout.splitlines()[-1]
        assert site.files() == before
    assert len(site.known(range(2000))) == 1000


def test_a_directory_that_cannot_be_made_is_named(site: Site) -> None:
    site.directory.write_text("a file stands where the directory should be")
    with pytest.raises(StoreError, match=str(site.directory)):
        run_import(site.request(site.feed(site.rows(1))), load(site.config_file))


def _ran(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0
