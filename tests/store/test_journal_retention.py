"""What is deleted when, that nothing of it stays on the disk, and that the chain still holds."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.access.lockout import Lockout
from kioskd.domain.record import Kind, Record
from kioskd.store.journal_read import JournalReader
from kioskd.store.retention import RetentionPolicy, erase
from tests.store.rig import DAY, NOW, POLICY, STAFF_ACTION, Rig, card, entry

HOUR = timedelta(hours=1)


def persons(rig: Rig) -> set[bytes]:
    return {row[0] for row in rig.sql("SELECT card FROM journal_person")}


def seqs(rig: Rig) -> list[int]:
    return [row[0] for row in rig.sql("SELECT seq FROM event ORDER BY seq")]


def fact(number: int, at: datetime, kind: Kind = Kind.DEVICE_LOST) -> Record:
    return Record(f"fact-{number}", at, kind)


def test_persons_go_after_fourteen_days_their_rows_after_a_year(rig: Rig) -> None:
    for days in (400, 15, 13, 0):
        rig.append(entry(days, NOW - days * DAY))
    forgotten = rig.retention()
    assert (forgotten.persons, forgotten.rows) == (2, 2)
    assert persons(rig) == {card(13), card(0)}
    assert seqs(rig) == [3, 4, 5]
    found = rig.verified()
    assert (found.broken, found.anchored, found.erased) == (None, 2, 1)


def test_unknown_cards_go_after_a_day(rig: Rig) -> None:
    rig.append(
        entry(1, NOW - 25 * HOUR, known=False),
        entry(2, NOW - 25 * HOUR),
        entry(3, NOW - 23 * HOUR, known=False),
    )
    assert rig.retention().persons == 1
    assert persons(rig) == {card(2), card(3)}


def test_staff_actions_stay_as_many_months_as_the_site_says(rig: Rig) -> None:
    for days in (800, 700, 20):
        rig.append(fact(days, NOW - days * DAY, STAFF_ACTION), fact(days, NOW - days * DAY))
    rig.append(fact(0, NOW))
    assert rig.retention(policy=replace(POLICY, staff_months=24)).rows == 4
    kinds = [(row["seq"], row["kind"]) for row in rig.exported()]
    assert kinds[:2] == [(4, "staff.action"), (6, "staff.action")]
    assert rig.verified().broken is None


def test_counts_outlive_what_they_count(rig: Rig) -> None:
    rig.append(entry(1, NOW - 400 * DAY), entry(2))
    before = rig.sql("SELECT * FROM tally")
    rig.retention()
    assert rig.sql("SELECT * FROM tally") == before


def test_the_last_row_stays_whatever_its_age(rig: Rig) -> None:
    rig.append(*(fact(n, NOW) for n in range(3)))
    rig.retention(now=NOW + 2000 * DAY)
    assert seqs(rig) == [4]
    rig.close()
    assert rig.open().started == ""
    rig.append(fact(5, NOW))
    assert rig.verified().broken is None


def test_one_anchor_stands_for_one_gap(rig: Rig) -> None:
    """Gaps grow together from both sides as rows between them fall due."""
    for number in range(12):
        kind = STAFF_ACTION if number in (3, 7) else Kind.DEVICE_LOST
        rig.append(fact(number, NOW - 400 * DAY, kind))
    rig.append(fact(99, NOW))
    keeps_staff = replace(POLICY, staff_months=24)
    rig.retention(policy=keeps_staff)
    gaps = 'SELECT "first", seq FROM anchor ORDER BY seq'
    assert rig.sql(gaps) == [(1, 4), (6, 8), (10, 13)]
    assert rig.verified().broken is None
    rig.retention()
    assert rig.sql(gaps) == [(1, 13)]
    assert rig.verified().broken is None


def test_rows_of_an_untrusted_clock_go_with_their_neighbours(rig: Rig) -> None:
    """A row of 2037 would be kept for ever by its own time, one of 1970 deleted at once."""
    year = {name: datetime(name, 1, 1, tzinfo=UTC) for name in (1970, 2037)}
    rig.append(entry(1, year[2037], trusted=False), entry(2, year[1970], trusted=False))
    rig.append(entry(3, NOW - 15 * DAY))
    rig.append(entry(4, year[2037], trusted=False), entry(5, year[1970], trusted=False))
    rig.append(entry(6, NOW))
    rig.retention()
    assert persons(rig) == {card(4), card(5), card(6)}
    rig.retention(now=NOW + 15 * DAY)
    assert persons(rig) == set()


def test_failures_are_forgotten_a_day_after_the_last_unless_still_locked(rig: Rig) -> None:
    old, new = NOW - 25 * HOUR, NOW - HOUR
    rig.file.charge(card(1), Lockout(1, 0, old, "boot"))
    rig.file.charge(card(2), Lockout(5, 4, old, "boot", 9e9, NOW + HOUR))
    rig.file.charge(card(3), Lockout(1, 0, new, "boot"))
    rig.retention()
    with closing(JournalReader(rig.directory)) as reader:
        assert set(reader.lockouts()) == {card(2), card(3)}


def test_failures_of_the_future_become_failures_of_now_and_go_in_their_time(rig: Rig) -> None:
    """By their own time they would lock the card for a step at every start until 2037."""
    then = datetime(2037, 1, 1, tzinfo=UTC)
    rig.file.charge(card(1), Lockout(5, 4, then, "earlier", 9e9, then + HOUR))
    rig.file.charge(card(2), Lockout(1, 0, then, "earlier"))
    rig.file.charge(card(3), Lockout(5, 1, NOW, "boot", 60.0, NOW + HOUR))
    rig.retention()
    with closing(JournalReader(rig.directory)) as reader:
        kept = reader.lockouts()
    assert kept[card(1)] == Lockout(5, 4, NOW, "earlier", 9e9, NOW + HOUR)
    assert kept[card(2)] == Lockout(1, 0, NOW, "earlier")
    assert kept[card(3)] == Lockout(5, 1, NOW, "boot", 60.0, NOW + HOUR)
    rig.retention(now=NOW + 25 * HOUR)
    assert rig.sql("SELECT count(*) FROM attempt") == [(0,)]


@pytest.mark.parametrize("way", ["retention", "erase"])
def test_nothing_of_a_forgotten_card_stays_on_the_disk(rig: Rig, way: str) -> None:
    """Neither in pages that the database has freed nor in the write-ahead log."""
    rig.append(*(entry(n, NOW - 20 * DAY) for n in range(2000)))
    rig.append(entry(9999))
    rig.file.connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
    assert card(7) in rig.everything()
    if way == "retention":
        rig.retention()
        gone = range(2000)
    else:
        erase(rig.file.connection, rig.path, card(7))
        gone = range(7, 8)
    data = rig.everything()
    assert [n for n in gone if card(n) in data] == []
    assert card(9999) in data
    salts = rig.sql("SELECT salt FROM journal_person")
    assert len(salts) == 2001 - len(gone)


def test_a_reader_in_the_way_does_not_keep_entries_waiting(rig: Rig) -> None:
    """The log stays until the reader is gone; the run ends, and the next one empties it."""
    rig.append(*(entry(n, NOW - 20 * DAY) for n in range(5)), entry(6))
    with closing(JournalReader(rig.directory)) as reader:
        rows = reader.rows()
        next(rows)
        steps = rig.steps()
        for number, _ in enumerate(steps, start=100):
            if number < 110:
                rig.append(entry(number))
        rows.close()
    assert card(3) in rig.everything()
    rig.retention()
    assert card(3) not in rig.everything()
    assert rig.verified().broken is None


def test_entries_pass_between_batches(rig: Rig) -> None:
    connection = rig.file.connection
    rig.append(*(entry(n, NOW - 400 * DAY) for n in range(1200)))
    rig.append(entry(1, NOW))
    number, batches = 5000, 0
    for batch in rig.steps():
        batches += batch.persons > 0 or batch.rows > 0
        assert max(batch.persons, batch.rows) <= 500
        rig.append(entry(number))
        number += 1
    assert batches == 3 + 3
    assert connection is rig.file.connection
    assert rig.verified().broken is None
    assert rig.verified().anchored == 1201


def test_a_batch_that_fails_is_not_half_done(rig: Rig) -> None:
    class Stopped(Exception):
        pass

    def stop(name: str) -> None:
        if name == "retention-rows":
            raise Stopped

    rig.append(*(fact(n, NOW - 400 * DAY) for n in range(5)), fact(9, NOW))
    with pytest.raises(Stopped):
        rig.retention(checkpoint=stop)
    assert len(seqs(rig)) == 7
    assert rig.sql("SELECT * FROM anchor") == []
    assert rig.retention().rows == 6
    assert rig.verified().broken is None


def test_a_second_run_finds_nothing_to_do(rig: Rig) -> None:
    rig.append(*(entry(n, NOW - n * 30 * DAY) for n in range(20, -1, -1)))
    rig.retention()
    assert (again := rig.retention()).persons == again.rows == 0


ages = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from(["entry", "unknown", "fact", "staff"])),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(ages, st.lists(st.integers(0, 500), max_size=3), st.sampled_from([1, 12, 24]))
def test_nothing_due_is_left_nothing_else_is_lost_and_the_chain_holds(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, str]],
    earlier_runs: list[int],
    months: int,
) -> None:
    rig = Rig(tmp_path_factory.mktemp("journal"))
    policy = RetentionPolicy(identified=14 * DAY, staff_months=months)
    rig.append(fact(0, NOW - 600 * DAY))
    rows = sorted(rows, reverse=True)
    for number, (age, what) in enumerate(rows):
        at = NOW - age * DAY - HOUR
        made = fact(number, at, STAFF_ACTION if what == "staff" else Kind.DEVICE_LOST)
        if what in ("entry", "unknown"):
            made = entry(number, at, known=what == "entry")
        rig.append(made)
    for days in [*sorted(earlier_runs, reverse=True), 0]:
        rig.retention(now=NOW - days * DAY, policy=policy)
    limits = {"entry": 365, "unknown": 365, "fact": 365, "staff": months * 30.5}
    kept = [n for n, (age, what) in enumerate(rows) if age < limits[what] or n == len(rows) - 1]
    identified = {
        card(n)
        for n, (age, what) in enumerate(rows)
        if (what == "entry" and age < 14) or (what == "unknown" and age < 1)
    }
    found, left, known = rig.verified(), seqs(rig), persons(rig)
    rig.close()
    assert found.broken is None
    assert left == [n + 3 for n in kept]
    assert known == identified
    assert found.anchored == len(rows) + 2 - len(kept)
