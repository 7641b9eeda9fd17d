"""What the journal owes a hub: rows without a person, activities without a row, each once."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.daemon.line_outbox import JournalOutbox, event_of
from kioskd.daemon.line_outbox_seal import SealedActivityBook
from kioskd.domain.decision import DecidedBy, Decision, Reason
from kioskd.domain.record import Kind, Record
from kioskd.errors import StoreError, VaultError
from kioskd.store.journal import NoJournal, ThreadedJournal
from kioskd.store.journal_start import Mirror, open_journal
from kioskd.store.outbox_read import OutboxRow
from kioskd.store.retention import Forgotten
from kioskd.vault.keyring import Keyring
from sync.hub_wire import Event
from sync.line_ports import OwedActivity
from tests.store.rig import DAY, NOW, POLICY, ZONE, Rig, card, entry

TODAY = date(2026, 11, 23)


@dataclass
class Desk:
    """A daemon's journal, and the outbox that reads beside it."""

    directory: Path
    book: SealedActivityBook = field(init=False)
    journal: ThreadedJournal = field(init=False)
    outbox: JournalOutbox = field(init=False)
    rig: Rig = field(init=False)
    entries: int = 0

    def __post_init__(self) -> None:
        self.rig = Rig(self.directory)
        self.book = SealedActivityBook(Keyring.create(self.directory, bytes(32)))
        self.begin()

    def begin(self, mirror: Mirror | None = None) -> None:
        opened = open_journal(self.directory, ZONE, NOW, "id-start", mirror)
        self.journal = ThreadedJournal(opened, self.directory, lambda: opened)
        self.outbox = JournalOutbox(self.directory, self, lambda: self.book)

    async def mark_delivered(
        self, journal: str, through: int, dead: Sequence[tuple[int, str]]
    ) -> None:
        await self.journal.mark_delivered(journal, through, dead, NOW)

    async def drop_activities(self, keys: Sequence[bytes]) -> None:
        await self.journal.drop_activities(keys)

    async def enters(self, ref: str, day: date = TODAY, at: datetime = NOW) -> None:
        """A granted entry of the patron with this reference."""
        self.entries += 1
        record = entry(self.entries, at, card=card(sum(ref.encode())))
        owed = self.book.owed(ref, day)
        await self.journal.append(replace(record, activity=owed))

    async def close(self) -> None:
        await self.outbox.close()
        await asyncio.to_thread(self.journal.close)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    yield made
    await made.close()


# Rows


async def test_rows_leave_in_order_until_the_hub_has_them(desk: Desk) -> None:
    for number in range(1, 6):
        await desk.journal.append(entry(number))
    assert await desk.outbox.waiting() == 6  # and the row of the start
    first = await desk.outbox.events(4)
    assert [event.seq for event in first] == [1, 2, 3, 4]
    assert await desk.outbox.events(4) == first  # nothing was said of them yet
    await desk.outbox.delivered(4, ())
    assert [event.seq for event in await desk.outbox.events(4)] == [5, 6]
    assert await desk.outbox.waiting() == 2
    await desk.outbox.delivered(6, ())
    assert await desk.outbox.events(4) == []
    assert await desk.outbox.waiting() == 0


async def test_a_row_leaves_as_it_was_decided_and_without_its_person(desk: Desk) -> None:
    denied = Decision(Reason.USE_BAN)
    detail = {"cache_age_s": 7, "clock": "untrusted", "card": "167A006007"}
    await desk.journal.append(
        Record(
            "id-1", NOW, Kind.ENTRY_DECIDED, "front", denied, DecidedBy.CACHE,
            by="maija", detail=detail, card=card(1),
        )
    )  # fmt: skip
    (_, event) = await desk.outbox.events(9)
    assert event == Event(
        id="id-1",
        journal=event.journal,
        seq=2,
        at=NOW,
        kind="entry.decided",
        door="front",
        decision="denied",
        reason="USE_BAN",
        decided_by="cache",
        detail={"cache_age_s": 7, "clock": "untrusted"},
    )
    assert len(event.journal) == 32


async def test_of_what_staff_did_only_the_verb_leaves(desk: Desk) -> None:
    told = {"action": "list-add", "reason": "Maija Meikäläinen lost it", "act": "x", "until": "2"}
    for kind in (Kind.STAFF_ACTION, Kind.SCHEDULE_CHANGED, Kind.CONFIG_CHANGED):
        await desk.journal.append(Record("id", NOW, kind, by="maija", detail=told, card=card(1)))
    for event in (await desk.outbox.events(9))[1:]:
        assert event.detail == {"action": "list-add"}
        assert (event.decision, event.reason, event.decided_by) == (None, None, None)


@pytest.mark.parametrize(
    "value",
    ["Maija Meikäläinen, p. 040 123", "<b>", "\x1b[31m", "", "x" * 65, ["a"], {"a": 1}, None],
)
async def test_a_value_that_is_no_code_stays(desk: Desk, value: object) -> None:
    await desk.journal.append(Record("id", NOW, Kind.DOOR_OPENED, "front", detail={"why": value}))
    assert (await desk.outbox.events(9))[1].detail == {}


async def test_a_kind_of_a_later_version_leaves_without_details(desk: Desk) -> None:
    row = OutboxRow(1, "id", "2026-11-23T16:00:00.000000Z", "item.lent", "front", None, None, None,
                    json.dumps({"item": "123N00000001"}))  # fmt: skip
    event = event_of("journal", row)
    assert event is not None
    assert event.detail == {}


