"""One append is one transaction: row, person, counts and the cleared attempt, or nothing."""

import hashlib
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.access.lockout import NEVER_FAILED, Lockout, LockoutPolicy, charge
from kioskd.domain.decision import Reason
from kioskd.domain.moment import Moment
from kioskd.domain.record import Kind, Record
from kioskd.errors import StoreError
from kioskd.store.journal_file import MAX_ATTEMPTS
from kioskd.store.journal_read import JournalReader
from tests.store.rig import DAY, NOW, Rig, card, chain_of, entry

BOOT = Moment(NOW, 100.0, "boot")


def lockouts(rig: Rig) -> dict[bytes, Lockout]:
    with closing(JournalReader(rig.directory)) as reader:
        return reader.lockouts()


def test_a_new_journal_begins_with_a_row_that_names_it(rig: Rig) -> None:
    opened = rig.open()
    (row,) = rig.exported()
    assert opened.started == "new"
    assert (row["seq"], row["kind"], row["prev"]) == (1, "journal.started", "0" * 64)
    assert row["detail"] == {"journal": opened.journal, "why": "new"}
    assert rig.path.stat().st_mode & 0o077 == 0, "others may read card indices"


def test_an_entry_is_exported_as_it_was_decided(rig: Rig) -> None:
    rig.append(entry(7, reason=Reason.WRONG_PIN))
    start, row = rig.exported()
    assert row["at"] == "2026-11-23T16:00:00.000000Z"
    assert (row["kind"], row["door"]) == ("entry.decided", "front")
    assert (row["decision"], row["reason"]) == ("denied", "WRONG_PIN")
    assert (row["decided_by"], row["card"], row["item"]) == ("cache", card(7).hex(), None)
    assert row["detail"] == {"cache_age_s": 7}
    assert row["prev"] == start["hash"]


def test_a_second_opinion_on_the_chain_agrees(rig: Rig) -> None:
    rig.append(*(entry(n) for n in range(50)))
    rows = rig.exported()
    assert chain_of(rows) == [row["hash"] for row in rows]
    assert [r["prev"] for r in rows[1:]] == [r["hash"] for r in rows[:-1]]


def test_the_commitment_hides_the_person_behind_a_salt(rig: Rig) -> None:
    rig.append(entry(1), entry(1))
    first, second = rig.sql("SELECT salt, card, personal FROM journal_person JOIN event USING(seq)")
    assert first[0] != second[0]
    assert first[2] != second[2], "two visits of one card must not look alike once erased"
    for salt, index, personal in (first, second):
        text = json.dumps({"card": index.hex(), "item": None}, separators=(",", ":"))
        assert hashlib.sha256(salt + text.encode()).hexdigest() == personal


def test_counts_go_by_the_local_day_and_hour_of_the_site(rig: Rig) -> None:
    late = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)  # half past midnight in Helsinki
    summer = datetime(2026, 6, 23, 21, 30, tzinfo=UTC)
    rig.append(entry(1, late), entry(2, late), entry(3, late, Reason.EXPIRED), entry(4, summer))
    with closing(JournalReader(rig.directory)) as reader:
        counted = reader.tallies("2026-06-01", "2026-12-31")
        assert reader.tallies("2026-11-25", "2026-12-31") == []
    assert counted == [
        ("2026-06-24", 0, "front", "OK", 1),
        ("2026-11-24", 0, "front", "EXPIRED", 1),
        ("2026-11-24", 0, "front", "OK", 2),
    ]


def test_the_hour_that_comes_twice_is_counted_as_one(rig: Rig) -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 03:30 summer time
    rig.append(entry(1, first), entry(2, first + timedelta(hours=1)))  # 03:30 winter time
    assert rig.sql("SELECT hour, n FROM tally") == [(3, 2)]


def test_only_entries_are_counted(rig: Rig) -> None:
    rig.append(Record("id-2", NOW, Kind.DEVICE_LOST, detail={"device": "relay"}))
    assert rig.sql("SELECT count(*) FROM tally") == [(0,)]


def test_a_charged_attempt_is_there_before_anything_is_decided(rig: Rig) -> None:
    failed = NEVER_FAILED
    for _ in range(5):
        failed = charge(failed, BOOT, LockoutPolicy())
    rig.file.charge(card(1), failed)
    assert lockouts(rig) == {card(1): failed}
    assert failed.until_wall is not None


def test_the_right_pin_forgets_that_cards_failures_with_its_row(rig: Rig) -> None:
    for number in (1, 2):
        rig.file.charge(card(number), charge(NEVER_FAILED, BOOT, LockoutPolicy()))
    rig.file.append(entry(1), cleared=(card(1),))
    assert set(lockouts(rig)) == {card(2)}


