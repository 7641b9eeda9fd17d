"""What the journal owes a hub of its rows: without a person, each once."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.daemon.line_outbox import JournalOutbox, event_of
from kioskd.domain.decision import DecidedBy, Decision, Reason
from kioskd.domain.record import Kind, Record
from kioskd.errors import StoreError
from kioskd.store.journal import NoJournal
from kioskd.store.journal_start import Mirror
from kioskd.store.outbox_read import OutboxRow
from sync.hub_wire import Event
from tests.hub_cache.desk import Desk
from tests.store.rig import NOW, card, entry

TODAY = date(2026, 11, 23)


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


def test_a_new_journal_names_the_old_one_to_the_hub() -> None:
    old = {"journal": "0192-old", "seq": 7, "hash": "ab" * 32}
    detail = json.dumps({"why": "damaged", "previous": old, "path": "/var/lib/kioskd/journal.db"})
    row = OutboxRow(
        1, "id-1", "2026-11-23T10:00:00.000000Z", "journal.started", None, None, None, None, detail
    )
    event = event_of("0192-new", row)
    assert event is not None
    assert event.detail == {
        "why": "damaged",
        "previous_journal": "0192-old",
        "previous_seq": 7,
        "previous_hash": "ab" * 32,
    }
