"""Retention that is killed at each point: the chain verifies, and the next start finishes it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kioskd.clock.system import SystemClock
from kioskd.daemon.keys import no_keys
from kioskd.domain.decision import DecidedBy, Decision, Reason
from kioskd.domain.record import Kind, Record
from kioskd.store.journal_read import JournalReader, Verified
from kioskd.store.journal_start import open_journal
from kioskd.store.state import StateDatabase
from tests.kill.conftest import PIN
from tests.kill.running import KILLED
from tests.kill.site import Site, card

pytestmark = pytest.mark.kill
# Days ago -> how many entries. 14 days for a person, 365 for a row; 500 at once.
ENTRIES = {400: 1100, 20: 30, 2: 20}
OLD_ROWS = 1100 + 1  # and the row that the journal began with
OLD_PERSONS = 1100 + 30


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    """A site with more than a year behind it, at which retention never ran."""
    fill_journal(folder / "storage", datetime.now(UTC))
    # Without it every door would be locked down: what stood in it would be gone.
    StateDatabase(folder / "storage", no_keys("not needed here").unseal_state).close()
    with Site(folder) as site:
        yield site


@pytest.mark.parametrize(
    ("point", "passings"),
    [
        ("retention-persons", (1, 2, 1)),
        ("retention-rows", (1, 2, 2)),
        ("retention-checkpoint", (1, 1, 1)),
    ],
)
def test_retention_that_is_killed(site: Site, point: str, passings: tuple[int, ...]) -> None:
    before = counts_of(site)
    for nth in passings:
        cut = site.stopping(point, nth)
        assert cut.ended() == KILLED
        assert cut.life.told.count(point) == nth
        assert site.faults() == []
    after = site.run()
    after.until(lambda: after.saw("retention.done"), "end of retention")
    assert verified(site).anchored == OLD_ROWS
    assert verified(site).erased == ENTRIES[20]
    assert verified(site).persons == ENTRIES[2]
    assert counts_of(site) == before
    assert site.enter(after, card(0), PIN) == "granted"
    assert site.faults() == []


def test_a_kill_undoes_the_batch_that_it_falls_into(site: Site) -> None:
    assert site.stopping("retention-persons", 1).ended() == KILLED
    assert verified(site).erased == 0
    assert site.stopping("retention-persons", 2).ended() == KILLED
    assert verified(site).erased == 500
    assert site.stopping("retention-rows", 1).ended() == KILLED
    assert (verified(site).erased, verified(site).anchored) == (OLD_PERSONS, 0)
    assert site.stopping("retention-rows", 2).ended() == KILLED
    assert verified(site).anchored == 500
    assert site.faults() == []


def fill_journal(directory: Path, now: datetime) -> None:
    """Entries of long ago and of lately, written as the daemon writes them."""
    start = now - timedelta(days=max(ENTRIES))
    clock = SystemClock()
    opened = open_journal(directory, ZoneInfo("Europe/Helsinki"), start, clock.new_id(), None)
    for days, entries in ENTRIES.items():
        for number in range(entries):
            opened.file.append(
                Record(
                    clock.new_id(),
                    now - timedelta(days=days, seconds=-number),
                    Kind.ENTRY_DECIDED,
                    door="front",
                    decision=Decision(Reason.OK),
                    decided_by=DecidedBy.CACHE,
                    card=number.to_bytes(16, "big"),
                )
            )
    opened.file.close()


def verified(site: Site) -> Verified:
    """What verify counts; anchors are checked by the command, in the faults."""
    with closing(JournalReader(site.storage)) as reader:
        return reader.verify(None)


def counts_of(site: Site) -> int:
    """All the entries that were ever counted."""
    with closing(JournalReader(site.storage)) as reader:
        return sum(n for *_, n in reader.tallies("0000-00-00", "9999-99-99"))