async def test_refused_rows_are_remembered_with_the_reason_and_passed_over(desk: Desk) -> None:
    for number in range(3):
        await desk.journal.append(entry(number))
    await desk.outbox.events(9)
    await desk.outbox.delivered(3, [(2, "unknown door\x1b[31m" + "x" * 999), (99, "no such row")])
    assert [event.seq for event in await desk.outbox.events(9)] == [4]
    assert (await desk.outbox.counts()).dead == 1
    ((seq, reason),) = desk.rig.sql("SELECT seq, reason FROM dead")
    assert seq == 2
    assert reason.startswith("unknown door?[31mx")
    assert len(reason) == 200


async def test_marks_never_go_back_nor_beyond_the_last_row(desk: Desk) -> None:
    await desk.journal.append(entry(1))
    await desk.outbox.events(9)
    await desk.outbox.delivered(2, ())
    await desk.outbox.delivered(1, ())
    assert await desk.outbox.events(9) == []
    await desk.outbox.delivered(1000, ())
    await desk.journal.append(entry(2))
    assert [event.seq for event in await desk.outbox.events(9)] == [3]


async def test_waiting_looks_again_only_when_something_was_written(desk: Desk) -> None:
    assert await desk.outbox.waiting() == 1
    reader = desk.outbox._reader
    reader._waiting = type(reader._waiting)(77, 0)
    assert await desk.outbox.waiting() == 77
    await desk.journal.append(entry(1))
    assert await desk.outbox.waiting() == 2


async def test_a_new_journal_owes_everything_and_old_marks_do_not_count(desk: Desk) -> None:
    for number in range(5):
        await desk.journal.append(entry(number))
    given = await desk.outbox.events(9)
    await asyncio.to_thread(desk.journal.close)
    for part in desk.directory.glob("journal.db*"):
        part.rename(part.with_name(part.name.replace("journal", "aside")))
    old = desk.outbox
    desk.begin(Mirror(given[0].journal, 6, "0" * 64))
    for number in range(5):
        await desk.journal.append(entry(number))
    await old.delivered(6, [(2, "no")])  # of rows of the journal that is gone
    assert (await desk.outbox.counts()).dead == 0
    events = await desk.outbox.events(9)
    assert [event.seq for event in events] == [1, 2, 3, 4, 5, 6]
    assert events[0].journal != given[0].journal
    # The outbox that had the old file open sees the new one too.
    assert [event.journal for event in await old.events(1)] == [events[0].journal]
    await old.close()


async def test_without_a_journal_it_says_so(tmp_path: Path) -> None:
    gone = NoJournal("the medium is gone")
    outbox = JournalOutbox(tmp_path, _Refusing(gone))
    with pytest.raises(StoreError, match="no journal yet"):
        await outbox.events(1)
    with pytest.raises(StoreError, match="medium is gone"):
        await outbox.delivered(1, ())
    with pytest.raises(StoreError, match="medium is gone"):
        await outbox.told([b"k"])


@dataclass
class _Refusing:
    journal: NoJournal

    async def mark_delivered(
        self, journal: str, through: int, dead: Sequence[tuple[int, str]]
    ) -> None:
        await self.journal.mark_delivered(journal, through, dead, NOW)

    async def drop_activities(self, keys: Sequence[bytes]) -> None:
        await self.journal.drop_activities(keys)


async def test_a_damaged_row_is_left_out_and_the_others_leave(desk: Desk) -> None:
    for number in range(3):
        await desk.journal.append(entry(number))
    desk.rig.sql("UPDATE event SET at = 'never' WHERE seq = 2")
    desk.rig.sql("UPDATE event SET detail = '{' WHERE seq = 3")
    assert [event.seq for event in await desk.outbox.events(9)] == [1, 3, 4]
    await desk.outbox.delivered(1, ())
    assert [event.seq for event in await desk.outbox.events(1)] == [3]


async def test_neither_the_chain_nor_an_export_knows_of_any_of_it(desk: Desk) -> None:
    await desk.enters("ref-1")
    before = desk.rig.exported(), desk.rig.verified()
    await desk.outbox.events(9)
    await desk.outbox.delivered(2, [(1, "no")])
    await desk.outbox.told([one.key for one in await desk.outbox.activities(9)])
    assert (desk.rig.exported(), desk.rig.verified()) == before
    assert before[1].broken is None


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


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(
    kind=st.sampled_from([*Kind, "item.lent"]),
    detail=st.dictionaries(
        st.sampled_from(["why", "action", "entry", "card", "by", "device", "seconds"]), _json
    ),
)
def test_an_event_says_only_codes_and_numbers_and_is_taken_by_the_wire(
    kind: str, detail: dict[str, object]
) -> None:
    row = OutboxRow(1, "id", "2026-11-23T16:00:00.000000Z", str(kind), None, None, None, None,
                    json.dumps(detail))  # fmt: skip
    event = event_of("journal", row)
    assert event is not None
    assert not {"card", "by"} & event.detail.keys()
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event
    for value in event.detail.values():
        assert isinstance(value, int | float) or (isinstance(value, str) and len(value) <= 64)


def test_a_time_stays_the_same_moment() -> None:
    row = OutboxRow(1, "id", "2026-11-23T16:00:00.123456Z", "door.opened", None, None, None, None,
                    "{}")  # fmt: skip
    event = event_of("journal", row)
    assert event is not None
    assert event.at == datetime(2026, 11, 23, 16, 0, 0, 123456, tzinfo=UTC)
    assert event.at.utcoffset() == timedelta(0)
