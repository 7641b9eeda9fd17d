"""Days on which cards were used: told once each, tied to no entry."""

import sqlite3
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.daemon.line_outbox import JournalOutbox
from kioskd.daemon.line_outbox_seal import SealedActivityBook
from kioskd.errors import StoreError, VaultError
from kioskd.store.retention import Forgotten
from kioskd.vault.keyring import Keyring
from sync.line_ports import OwedActivity
from tests.hub_cache.desk import Desk
from tests.store.rig import DAY, NOW, POLICY, Rig, entry

TODAY = date(2026, 11, 23)


# Activities


async def test_a_card_is_told_once_a_day_however_often_it_comes(desk: Desk) -> None:
    for ref in ("ref-1", "ref-2", "ref-1", "ref-1"):
        await desk.enters(ref)
    found = await desk.outbox.activities(9)
    assert {(one.ref, one.date) for one in found} == {
        ("ref-1", "2026-11-23"),
        ("ref-2", "2026-11-23"),
    }
    assert len(found) == 2
    await desk.outbox.told([one.key for one in found])
    assert await desk.outbox.activities(9) == []
    await desk.enters("ref-1")  # once more on the same day
    assert await desk.outbox.activities(9) == []
    await desk.enters("ref-1", TODAY + DAY)
    (tomorrow,) = await desk.outbox.activities(9)
    assert (tomorrow.ref, tomorrow.date) == ("ref-1", "2026-11-24")


async def test_what_was_told_leaves_nothing_once_another_day_has_begun(desk: Desk) -> None:
    await desk.enters("ref-1")
    await desk.enters("ref-2")
    await desk.outbox.told([one.key for one in await desk.outbox.activities(9)])
    assert len(desk.rig.sql("SELECT * FROM activity")) == 2
    await desk.enters("ref-1", TODAY + DAY)
    await desk.outbox.told([one.key for one in await desk.outbox.activities(9)])
    assert desk.rig.sql("SELECT day FROM activity") == [("2026-11-24",)]


async def test_an_activity_of_another_key_is_left_out(desk: Desk, tmp_path: Path) -> None:
    await desk.enters("ref-1")
    other = tmp_path / "other"
    other.mkdir()
    desk.book = SealedActivityBook(Keyring.create(other, bytes(32)))
    await desk.enters("ref-2")
    assert [one.ref for one in await desk.outbox.activities(9)] == ["ref-2"]
    assert await JournalOutbox(desk.directory, desk).activities(9) == []


async def test_the_row_and_its_activity_are_one_transaction(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.enters("ref-1")
    monkeypatch.setattr("kioskd.store.journal_file._COUNT", "INSERT INTO nowhere VALUES (?)")
    with pytest.raises(StoreError):
        await desk.enters("ref-2")
    assert [one.ref for one in await desk.outbox.activities(9)] == ["ref-1"]


async def test_after_delivery_no_byte_on_the_disk_ties_a_patron_to_an_entry(desk: Desk) -> None:
    """Before: only sealed, in an order that says nothing. After: not even that."""
    refs = [f"ref-{number:04}" for number in range(300)]
    for ref in refs:
        await desk.enters(ref)
    sealed = [bytes(row[0]) for row in desk.rig.sql("SELECT sealed FROM activity")]
    kept = _activity_rows(desk)
    assert kept == sorted(kept)  # by a key that is random to whoever has no outbox key
    assert not any(ref.encode() in desk.rig.everything() for ref in refs)
    assert all(one in desk.rig.everything() for one in sealed)

    found: list[OwedActivity] = []
    while more := await desk.outbox.activities(100):
        found += more
        await desk.outbox.told([one.key for one in more])
    assert sorted(one.ref for one in found) == refs
    await desk.outbox.events(1000)
    await desk.outbox.delivered(301, ())

    left = desk.rig.everything()
    assert not any(one in left or one[12:] in left for one in sealed)
    assert not any(ref.encode() in left for ref in refs)
    # What is left names a patron and a day to the outbox key alone, and no entry at all.
    columns = [row[1] for row in desk.rig.sql("PRAGMA table_info(activity)")]
    assert columns == ["key", "sealed", "day"]
    with pytest.raises(sqlite3.OperationalError, match="rowid"):
        desk.rig.sql("SELECT rowid FROM activity")


def _activity_rows(desk: Desk) -> list[bytes]:
    return [bytes(row[0]) for row in desk.rig.sql("SELECT key FROM activity")]


# Retention, and files of an earlier version


def test_what_no_hub_was_told_of_in_time_goes_and_is_counted(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    book = SealedActivityBook(Keyring.create(tmp_path, bytes(32)))
    for days in (0, 44, 46, 60):
        day = (NOW - days * DAY).date()
        rig.append(replace(entry(days), activity=book.owed(f"ref-{days}", day)))
    rig.file.connection.exec_driver_sql(
        "UPDATE activity SET sealed = x'' WHERE day = '2026-10-10'"  # told, 44 days ago
    )
    steps = list(rig.steps(NOW, POLICY))
    assert sum(step.activities for step in steps) == 2
    assert rig.sql("SELECT day FROM activity") == [("2026-11-23",)]
    assert Forgotten(0, 0).activities == 0
    rig.close()


def test_a_dead_row_goes_with_its_event(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.append(*(entry(n, NOW - 400 * DAY) for n in range(3)), entry(9))
    rig.file.connection.exec_driver_sql("INSERT INTO dead VALUES (2, 'no', ''), (5, 'no', '')")
    list(rig.steps(NOW, POLICY))
    assert rig.sql("SELECT seq FROM dead") == [(5,)]
    assert rig.verified().broken is None
    rig.close()


def test_a_journal_of_an_earlier_version_is_brought_here(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    before = rig.filled(3)
    for table in ("activity", "dead", "delivery"):
        rig.sql(f"DROP TABLE {table}")
    rig.sql("PRAGMA user_version = 1")
    rig.open()
    assert rig.sql("PRAGMA user_version") == [(2,)]
    assert rig.sql("SELECT count(*) FROM activity, dead, delivery") == [(0,)]
    rig.close()
    assert rig.verified().rows == before.rows


# Properties

_refs = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64)
_days = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> SealedActivityBook:
    return SealedActivityBook(Keyring.create(tmp_path_factory.mktemp("book"), bytes(32)))


@given(one=st.tuples(_refs, _days), other=st.tuples(_refs, _days))
def test_an_activity_has_one_name_and_opens_as_what_it_was(
    book: SealedActivityBook, one: tuple[str, date], other: tuple[str, date]
) -> None:
    owed, again = book.owed(*one), book.owed(*other)
    assert (owed.key == again.key) == (one == other)
    assert book.ref_of(owed.key, owed.sealed) == one[0]
    assert len(owed.key) == 16
    with pytest.raises(VaultError):
        book.ref_of(bytes(16), owed.sealed)