def test_the_right_pin_forgets_failures_under_every_index_of_the_card(rig: Rig) -> None:
    """After a rekey the attempts of before stand under the older index."""
    for number in (1, 2, 3):
        rig.file.charge(card(number), charge(NEVER_FAILED, BOOT, LockoutPolicy()))
    rig.file.append(entry(1), cleared=(card(1), card(2)))
    assert set(lockouts(rig)) == {card(3)}


def test_a_row_that_does_not_get_in_changes_nothing_else(rig: Rig) -> None:
    """An id of a type that no column takes fails last of all, in the middle of the transaction."""
    rig.file.charge(card(1), charge(NEVER_FAILED, BOOT, LockoutPolicy()))
    head, before = rig.file.head, rig.sql("SELECT count(*) FROM event")
    rig.sql("CREATE TRIGGER no BEFORE INSERT ON tally BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(StoreError):
        rig.file.append(entry(1), cleared=(card(1),))
    assert (rig.file.head, rig.sql("SELECT count(*) FROM event")) == (head, before)
    assert rig.sql("SELECT count(*) FROM journal_person") == [(0,)]
    assert set(lockouts(rig)) == {card(1)}
    rig.sql("DROP TRIGGER no")
    rig.append(entry(1))
    assert rig.verified().broken is None


def test_attempts_are_bounded_and_the_oldest_goes(rig: Rig) -> None:
    rows = [(card(n), 1, 0, f"2026-11-23T{n:08}Z", "", 0.0, None) for n in range(MAX_ATTEMPTS)]
    connection = rig.file.connection
    connection.exec_driver_sql("BEGIN")
    connection.exec_driver_sql("INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.exec_driver_sql("COMMIT")
    at = NOW + DAY
    for number in range(MAX_ATTEMPTS, MAX_ATTEMPTS + 256):
        rig.file.charge(card(number), Lockout(1, 0, at, "boot"))
    kept = lockouts(rig)
    assert len(kept) == MAX_ATTEMPTS
    assert {card(n) for n in range(256)}.isdisjoint(kept)
    assert {card(n) for n in range(256, MAX_ATTEMPTS + 256)} == set(kept)


def test_a_reader_beside_the_writer_sees_whole_entries(rig: Rig) -> None:
    rig.append(entry(1))
    with closing(JournalReader(rig.directory)) as reader:
        rows = reader.rows()
        assert next(rows)["seq"] == 1
        rig.append(entry(2), entry(3))  # neither waits for the other
        assert [r["seq"] for r in rows] == [2], "a reader sees one moment"
        assert [r["seq"] for r in reader.rows()] == [1, 2, 3, 4]
        assert reader.verify(None).rows == 4


def test_an_export_since_a_time_begins_there_and_still_chains(rig: Rig) -> None:
    rig.append(*(entry(n, NOW + n * DAY) for n in range(5)))
    with closing(JournalReader(rig.directory)) as reader:
        rows = list(reader.rows(NOW + 3 * DAY))
        assert list(reader.rows(NOW + 30 * DAY)) == []
    assert [row["seq"] for row in rows] == [5, 6]
    assert chain_of(rows) == [row["hash"] for row in rows]


texts = st.text(st.characters(codec="utf-8"), max_size=20)
details = st.dictionaries(
    texts, st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | texts
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(details, st.none() | st.binary(min_size=16, max_size=16)), max_size=6))
def test_any_detail_and_person_is_chained_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, facts: list[tuple[dict[str, object], bytes | None]]
) -> None:
    rig = Rig(tmp_path_factory.mktemp("journal"))
    rig.open()
    for number, (detail, index) in enumerate(facts):
        rig.append(replace(entry(number), detail=detail, card=index))
    found = rig.verified()
    rows = rig.exported()
    rig.close()
    assert (found.broken, found.rows) == (None, len(facts) + 1)
    assert found.persons == sum(index is not None for _, index in facts)
    assert chain_of(rows) == [row["hash"] for row in rows]
    assert [repr(row["detail"]) for row in rows[1:]] == [
        repr(dict(sorted(detail.items()))) for detail, _ in facts
    ]


times = st.timedeltas(-20_000 * DAY, 20_000 * DAY).map(lambda apart: NOW + apart)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.binary(min_size=16, max_size=16),
        st.builds(
            Lockout,
            failures=st.integers(0, 1000),
            step=st.integers(0, 4),
            last_failure=times,
            boot_id=st.uuids().map(str),
            until_boot=st.floats(0, 1e9),
            until_wall=st.none() | times,
        ),
        max_size=5,
    )
)
def test_lockouts_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, known: dict[bytes, Lockout]
) -> None:
    rig = Rig(tmp_path_factory.mktemp("journal"))
    rig.open()
    for index, lockout in known.items():
        rig.file.charge(index, lockout)
    rig.close()
    assert lockouts(rig) == known
