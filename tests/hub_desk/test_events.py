"""Events: each once, counted once, and none with a person in it."""

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.moment import stamp
from kioskd.domain.record import Kind
from sync.hub import events as events_module
from sync.hub.devices import Device
from sync.hub.event_rules import Filed, count_of, filed
from sync.hub.events import ANOTHER, Events
from sync.hub.schema import EVENT, TALLY
from sync.hub_wire import Event, EventResult
from tests.hub_desk.desk import CONFIG, FRONT, NOON, Desk, event

HELSINKI = ZoneInfo("Europe/Helsinki")


@pytest.fixture
def events(desk: Desk) -> Events:
    return Events(desk.database, desk.config, desk.clock)


async def counts(desk: Desk) -> dict[tuple[str, str, int, str], int]:
    return {(r.branch, r.day, r.hour, r.what): r.n for r in await desk.rows(TALLY)}


def told(results: list[EventResult]) -> list[str]:
    return [result.status for result in results]


async def test_a_visit_is_kept_and_counted_under_its_local_hour(desk: Desk, events: Events) -> None:
    at = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
    assert told(await events.take(FRONT, [event(at=at)])) == ["accepted"]
    (row,) = await desk.rows(EVENT)
    assert (row.device, row.branch, row.kind, row.journal, row.seq) == (
        "front", "ESI", "entry.decided", "j1", 1
    )  # fmt: skip
    assert (row.at, row.received) == (stamp(at), stamp(NOON))
    assert msgspec.json.decode(row.body, type=Event) == event(at=at)
    assert await counts(desk) == {("ESI", "2026-11-23", 0, "login"): 1}


async def test_denials_are_counted_by_reason_and_other_rows_not_at_all(
    desk: Desk, events: Events
) -> None:
    denied = [event(n, decision="denied", reason="WRONG_PIN") for n in (1, 2)]
    newer = event(3, decision="denied", reason="NOT_INVENTED_YET")
    door = event(4, kind="door.opened", decision=None, reason=None)
    results = await events.take(FRONT, [*denied, newer, door])
    assert told(results) == ["accepted"] * 4
    assert await counts(desk) == {
        ("ESI", "2026-11-23", 11, "denied:WRONG_PIN"): 2,
        ("ESI", "2026-11-23", 11, "denied:OTHER"): 1,
    }


async def test_a_batch_that_comes_again_changes_nothing(desk: Desk, events: Events) -> None:
    batch = [event(n) for n in range(1, 6)]
    await events.take(FRONT, batch)
    desk.clock.turn(hours=30)
    assert told(await events.take(FRONT, batch)) == ["duplicate"] * 5
    assert await counts(desk) == {("ESI", "2026-11-23", 11, "login"): 5}
    assert {row.received for row in await desk.rows(EVENT)} == {stamp(NOON)}


async def test_ten_thousand_duplicates_are_one_event(desk: Desk, events: Events) -> None:
    results = await events.take(FRONT, [event()] * 10_000)
    assert Counter(told(results)) == {"accepted": 1, "duplicate": 9_999}
    assert told(results)[0] == "accepted"
    assert await counts(desk) == {("ESI", "2026-11-23", 11, "login"): 1}


async def test_one_batch_from_two_sides_at_once_is_counted_once(
    desk: Desk, events: Events, second: Desk
) -> None:
    other = Events(second.database, second.config, second.clock)
    batch = [event(n) for n in range(1, 301)]
    answers = await asyncio.gather(
        events.take(FRONT, batch),
        other.take(FRONT, batch[::-1]),
        events.take(Device("back", "ESI"), batch),
        other.take(FRONT, batch[100:]),
    )
    said = [status for answer in answers for status in told(answer)]
    assert Counter(said) == {"accepted": 600, "duplicate": 500}
    assert await counts(desk) == {("ESI", "2026-11-23", 11, "login"): 600}


