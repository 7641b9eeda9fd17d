"""Kills that nobody chose: half at a named point, half from outside, whenever it happens to be.

KIOSKD_KILLS says how many (`make kill`: 200), KIOSKD_KILL_SEED makes a run once more. All are
made on one storage directory, and after each the console command is started and held to account.
What is drawn is the same for the same seed; how far a daemon has come by then is not.
"""

import os
import secrets
import signal
import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.kill.chance import Chance
from tests.kill.conftest import OTHER_PIN as WRONG
from tests.kill.conftest import PIN
from tests.kill.running import KILLED
from tests.kill.site import COMMAND, Site, card

KILLS = int(os.environ.get("KIOSKD_KILLS") or "4")
SEED = int(os.environ.get("KIOSKD_KILL_SEED") or secrets.randbits(32))
PROGRESS_EVERY = 20
SECONDS_EACH = 30  # for pytest-timeout alone: a kill takes one or two
LOCKED = 5  # failures
POINTS = (
    "charged",
    "verified",
    "before-commit",
    "after-commit",
    "after-on-frame",
    "cache-built",
    "cache-switch",
    "cache-switched",
    "retention-persons",
    "retention-rows",
    "retention-checkpoint",
)
AT_START = frozenset({"retention-persons", "retention-rows", "retention-checkpoint"})
pytestmark = pytest.mark.kill


class Assault:
    """Kills on one site. `alive` is the console command, ready, before and after each."""

    def __init__(self, site: Site, feed: Path, chance: Chance) -> None:
        self._site = site
        self._feed = feed
        self._chance = chance
        self._fresh = map(card, count())
        self._cards = {PIN: next(self._fresh), WRONG: next(self._fresh)}
        self._alive = site.run()

    def at_a_point(self) -> str:
        """Kill at a named point."""
        point = self._chance.pick(POINTS)
        if point.startswith("cache-"):
            assert self._site.stopping_import(point, self._feed) == KILLED
            self._alive.kill_after(0)
            return point
        self._alive.kill_after(0)
        cut = self._site.stopping(point)
        if point in AT_START:
            assert cut.ended() == KILLED
            return point
        pin = PIN if point == "after-on-frame" else self._chance.pick((PIN, WRONG))
        assert self._site.cut_off(cut, self._cards[pin], pin) == KILLED
        return f"{point}, {'right' if pin == PIN else 'wrong'} PIN"

    def whenever(self) -> str:
        """Kill from outside, mostly in an entry."""
        do = self._chance.pick((*[self._in_an_entry] * 8, self._at_its_start, self._in_an_import))
        return do()

    def recover(self) -> list[str]:
        """Start the console command; what is wrong then. Locked cards must still be locked."""
        self._alive = self._site.run()
        found = self._site.faults()
        for pin, number in self._cards.items():
            if self._site.failures(number) >= LOCKED:
                if (told := self._site.enter(self._alive, number, "")) != "try-later":
                    found.append(f"a locked card is told {told}")
                self._cards[pin] = next(self._fresh)
        if (told := self._site.enter(self._alive, next(self._fresh), PIN)) != "granted":
            found.append(f"a good card is told {told}")
        return found

    def _in_an_entry(self) -> str:
        pin = self._chance.pick((PIN, WRONG))
        seconds = self._chance.between(0.0002, 0.8)  # the whole pulse, and most in its beginning
        number = self._cards[pin]
        self._alive.present(number, pin, self._site.index_of(number))
        self._alive.kill_after(seconds)
        return f"{seconds * 1000:.1f} ms after the last key, {'right' if pin == PIN else 'wrong'}"

    def _at_its_start(self) -> str:
        self._alive.kill_after(0)
        seconds = self._chance.between(0.02, 0.5)
        self._site.start().kill_after(seconds)
        return f"{seconds * 1000:.0f} ms after its start"

    def _in_an_import(self) -> str:
        seconds = self._chance.between(0.05, 0.6)
        command = [COMMAND, "feed", "import", str(self._feed), "--config", str(self._site.config)]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as importing:
            self._alive.kill_after(seconds)
            os.killpg(importing.pid, signal.SIGKILL)
        return f"{seconds * 1000:.0f} ms after the start of an import"


@pytest.mark.timeout(60 + SECONDS_EACH * KILLS)
def test_random_kills(site: Site, folder: Path, tell: Callable[[str], None]) -> None:
    tell(f"{KILLS} kills, KIOSKD_KILL_SEED={SEED}")
    assault = Assault(site, folder / "feed.jsonl", Chance(SEED))
    for number in range(1, KILLS + 1):
        killed = assault.at_a_point() if number % 2 else assault.whenever()
        found = assault.recover()
        assert found == [], f"kill {number} of KIOSKD_KILL_SEED={SEED}: {killed}"
        if number % PROGRESS_EVERY == 0:
            tell(f"{number} of {KILLS} kills: {summary(site)}")


def summary(site: Site) -> str:
    """How much has happened, so that a run in which nothing does can be told."""
    releases = sum(len(life.releases()) for life in site.lives)
    book = site.book()
    granted = sum(row.granted for row in book.decided)
    return (
        f"{len(site.lives)} daemons, {releases} releases, {granted} grants, "
        f"{len(book.decided) - granted} denials, no fault"
    )


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """A line for whoever watches, at once."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", end="", flush=True)

    return line
