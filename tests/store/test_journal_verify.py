"""What verify says of a journal that somebody erased from, deleted from, or changed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.errors import StoreDamaged, StoreError
from kioskd.store.journal_read import Verified
from kioskd.store.journal_start import Mirror
from kioskd.store.journal_verify import Restart
from kioskd.store.retention import erase
from tests.store.rig import DAY, NOW, Rig, card, chain_of, entry, mac, other_mac

CHAINED = ("id", "at", "kind", "door", "decision", "reason", "decided_by", "detail")


def verdict(rig: Rig) -> Verified:
    rig.close()
    return rig.verified()


def test_erased_anchored_broken(rig: Rig) -> None:
    """The story of one journal: a card erased, old rows deleted, one byte changed."""
    rig.append(*(entry(n, NOW - 400 * DAY) for n in range(5)))
    rig.append(*(entry(n) for n in range(5, 20)))
    assert erase(rig.file.connection, rig.path, card(12)) == 1
    assert rig.retention().rows == 6
    found = rig.verified()
    assert (found.broken, found.rows, found.anchored) == (None, 15, 6)
    assert (found.persons, found.erased, found.anchors_checked) == (14, 1, True)
    rows = rig.exported()
    assert chain_of(rows) == [row["hash"] for row in rows]
    rig.close()
    rig.path.write_bytes(rig.path.read_bytes().replace(b"id-12", b"id-72"))
    found = rig.verified()
    assert found.broken == 14
    assert "changed" in found.why


def test_verify_names_the_rows_before_which_others_were_lost(rig: Rig, tmp_path: Path) -> None:
    rig.filled()
    copy = shutil.copy(rig.path, tmp_path / "copy.db")
    rig.open()
    rig.append(entry(50))
    mirror = rig.mirror()
    rig.close()
    shutil.copy(copy, rig.path)
    rig.open(mirror)
    found = rig.verified()
    assert found.broken is None
    assert found.restarts == [Restart(22, "2026-11-23T16:00:00.000000Z", "restored")]
    rig.close()
    rig.path.unlink()
    rig.open(mirror)
    assert [(r.seq, r.why) for r in rig.verified().restarts] == [(1, "missing")]


def test_a_chain_that_lost_nothing_names_no_row(rig: Rig) -> None:
    rig.filled()
    rig.open()
    assert rig.verified().restarts == []


@pytest.mark.parametrize("column", [*CHAINED, "by", "personal", "hash"])
def test_a_changed_column_breaks_the_chain_at_its_row(rig: Rig, column: str) -> None:
    rig.filled()
    change = f'''UPDATE event SET "{column}" = coalesce("{column}", '') || ' ' WHERE seq = 9'''  # noqa: S608
    rig.sql(change)
    assert verdict(rig).broken == 9


@pytest.mark.parametrize("value", [7, 1.5, b"\xff", b'{"cache_age_s":9}'])
@pytest.mark.parametrize("column", ["detail", "id", "door", "hash", "personal"])
def test_a_column_of_another_type_is_a_broken_row(rig: Rig, column: str, value: object) -> None:
    rig.filled()
    # A text column turns numbers into text, but a damaged header does not: numbers come as blobs.
    rig.sql(f"UPDATE event SET {column} = ? WHERE seq = 9", (value,))  # noqa: S608
    assert verdict(rig).broken == 9


@pytest.mark.parametrize("text", [b"[", b"[" * 9000, b"[]", b'{"b":1,"a":2}', b'"\\ud8"', b"\xff"])
def test_a_detail_that_no_append_writes_is_a_broken_row(rig: Rig, text: bytes) -> None:
    rig.filled()
    rig.sql("UPDATE event SET detail = CAST(? AS TEXT) WHERE seq = 9", (text,))
    found = verdict(rig)
    assert (found.broken, found.rows) == (9, 8)
    with pytest.raises(StoreDamaged, match=r"row 9 cannot be read.*journal verify|damaged"):
        rig.exported()


def test_the_same_detail_written_otherwise_is_a_change(rig: Rig) -> None:
    rig.append(entry(1, detail={"x": 1e-7}))
    rig.sql("""UPDATE event SET detail = '{"x":1E-07}' WHERE seq = 2""")
    assert verdict(rig).broken == 2


_COPY = (
    "INSERT INTO event SELECT 22, id, at, kind, door, decision, reason, decided_by, by, detail, "
    "personal, hash, trusted FROM event WHERE seq = 21"
)
CHANGES: dict[str, tuple[str, int]] = {
    "another card": ("UPDATE journal_person SET card = zeroblob(16) WHERE seq = 9", 9),
    "a card of a strange type": ("UPDATE journal_person SET card = 1 << 60 WHERE seq = 9", 9),
    "no card": ("UPDATE journal_person SET card = NULL WHERE seq = 9", 9),
    "an item": ("UPDATE journal_person SET item = 'x' WHERE seq = 9", 9),
    "a strange item": ("UPDATE journal_person SET item = 5 WHERE seq = 9", 9),
    "another salt": ("UPDATE journal_person SET salt = zeroblob(32) WHERE seq = 9", 9),
    "a salt of a strange type": ("UPDATE journal_person SET salt = 5 WHERE seq = 9", 9),
    "a person moved": ("UPDATE journal_person SET seq = 1 WHERE seq = 8", 1),
    "a person added": ("INSERT INTO journal_person VALUES (1, zeroblob(32), NULL, NULL, 1)", 1),
    "a row deleted": ("DELETE FROM event WHERE seq = 9", 9),
    "the first row deleted": ("DELETE FROM event WHERE seq = 1", 1),
    "rows swapped": ("UPDATE event SET seq = -seq WHERE seq IN (8, 9)", 1),
    "a row moved to the end": ("UPDATE event SET seq = 22 WHERE seq = 9", 9),
    "a row added": (_COPY, 22),
    "another id of the journal": ("UPDATE meta SET value = 'x' WHERE key = 'journal'", 1),
    "no id of the journal": ("DELETE FROM meta", 1),
    "a table gone": ("DROP TABLE anchor", 1),
    "a column gone": ("ALTER TABLE event RENAME COLUMN reason TO why", 1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_by_hand_is_found_where_it_is(rig: Rig, change: str) -> None:
    rig.filled()
    statement, seq = CHANGES[change]
    rig.sql(statement)
    found = verdict(rig)
    assert (found.broken, bool(found.why)) == (seq, True)


def test_rows_deleted_from_the_end_show_against_the_mirror_alone(rig: Rig) -> None:
    rig.append(*(entry(n) for n in range(20)))
    seen = rig.mirror()
    rig.close()
    rig.sql("DELETE FROM event WHERE seq > 15")
    rig.sql("DELETE FROM journal_person WHERE seq > 15")
    assert rig.verified().broken is None, "a chain alone cannot tell"
    found = rig.verified(seen)
    assert found.broken == 16
    assert "longer when last seen" in found.why


def test_a_history_written_anew_shows_against_the_mirror(rig: Rig) -> None:
    rig.append(*(entry(n) for n in range(5)))
    seen = rig.mirror()
    rig.append(entry(6))
    assert rig.verified(seen).broken is None
    forged = Mirror(seen.journal, seen.seq, "f" * 64)
    assert rig.verified(forged).broken == seen.seq
    assert rig.verified(Mirror("another journal", 99, "f" * 64)).broken is None


@pytest.fixture
def gapped(rig: Rig) -> Rig:
    """Rows 1 to 6 are anchored, 7 to 20 are there."""
    rig.append(*(entry(n, NOW - 400 * DAY) for n in range(5)))
    rig.append(*(entry(n) for n in range(5, 19)))
    rig.retention()
    rig.close()
    return rig


def _forge(rig: Rig, first: int, seq: int, signed: Callable[[bytes], bytes] = other_mac) -> None:
    (row,) = rig.sql("SELECT hash FROM event WHERE seq = ?", (seq,))
    (journal,) = rig.sql("SELECT value FROM meta WHERE key = 'journal'")
    text = f"{journal[0]}\n{first}\n{seq}\n{row[0]}".encode()
    values = (seq, first, row[0], signed(text))
    rig.sql('INSERT INTO anchor (seq, "first", hash, mac) VALUES (?, ?, ?, ?)', values)
    rig.sql("DELETE FROM event WHERE seq BETWEEN ? AND ?", (first, seq))


def test_an_anchor_is_made_under_the_chain_key_and_the_documented_text(gapped: Rig) -> None:
    assert gapped.verified().broken is None
    _forge(gapped, 9, 12, signed=mac)
    assert (gapped.verified().broken, gapped.verified().anchored) == (None, 10)


def test_a_forged_anchor_shows_to_whoever_has_the_key(gapped: Rig) -> None:
    _forge(gapped, 9, 12)
    found = gapped.verified()
    assert (found.broken, "anchor" in found.why) == (9, True)
    unkeyed = gapped.verified(with_key=False)
    assert (unkeyed.broken, unkeyed.anchors_checked, unkeyed.anchored) == (None, False, 10)


def test_retention_does_not_sign_a_forged_anchor_with_its_own(gapped: Rig) -> None:
    """A forged gap beside rows that fall due stays forged."""
    _forge(gapped, 9, 12)
    gapped.retention(now=NOW + 380 * DAY)
    found = gapped.verified()
    assert (found.broken, "anchor" in found.why) == (9, True)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE anchor SET seq = seq - 1",
        'UPDATE anchor SET "first" = 2',
        "UPDATE anchor SET \"first\" = 'x'",
        "UPDATE anchor SET hash = 'x'",
        "UPDATE anchor SET hash = zeroblob(32)",
        "UPDATE anchor SET mac = zeroblob(32)",
        "UPDATE anchor SET mac = 5",
        "DELETE FROM anchor",
        'INSERT INTO anchor (seq, "first", hash, mac) SELECT 3, 1, hash, mac FROM anchor',
        'INSERT INTO anchor (seq, "first", hash, mac) SELECT 9, 9, hash, mac FROM anchor',
    ],
)
def test_a_changed_anchor_is_found(gapped: Rig, change: str) -> None:
    gapped.sql(change)
    assert gapped.verified().broken is not None


def test_anchors_of_two_journals_are_not_interchangeable(gapped: Rig, tmp_path: Path) -> None:
    other = Rig(tmp_path / "other")
    other.directory.mkdir()
    other.append(*(entry(n, NOW - 400 * DAY) for n in range(5)), *(entry(n) for n in range(5, 19)))
    other.retention()
    other.close()
    (anchor,) = other.sql('SELECT seq, "first", hash, mac FROM anchor')
    gapped.sql("DELETE FROM anchor")
    gapped.sql('INSERT INTO anchor (seq, "first", hash, mac) VALUES (?, ?, ?, ?)', anchor)
    assert gapped.verified().broken == 1
    assert gapped.verified(with_key=False).broken == 7


def test_no_anchor_stands_for_the_end(rig: Rig) -> None:
    rig.filled()
    _forge(rig, 18, 21, signed=mac)
    assert rig.verified().broken == 18


def test_every_flipped_byte_is_found_or_changes_nothing_that_is_chained(rig: Rig) -> None:
    """Each byte of the file in turn: never a traceback, never a change that goes unseen."""
    rig.filled(3)
    rig.sql("VACUUM")
    sound = rig.path.read_bytes()
    before = _events(rig)
    for offset in _interesting(sound):
        rig.path.write_bytes(_flipped(sound, offset, 0x01))
        try:
            found = rig.verified()
        except StoreError:
            continue  # not even opened: told with the file's name
        if found.broken is None:
            assert _events(rig) == before, f"offset {offset}"


def _events(rig: Rig) -> list[Any]:
    return rig.sql(
        'SELECT seq, id, at, kind, door, decision, reason, decided_by, "by", detail, personal,'
        " hash FROM event"
    )


def _interesting(data: bytes) -> list[int]:
    """Every byte that is not padding, thinned out: a run takes seconds, not minutes."""
    return [n for n in range(len(data)) if n < 100 or data[n]][::3]


def _flipped(data: bytes, offset: int, bits: int) -> bytes:
    return data[:offset] + bytes([data[offset] ^ bits]) + data[offset + 1 :]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    rig = Rig(tmp_path_factory.mktemp("sound"))
    rig.append(*(entry(n, NOW - 400 * DAY) for n in range(3)))
    rig.filled(30)
    rig.retention()
    rig.close()
    return rig


@settings(max_examples=100, deadline=None)
@given(st.integers(8, 34), st.sampled_from(CHAINED), st.integers(0, 99), st.integers(0, 7))
def test_a_bit_of_a_rows_text_flipped_in_the_file_is_found(
    sound: Rig, tmp_path_factory: pytest.TempPathFactory, seq: int, column: str, byte: int, bit: int
) -> None:
    (found,) = sound.sql(f"SELECT {column}, id || at FROM event WHERE seq = ?", (seq,))  # noqa: S608
    data = sound.path.read_bytes()
    at = data.index(found[0].encode(), data.index(found[1].encode())) + byte % len(found[0])
    rig = Rig(tmp_path_factory.mktemp("flipped"))
    rig.path.write_bytes(_flipped(data, at, 1 << bit))
    assert rig.verified().broken == seq