async def test_without_the_key_that_decides_the_second_time_would_count(
    desk: Desk, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: where everything passes as new, the counts say so."""

    async def as_new(self: Events, connection: object, device: Device, batch: object) -> set[str]:
        return set(batch.first)  # type: ignore[attr-defined]

    monkeypatch.setattr(Events, "_insert", as_new)
    await events.take(FRONT, [event()])
    await events.take(FRONT, [event()])
    assert await counts(desk) == {("ESI", "2026-11-23", 11, "login"): 2}


async def test_an_id_is_one_event_for_ever(desk: Desk, events: Events) -> None:
    await events.take(FRONT, [event()])
    other = event(decision="denied", reason="WRONG_PIN")
    again = [other, event(), other]
    assert await events.take(FRONT, again) == [
        EventResult(event().id, "rejected", ANOTHER),
        EventResult(event().id, "duplicate"),
        EventResult(event().id, "rejected", ANOTHER),
    ]
    fresh = [event(2), event(2, door="back")]
    assert told(await events.take(FRONT, fresh)) == ["accepted", "rejected"]
    assert await counts(desk) == {("ESI", "2026-11-23", 11, "login"): 2}


async def test_the_same_id_from_another_device_is_another_event(desk: Desk, events: Events) -> None:
    await events.take(FRONT, [event()])
    assert told(await events.take(Device("back", "NAA"), [event()])) == ["accepted"]
    assert len(await counts(desk)) == 2


async def test_of_a_thousand_one_bad_one_is_refused_alone(desk: Desk, events: Events) -> None:
    batch: list[Event | tuple[str, str]] = [event(n) for n in range(1, 1001)]
    batch[500] = event(501, detail={"by": "maija"})
    batch[700] = ("an-id", "seq: expected int, got str")
    results = await events.take(FRONT, batch)
    assert Counter(told(results)) == {"accepted": 998, "rejected": 2}
    assert results[500] == EventResult(event(501).id, "rejected", "detail: by could name somebody")
    assert results[700] == EventResult("an-id", "rejected", "seq: expected int, got str")
    assert [r.id for r in results[:3]] == [event(n).id for n in (1, 2, 3)]
    assert len(await desk.rows(EVENT)) == 998


async def test_nothing_but_malformed_lines_writes_nothing(desk: Desk, events: Events) -> None:
    assert told(await events.take(FRONT, [("", "no object")])) == ["rejected"]
    assert await events.take(FRONT, []) == []
    assert await desk.rows(EVENT) == []


@pytest.mark.parametrize(
    "at",
    [
        datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))),
        NOON - timedelta(days=401),
        NOON + timedelta(days=2),
    ],
)
async def test_a_device_whose_clock_is_years_off_loses_nothing(
    desk: Desk, events: Events, caplog: pytest.LogCaptureFixture, at: datetime
) -> None:
    with caplog.at_level(logging.WARNING, "kioskd.hub"):
        assert told(await events.take(FRONT, [event(at=at)])) == ["accepted"]
    (row,) = await desk.rows(EVENT)
    assert row.at == row.received == stamp(NOON), "filed under the time at which it came"
    assert msgspec.json.decode(row.body, type=Event).at == at, "and it still says what it said"
    assert await counts(desk) == {("ESI", "2026-11-23", 12, "login"): 1}
    assert [record.message for record in caplog.records] == ["events.clock"]


async def test_a_year_without_a_line_is_counted_under_its_own_days(
    desk: Desk, events: Events
) -> None:
    await events.take(FRONT, [event(at=NOON - timedelta(days=399))])
    assert list(await counts(desk)) == [("ESI", "2025-10-20", 13, "login")]


BAD = [
    ({"id": ""}, "id: no id of a row"),
    ({"id": "x" * 65}, "id: no id of a row"),
    ({"journal": "a b"}, "journal: no id of a journal"),
    ({"seq": 0}, "seq: no number of a row"),
    ({"seq": 2**63}, "seq: no number of a row"),
    ({"at": NOON.replace(tzinfo=None)}, "at: it has no offset from UTC"),
    ({"kind": "Entry"}, "kind: wanted: 1 to 40 of a-z, _ and ."),
    ({"kind": "k" * 41}, "kind: wanted: 1 to 40 of a-z, _ and ."),
    ({"door": "Maija Meikäläinen"}, "door: no name"),
    ({"desk": "a\x00b"}, "door: no name"),
    ({"reason": "she forgot"}, "reason: wanted: a code of A-Z, 0-9 and _"),
    ({"decision": None}, "decision: missing"),
    ({"detail": {"card": "167A000001"}}, "detail: card could name somebody"),
    ({"detail": {"staff.name": "x"}}, "detail: staff.name could name somebody"),
    ({"detail": {"Card": "x"}}, "detail: a key that is none"),
    ({"detail": {"why": "x" * 201}}, "detail: why is no line of at most 200 characters"),
    ({"detail": {"why": "a\nb"}}, "detail: why is no line of at most 200 characters"),
    ({"detail": {"why": "\x1b[2J"}}, "detail: why is no line of at most 200 characters"),
    ({"detail": {"why": "of 010203-123A"}}, "detail: why has the form of an identity code"),
    (
        {"detail": {"reason": "let Maija in"}},
        "detail: reason is a text by staff, which could name somebody",
    ),
    (
        {"kind": "staff.action", "detail": {"action": "open for Maija"}},
        "detail: action is a text by staff, which could name somebody",
    ),
    ({"detail": {f"k{n}": 1 for n in range(33)}}, "detail: more than 32 keys"),
    ({"detail": {f"k{n}": 10**300 for n in range(32)}}, "event: more than 8192 bytes"),
]


@pytest.mark.parametrize(("wrong", "reason"), BAD)
def test_what_is_refused_is_told_without_its_value(wrong: dict[str, Any], reason: str) -> None:
    assert filed(event(**wrong), NOON) == reason


@pytest.mark.parametrize("kind", [*Kind, "item.security_failed", "of.a_newer.device"])
def test_every_kind_is_taken_also_those_of_newer_devices(kind: str) -> None:
    assert isinstance(filed(event(kind=kind), NOON), Filed)


def test_what_devices_say_now_is_taken() -> None:
    details: list[dict[str, str | int | float | bool | None]] = [
        {"cache_age_s": 7, "clock": "untrusted"},
        {"device": "front-relay", "why": "no answer in 200\u00a0ms: [Errno 5] Väylä ei vastaa"},
        {"journal": "0190-a", "previous_journal": "018f-b", "previous_seq": 9, "why": "damaged",
         "previous_hash": "123456a789b" * 5 + "123456789"},
        {"version": "0.1.0", "ok": True, "rate": 0.5, "nothing": None},
    ]  # fmt: skip
    assert [type(filed(event(detail=d), NOON)) for d in details] == [Filed] * len(details)


# Properties

times = st.datetimes(timezones=st.sampled_from([UTC, HELSINKI]))


@given(at=times, received=st.integers(0, 80 * 366 * 24).map(lambda h: NOON + timedelta(hours=h)))
def test_every_time_is_filed_near_the_one_at_which_it_came(
    at: datetime, received: datetime
) -> None:
    one = filed(event(at=at), received)
    assert isinstance(one, Filed)
    assert received - timedelta(days=400) <= one.at <= received + timedelta(days=1)
    counted = count_of(one, HELSINKI)
    assert counted is not None
    assert 0 <= counted.hour <= 23
    assert len(stamp(one.at)) == len(stamp(NOON)), "texts of one length are ordered as times"


@given(detail=st.dictionaries(st.text(max_size=50), st.text(max_size=250) | st.integers()))
def test_a_filed_detail_has_only_plain_keys_and_bounded_lines(detail: dict[str, str | int]) -> None:
    outcome = filed(event(detail=dict(detail)), NOON)
    if isinstance(outcome, Filed):
        assert all(key.isascii() and key[0].islower() for key in detail)
        assert all(len(v) <= 200 and "\n" not in v for v in detail.values() if isinstance(v, str))
    else:
        assert not any(isinstance(v, str) and len(v) > 9 and v in outcome for v in detail.values())


def test_a_transaction_takes_no_more_than_one_request() -> None:
    assert events_module._AT_ONCE == 1000
    assert CONFIG.timezone == "Europe/Helsinki"
