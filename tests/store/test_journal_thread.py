"""The journal as the daemon holds it: awaited, in one thread, and healed while it runs."""

import asyncio
import os
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from kioskd.access.lockout import Lockout
from kioskd.domain.decision import Reason
from kioskd.errors import StoreDamaged, StoreError, StoreReadOnly
from kioskd.store.journal import NoJournal, ThreadedJournal
from kioskd.store.journal_read import JournalReader
from kioskd.store.journal_start import Opened, mirror_of, open_journal
from tests.store.rig import NOW, ZONE, Rig, card, entry


class Held:
    """A threaded journal whose reopening a test can forbid."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.forbidden = False
        self.reopened = 0
        self.journal = ThreadedJournal(self._open(), directory, self._reopen)

    def _open(self) -> Opened:
        return open_journal(self.directory, ZONE, NOW, "id-start", None)

    def _reopen(self) -> Opened:
        self.reopened += 1
        if self.forbidden:
            raise StoreReadOnly("the medium takes no writes")
        return self._open()


@pytest.fixture
async def held(rig: Rig) -> AsyncIterator[Held]:
    made = Held(rig.directory)
    yield made
    made.journal.close()


async def spoil(journal: ThreadedJournal, path: Path) -> None:
    """Overwrite a database in use and its log, and have it read from the disk again."""
    for part in (path, path.with_name(f"{path.name}-wal")):
        with part.open("r+b") as file:
            file.write(os.urandom(part.stat().st_size))
    connection = journal.opened.file.connection
    await journal.run(lambda: connection.exec_driver_sql("PRAGMA shrink_memory").close())


async def test_an_awaited_append_is_on_the_disk(held: Held, rig: Rig) -> None:
    await held.journal.append(entry(1))
    assert [row["seq"] for row in rig.exported()] == [1, 2]
    assert held.journal.opened.file.head.seq == 2


async def test_commits_never_run_in_the_loop(held: Held) -> None:
    here = threading.get_ident()
    assert await held.journal.run(threading.get_ident) != here


async def test_entries_of_many_doors_form_one_chain(held: Held, rig: Rig) -> None:
    await asyncio.gather(*(held.journal.append(entry(n)) for n in range(50)))
    found = rig.verified()
    assert (found.broken, found.rows) == (None, 51)


async def test_the_last_grant_of_a_card(held: Held) -> None:
    assert held.journal.last_grant(card(1)) is None
    await held.journal.append(entry(1))
    await held.journal.append(entry(2, reason=Reason.EXPIRED))
    assert held.journal.last_grant(card(1)) == NOW
    assert held.journal.last_grant(card(2)) is None


async def test_a_journal_damaged_in_use_fails_one_entry_and_goes_on_anew(
    held: Held, rig: Rig
) -> None:
    await held.journal.append(entry(1))
    assert held.journal.last_grant(card(1)) == NOW  # a reader is open as well
    before = held.journal.opened.journal
    await spoil(held.journal, rig.path)
    with pytest.raises(StoreDamaged):
        await held.journal.append(entry(2))
    await held.journal.append(entry(3))
    assert held.journal.opened.journal != before
    assert held.journal.last_grant(card(1)) is None
    assert held.journal.last_grant(card(3)) == NOW
    assert held.reopened == 1
    assert len(list(rig.directory.glob("journal.damaged-*.db"))) == 1
    assert rig.verified().broken is None


def remove(directory: Path) -> None:
    for part in directory.glob("journal.db*"):
        part.unlink()


def remove_the_database(directory: Path) -> None:
    (directory / "journal.db").unlink()


def remove_the_log(directory: Path) -> None:
    (directory / "journal.db-wal").unlink()


def empty(directory: Path) -> None:
    os.truncate(directory / "journal.db", 0)


def replace_by_a_copy(directory: Path) -> None:
    copied = shutil.copy(directory / "journal.db", directory / "copy")
    Path(copied).replace(directory / "journal.db")


@pytest.mark.parametrize(
    ("act", "why", "kept"),
    [
        (remove, "missing", False),
        (remove_the_database, "damaged", True),
        (remove_the_log, "damaged", True),
        (empty, "damaged", True),
        (replace_by_a_copy, "damaged", True),
    ],
)
async def test_a_journal_taken_away_in_use_fails_one_entry_and_no_grant_is_lost_after_it(
    rig: Rig, act: Callable[[Path], None], why: str, kept: bool
) -> None:
    held = Held(rig.directory)
    await held.journal.append(entry(1))
    act(rig.directory)
    with pytest.raises(StoreDamaged, match="removed, emptied or replaced while in use"):
        await held.journal.append(entry(2))
    await held.journal.append(entry(3))
    held.journal.close()
    opened = rig.open()
    assert held.journal.opened.started == why
    assert bool(held.journal.opened.set_aside) is kept
    assert (opened.journal, opened.started) == (held.journal.opened.journal, "")
    found = rig.verified()
    assert (found.broken, found.rows) == (None, 2)
    assert [restart.why for restart in found.restarts] == [why]


async def test_a_charge_meets_a_journal_taken_away_as_well(held: Held, rig: Rig) -> None:
    remove(rig.directory)
    with pytest.raises(StoreDamaged):
        await held.journal.charge(card(1), Lockout(1, 0, NOW, "boot"))
    await held.journal.charge(card(1), Lockout(1, 0, NOW, "boot"))


async def test_what_was_written_before_the_log_was_taken_away_is_in_the_one_set_aside(
    held: Held, rig: Rig
) -> None:
    await held.journal.append(entry(1))
    remove_the_log(rig.directory)
    with pytest.raises(StoreDamaged):
        await held.journal.append(entry(2))
    (old,) = rig.directory.glob("journal.damaged-*.db")
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT id FROM event WHERE seq = 2").fetchone() == ("id-1",)


async def test_a_log_that_was_folded_in_is_still_the_same_journal(held: Held, rig: Rig) -> None:
    await held.journal.append(entry(1))
    connection = held.journal.opened.file.connection
    for how in ("TRUNCATE", "RESTART", "PASSIVE"):
        await held.journal.run(
            lambda how=how: connection.exec_driver_sql(f"PRAGMA wal_checkpoint({how})").close()  # type: ignore[misc]
        )
        await held.journal.append(entry(2))
    assert rig.verified().rows == 5
    assert held.reopened == 0


@pytest.mark.parametrize("at", ["yesterday", "2026-11-23T16:00:00", "0001-01-01T00:00:00Z"])
async def test_a_grant_of_a_damaged_time_is_none(held: Held, rig: Rig, at: str) -> None:
    await held.journal.append(entry(1))
    rig.sql("UPDATE event SET at = ?", (at,))
    assert held.journal.last_grant(card(1)) is None


async def test_a_charge_that_meets_damage_fails_too(held: Held, rig: Rig) -> None:
    await spoil(held.journal, rig.path)
    with pytest.raises(StoreDamaged):
        await held.journal.charge(card(1), Lockout(1, 0, NOW, "boot"))
    await held.journal.charge(card(1), Lockout(1, 0, NOW, "boot"))
    with closing(JournalReader(rig.directory)) as reader:
        assert set(reader.lockouts()) == {card(1)}


async def test_a_reopening_that_fails_is_tried_again_with_the_next_entry(
    held: Held, rig: Rig
) -> None:
    held.forbidden = True
    await spoil(held.journal, rig.path)
    with pytest.raises(StoreDamaged):
        await held.journal.append(entry(1))
    with pytest.raises(StoreReadOnly):
        await held.journal.append(entry(2))
    held.forbidden = False
    await held.journal.append(entry(3))
    assert rig.verified().rows == 2


async def test_a_journal_lost_for_good_can_still_be_closed(rig: Rig) -> None:
    held = Held(rig.directory)
    held.forbidden = True
    await spoil(held.journal, rig.path)
    with pytest.raises(StoreDamaged):
        await held.journal.append(entry(1))
    held.journal.close()


async def test_a_check_finds_damage_that_no_entry_meets(held: Held, rig: Rig) -> None:
    """Old rows are read by nobody for months."""
    for number in range(400):
        await held.journal.append(entry(number))
    await held.journal.check()
    await held.journal.run(
        lambda: held.journal.opened.file.connection.exec_driver_sql(
            "PRAGMA wal_checkpoint(TRUNCATE)"
        ).close()
    )
    data = bytearray(rig.path.read_bytes())
    leaf = data.index(b"id-5") // 4096 * 4096
    data[leaf : leaf + 8] = b"\xff" * 8
    with rig.path.open("r+b") as file:
        file.write(data)
    with pytest.raises(StoreDamaged):
        await held.journal.check()
    assert held.journal.opened.started == "damaged"
    await held.journal.append(entry(1))
    assert rig.verified().broken is None


async def test_what_was_asked_for_is_finished_before_the_file_is_closed(rig: Rig) -> None:
    held = Held(rig.directory)
    waiting = [asyncio.ensure_future(held.journal.append(entry(n))) for n in range(20)]
    await asyncio.sleep(0)
    held.journal.close()
    await asyncio.gather(*waiting)
    assert not rig.path.with_name("journal.db-wal").exists()
    assert rig.verified().rows == 21
    mirror = mirror_of(held.journal.opened)
    assert mirror.seq == 21


@pytest.mark.parametrize(
    "ask",
    [
        lambda journal: journal.append(entry(1)),
        lambda journal: journal.charge(card(1), Lockout(1)),
    ],
)
async def test_without_a_journal_nothing_is_recorded_and_everything_is_refused(
    ask: Callable[[NoJournal], "asyncio.Future[None]"],
) -> None:
    journal = NoJournal("the medium takes no writes")
    with pytest.raises(StoreError, match="takes no writes"):
        await ask(journal)
    assert journal.last_grant(card(1)) is None
