"""A command that root starts works as the user whose storage directory it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kioskd.daemon.privileges import drop_to_owner

if TYPE_CHECKING:
    from tests.cache.conftest import Site

NOBODY = 65534
# The worker, after an import of root's own: every module is then in memory, wherever the
# interpreter is installed and whoever may read it there.
WORKER = """
import sys
from kioskd.daemon.import_worker import main
assert main([sys.argv[1]]) == 0
sys.exit(main([sys.argv[2]]))
"""
TRY_TO_RETURN = """
import os, sys
from pathlib import Path
from kioskd.daemon.privileges import drop_to_owner
drop_to_owner(Path(sys.argv[1]))
try:
    os.setuid(0)
except PermissionError:
    print(os.getresuid(), os.getresgid(), 0 in os.getgroups())
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")


@pytest.fixture
def shared(site: Site) -> Iterator[Site]:
    """A site whose storage directory and key are somebody else's.

    In a directory of its own: the directories of tests may be entered by their user alone.
    """
    home = Path(tempfile.mkdtemp(prefix="kioskd-"))
    home.chmod(0o755)
    found = type(site)(home)
    found.directory.mkdir()
    for path in (found.directory, found.key_file):
        os.chown(path, NOBODY, NOBODY)
    found.config_file.chmod(0o644)
    yield found
    shutil.rmtree(home)


def _worked(site: Site, feed: Path, python: Callable[..., list[str]]) -> tuple[int, Any]:
    """Exit code and last event of an import by root, as the owner of the directory."""
    home = site.home / "of-root"
    home.mkdir()
    own = type(site)(home)
    command = python(WORKER, own.command(own.feed(own.rows(1))), site.command(feed))
    done = subprocess.run(command, capture_output=True, check=False)
    assert not done.stderr, done.stderr.decode()
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


@needs_root
def test_root_imports_as_the_owner_of_the_storage_directory(
    shared: Site, python: Callable[..., list[str]]
) -> None:
    feed = shared.feed(shared.rows(3))
    feed.chmod(0o644)
    code, event = _worked(shared, feed, python)
    assert (code, event["type"], event["loaded"]) == (0, "done", 3)
    assert {path.stat().st_uid for path in shared.directory.iterdir()} == {NOBODY}


@needs_root
def test_a_feed_that_only_root_can_read_is_told_with_the_way_out(
    shared: Site, python: Callable[..., list[str]]
) -> None:
    feed = shared.feed(shared.rows(3))
    feed.chmod(0o600)
    code, event = _worked(shared, feed, python)
    assert (code, event["type"]) == (2, "refused")
    assert "may not be read by user 65534" in event["message"]
    assert "kioskd feed import -" in event["message"]


@needs_root
def test_root_does_not_come_back(shared: Site, python: Callable[..., list[str]]) -> None:
    command = python(TRY_TO_RETURN, str(shared.directory))
    done = subprocess.run(command, capture_output=True, check=True)
    ids = f"({NOBODY}, {NOBODY}, {NOBODY})"
    assert done.stdout.decode().strip() == f"{ids} {ids} False"


def test_nothing_changes_for_a_directory_of_one_s_own(site: Site) -> None:
    site.directory.mkdir()
    before = os.getresuid()
    drop_to_owner(site.directory)
    drop_to_owner(site.home / "not there yet")
    assert os.getresuid() == before
