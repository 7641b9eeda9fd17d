"""A feed import that is killed at each point: the door has the old cache or the new one, whole."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.kill.conftest import OTHER_PIN, PIN
from tests.kill.running import KILLED, Running
from tests.kill.site import CARDS, Site, card, kioskd

pytestmark = pytest.mark.kill
POINTS = ("cache-built", "cache-switch", "cache-switched")
FEEDS = {OTHER_PIN: "other.jsonl", PIN: "feed.jsonl"}


@pytest.mark.parametrize("point", POINTS)
def test_an_import_that_is_killed(site: Site, folder: Path, point: str) -> None:
    fresh = map(card, count())
    pins = {False: PIN, True: OTHER_PIN}
    other = False  # which feed is in force
    running = site.run()
    for delta in (False, True, False):
        feed = folder / FEEDS[pins[not other]]
        assert site.stopping_import(point, feed, delta=delta) == KILLED
        running.kill_after(0)
        running = site.run()
        # A delta is one transaction; it is done, and on the disk, before its first point.
        other = not other if delta or point == "cache-switched" else other
        assert in_force(site, running, fresh) == {pins[other]}
    load(site, running, folder / FEEDS[pins[not other]])
    assert in_force(site, running, fresh) == {pins[not other]}
    assert len(list(site.storage.glob("credentials.*.db"))) == 1
    assert not list(site.storage.glob("credentials.*.building*"))
    assert site.faults() == []


def test_a_running_daemon_takes_no_half_of_an_import(site: Site, folder: Path) -> None:
    fresh = map(card, count())
    running = site.run()
    for point in POINTS:
        assert site.stopping_import(point, folder / "other.jsonl") == KILLED
        if point == "cache-switched":
            running.until(lambda: running.saw("cache.swept"), "new cache")
        expected = OTHER_PIN if point == "cache-switched" else PIN
        assert in_force(site, running, fresh) == {expected}
    assert site.faults() == []


def load(site: Site, running: Running, feed: Path) -> None:
    """An import to its end; waits until the daemon uses it."""
    before = len(running.events)
    done = kioskd("feed", "import", str(feed), "--config", str(site.config))
    assert done.returncode == 0, done.stderr
    assert f"{CARDS}" in done.stdout
    running.until(
        lambda: any(e["event"] == "cache.adopted" for e in running.events[before:]), "new cache"
    )


def in_force(site: Site, running: Running, fresh: Iterator[str]) -> set[str]:
    """Which of the PINs opens the door, for two cards that were not used yet."""
    found: set[str] = set()
    for number in (next(fresh), next(fresh)):
        found.update(pin for pin in FEEDS if site.enter(running, number, pin) == "granted")
    return found
