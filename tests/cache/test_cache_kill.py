"""SIGKILL at the named points of an import leaves the old or the new cache whole."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from kioskd.errors import InputError
from kioskd.store import generations

if TYPE_CHECKING:
    from tests.cache.conftest import Site

# The worker itself, with a checkpoint that ends its process as a power cut would.
KILLED_WORKER = """
import os, signal, sys
from kioskd.daemon.import_worker import main

def checkpoint(name):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

sys.exit(main([sys.argv[1]], checkpoint))
"""
OLD, NEW = list(range(10)), list(range(5, 15))


@pytest.fixture
def killed_at(python: Callable[..., list[str]]) -> Callable[[str, str], None]:
    def kill(request: str, point: str) -> None:
        done = subprocess.run(
            python(KILLED_WORKER, request, point), capture_output=True, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()

    return kill


@pytest.mark.parametrize(
    ("point", "left"), [("cache-built", OLD), ("cache-switch", OLD), ("cache-switched", NEW)]
)
def test_a_full_feed_killed_at_a_point(
    site: Site, killed_at: Callable[[str, str], None], point: str, left: list[int]
) -> None:
    site.load(site.feed(site.rows(10)))
    feed = site.feed(site.rows(10, first=5), "second.jsonl")
    killed_at(site.command(feed), point)
    assert site.known(range(20)) == left
    site.load(feed)
    assert site.known(range(20)) == NEW
    assert len(site.databases()) == 1
    assert not [name for name in site.files() if "building" in name]


@pytest.mark.parametrize("point", ["cache-built", "cache-switch"])
def test_a_first_feed_killed_before_its_switch(
    site: Site, killed_at: Callable[[str, str], None], point: str
) -> None:
    feed = site.feed(site.rows(3))
    killed_at(site.command(feed), point)
    door = site.open()
    assert not door.cache.state().readable
    assert "feed import" in str(door.cache.fault)
    assert generations.read_current(site.directory) is None
    site.load(feed)
    assert site.known(range(4)) == [0, 1, 2]


@pytest.mark.parametrize("point", ["cache-built", "cache-switch", "cache-switched"])
def test_a_delta_killed_at_a_point_is_there_as_a_whole(
    site: Site, killed_at: Callable[[str, str], None], point: str
) -> None:
    site.load(site.feed(site.rows(10)))
    rows = [{"card": site.card(n), "deleted": True} for n in range(5)] + site.rows(5, first=10)
    delta = site.feed(rows, "delta.jsonl")
    killed_at(site.command(delta, delta=True), point)
    assert site.known(range(20)) == NEW
    door = site.open()
    assert door.cache.state().credentials == 10
    door.cache.close()
    site.load(delta, delta=True)
    assert site.known(range(20)) == NEW


def test_a_killed_import_holds_no_lock(site: Site, killed_at: Callable[[str, str], None]) -> None:
    site.load(site.feed(site.rows(3)))
    killed_at(site.command(site.feed(site.rows(3))), "cache-built")
    with (
        generations.import_lock(site.directory),
        pytest.raises(InputError),
        generations.import_lock(site.directory),
    ):
        pass
