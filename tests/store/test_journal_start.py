"""What a start finds: nothing, a sound journal, a damaged one, an older copy, a newer schema."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from kioskd.access.lockout import Lockout
from kioskd.errors import StoreDamaged, StoreError
from kioskd.store import journal_start
from kioskd.store.journal_file import lockouts
from kioskd.store.journal_start import CONDEMNED, Mirror, condemn
from tests.store.rig import DAY, NOW, Rig, card, entry


def aside(rig: Rig) -> list[Path]:
    return sorted(rig.directory.glob("journal.damaged-*.db"))


def started_by(rig: Rig) -> dict[str, object]:
    """The detail of the last row that began a chain."""
    row = [r for r in rig.exported() if r["kind"] == "journal.started"][-1]
    detail = row["detail"]
    assert isinstance(detail, dict)
    return detail


def written(rig: Rig, count: int = 10) -> Mirror:
    """A journal of so many entries, closed; what its last row was."""
    rig.append(*(entry(n) for n in range(count)))
    mirror = rig.mirror()
    rig.close()
    return mirror


def test_a_sound_journal_goes_on(rig: Rig) -> None:
    mirror = written(rig)
    opened = rig.open(mirror)
    assert (opened.started, opened.journal, opened.newest_trusted) == ("", mirror.journal, NOW)
    rig.append(entry(1))
    assert rig.verified().rows == 12


def _garbage(path: Path) -> None:
    path.write_bytes(b"garbage " * 4096)


def _no_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _no_event(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE event")
    connection.close()


def _no_last_hash(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE event SET hash = 7 WHERE seq = 11")
    connection.close()


def _not_text(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE event SET hash = CAST(x'ff' AS TEXT) WHERE seq = 11")
    connection.close()


@pytest.mark.parametrize("damage", [_garbage, _no_pages, _cut, _no_event, _no_last_hash, _not_text])
def test_a_damaged_journal_is_set_aside_and_named(rig: Rig, damage: Callable[[Path], None]) -> None:
    mirror = written(rig)
    damage(rig.path)
    damaged = rig.path.read_bytes()
    opened = rig.open(mirror)
    assert opened.started == "damaged"
    (old,) = aside(rig)
    assert old.read_bytes() == damaged, "evidence is kept as it was found"
    detail = started_by(rig)
    assert (detail["why"], detail["set_aside"]) == ("damaged", old.name)
    previous = detail["previous"]
    assert isinstance(previous, dict)
    assert (previous["journal"], previous["seq"]) == (mirror.journal, mirror.seq)
    assert previous["hash"] == mirror.hash
    assert opened.journal != mirror.journal
    rig.append(entry(1))
    assert rig.verified().broken is None


def test_the_old_journals_last_words_are_newer_than_an_hourly_mirror(rig: Rig) -> None:
    rig.append(entry(1))
    hourly = rig.mirror()
    last = written(rig)
    condemn(rig.directory)
    rig.open(hourly)
    assert started_by(rig)["previous"] == {
        "journal": last.journal,
        "seq": last.seq,
        "hash": last.hash,
    }


def test_without_a_mirror_the_damaged_file_still_says_what_it_was(rig: Rig) -> None:
    last = written(rig)
    condemn(rig.directory)
    rig.open()
    previous = started_by(rig)["previous"]
    assert isinstance(previous, dict)
    assert previous["journal"] == last.journal


def test_a_condemned_journal_is_set_aside_once(rig: Rig) -> None:
    written(rig)
    condemn(rig.directory)
    assert rig.open().started == "damaged"
    assert not (rig.directory / CONDEMNED).exists()
    assert rig.open().started == ""
    assert len(aside(rig)) == 1


def test_two_damaged_journals_are_both_kept(rig: Rig) -> None:
    for _ in range(2):
        written(rig)
        _garbage(rig.path)
        rig.open()
    assert len(aside(rig)) == 2


def test_a_vanished_journal_is_noticed(rig: Rig) -> None:
    mirror = written(rig)
    rig.path.unlink()
    opened = rig.open(mirror)
    assert (opened.started, aside(rig)) == ("missing", [])
    detail = started_by(rig)
    assert (detail["why"], detail["journal"]) == ("missing", opened.journal)
    previous = detail["previous"]
    assert isinstance(previous, dict)
    assert previous["journal"] == mirror.journal


def test_an_emptied_journal_is_a_vanished_one(rig: Rig) -> None:
    mirror = written(rig)
    rig.path.write_bytes(b"")
    assert rig.open(mirror).started == "missing"


def test_a_condemned_journal_of_which_nothing_is_left_is_a_vanished_one(rig: Rig) -> None:
    written(rig)
    condemn(rig.directory)
    rig.path.write_bytes(b"")
    opened = rig.open()
    assert (opened.started, opened.set_aside, aside(rig)) == ("missing", "", [])
    assert "set_aside" not in started_by(rig)
    assert rig.open().started == ""


@pytest.mark.parametrize("left", [None, b""], ids=["gone", "empty"])
def test_a_log_without_its_database_is_kept(rig: Rig, left: bytes | None) -> None:
    """SQLite would delete it: whatever was not folded in yet is in there."""
    rig.append(entry(1))
    assert rig.opened is not None
    log = rig.path.with_name(f"{rig.path.name}-wal")
    kept = log.read_bytes()
    rig.close()
    rig.path.unlink()
    log.write_bytes(kept)
    if left is not None:
        rig.path.write_bytes(left)
    assert rig.open().started == "damaged"
    (old,) = rig.directory.glob("journal.damaged-*.db-wal")
    assert old.read_bytes() == kept


def test_an_older_copy_put_back_goes_on_under_a_new_id(rig: Rig, tmp_path: Path) -> None:
    rig.append(*(entry(n, NOW - 400 * DAY) for n in range(3)), entry(4))
    rig.retention()
    rig.close()
    copy = shutil.copy(rig.path, tmp_path / "copy.db")
    mirror = written(rig)
    shutil.copy(copy, rig.path)
    opened = rig.open(mirror)
    assert opened.started == "restored"
    assert opened.journal != mirror.journal
    previous = started_by(rig)["previous"]
    assert isinstance(previous, dict)
    assert previous["seq"] == mirror.seq
    found = rig.verified()
    assert (found.broken, found.anchored) == (None, 4), "its older anchors still hold"
    assert rig.open(rig.mirror()).started == ""


def test_another_history_of_the_same_length_is_noticed(rig: Rig) -> None:
    mirror = written(rig)
    forged = Mirror(mirror.journal, mirror.seq - 2, "0" * 64)
    assert rig.open(forged).started == "restored"


def test_a_journal_that_never_got_its_first_row_begins_again(rig: Rig) -> None:
    rig.open()
    rig.close()
    rig.sql("DELETE FROM event")
    assert rig.open().started == "new"
    assert rig.verified().broken is None


def test_a_row_of_an_unreadable_time_does_not_stop_the_start(rig: Rig) -> None:
    written(rig, 3)
    rig.sql("UPDATE event SET at = 'yesterday' WHERE seq = 4")
    rig.sql("UPDATE event SET at = '2026-11-23T16:00:00' WHERE seq = 3")
    assert rig.open().newest_trusted == NOW
    assert rig.verified().broken == 3


def test_an_unreadable_attempt_does_not_stop_the_start(rig: Rig) -> None:
    rig.file.charge(card(1), Lockout(1, 0, NOW, "boot"))
    rig.file.charge(card(2), Lockout(1, 0, NOW, "boot"))
    rig.close()
    rig.sql("UPDATE attempt SET failures = 'many' WHERE card = ?", (card(1),))
    rig.sql("UPDATE attempt SET last_failure = 'x' WHERE card = ?", (card(2),))
    assert lockouts(rig.file.connection) == {card(2): Lockout(1, 0, None, "boot")}


@pytest.mark.parametrize(
    "change",
    ["step = -126", "step = 101", "failures = -1", "failures = 9223372036854775807"],
)
def test_counts_that_no_ladder_has_are_no_attempt(rig: Rig, change: str) -> None:
    rig.file.charge(card(1), Lockout(1, 0, NOW, "boot"))
    rig.sql(f"UPDATE attempt SET {change}")  # noqa: S608
    assert lockouts(rig.file.connection) == {}


@pytest.mark.parametrize("until", ["9e999", "-9e999", "1e300", "-1.0", "'soon'"])
def test_a_lockout_without_a_time_of_its_boot_goes_by_its_wall_time(rig: Rig, until: str) -> None:
    rig.file.charge(card(1), Lockout(5, 1, NOW, "boot", 60.0, NOW + DAY))
    rig.sql(f"UPDATE attempt SET until_boot = {until}")  # noqa: S608
    assert lockouts(rig.file.connection) == {card(1): Lockout(5, 1, NOW, "", 0.0, NOW + DAY)}


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"])
def test_a_time_that_no_clock_says_is_no_time(rig: Rig, at: str) -> None:
    rig.file.charge(card(1), Lockout(1, 0, NOW, "boot"))
    mirror = written(rig, 3)
    rig.sql("UPDATE event SET at = ? WHERE seq = 4", (at,))
    rig.sql("UPDATE attempt SET last_failure = ?", (at,))
    assert rig.open(mirror).newest_trusted == NOW
    assert lockouts(rig.file.connection) == {card(1): Lockout(1, 0, None, "boot")}


@pytest.mark.parametrize("former", ["[" * 100_000, '["\\ud800", 7, "old"]', "{", '{"a": 1}'])
def test_damaged_former_ids_stop_neither_the_start_nor_verify(rig: Rig, former: str) -> None:
    rig.append(*(entry(n, NOW - 400 * DAY) for n in range(3)), entry(4))
    rig.retention()
    rig.sql("INSERT OR REPLACE INTO meta VALUES ('former', ?)", (former,))
    mirror = written(rig)
    assert rig.open(Mirror("another", mirror.seq, mirror.hash)).started == "restored"
    assert rig.verified().broken is None


def test_a_newer_schema_is_refused_and_left_alone(rig: Rig) -> None:
    written(rig)
    rig.sql("PRAGMA user_version = 3")
    with pytest.raises(StoreError, match=r"newer kioskd \(schema 3, this one knows 2\); install"):
        rig.open()
    assert aside(rig) == []


def test_a_directory_that_takes_no_files_is_told(tmp_path: Path) -> None:
    missing = Rig(tmp_path / "missing")
    with pytest.raises(StoreError, match=r"journal\.db"):
        missing.open()


def test_a_large_journal_is_not_read_whole_at_the_start(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of a big file is made beside the doors (ThreadedJournal.check)."""
    written(rig)

    def refuse(*_: object) -> None:
        raise StoreDamaged("it was read")

    monkeypatch.setattr(journal_start, "whole", refuse)
    monkeypatch.setattr(journal_start, "CHECKED_AT_START_BYTES", rig.path.stat().st_size - 1)
    assert rig.open().started == ""
    monkeypatch.setattr(journal_start, "CHECKED_AT_START_BYTES", rig.path.stat().st_size)
    with pytest.raises(StoreDamaged, match="it was read"):
        rig.open()
