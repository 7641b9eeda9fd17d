"""Somebody with a valid card and the right PIN, and what may still keep the strike secured."""

from typing import TYPE_CHECKING

import pytest

from kioskd.domain.decision import DecidedBy, Reason
from kioskd.domain.notice import Notice, Shown
from kioskd.domain.record import Kind, Record
from kioskd.errors import StoreError

if TYPE_CHECKING:
    from tests.entry.conftest import World

STRIKE_FAULT = Shown(Notice.FAULT, code="41")
STORE_FAULT = Shown(Notice.FAULT, code="31")


async def test_a_card_and_its_pin_release_the_strike_for_its_seconds(world: "World") -> None:
    await world.scan(f"]A0*{world.card.lower()}*")
    assert world.shown == Shown(Notice.ENTER_PIN)
    at = world.clock.monotonic()
    assert await world.press(world.pin + "#") == Shown(Notice.GRANTED)
    await world.wait(60)
    assert world.strike.log == [(at, "on"), (at + 5.0, "off")]
    (row,) = world.decisions
    assert row.decision is not None
    assert row.decision.granted
    assert row.decided_by is DecidedBy.CACHE
    assert row.detail == {"cache_age_s": 0}
    (released,) = world.journal.of(Kind.STRIKE_RELEASED)
    assert released.detail == {"entry": row.id, "seconds": 5.0}
    assert len(world.journal.of(Kind.STRIKE_SECURED)) == 1


async def test_the_record_comes_before_the_strike(world: "World") -> None:
    await world.scan(world.card)
    world.journal.gate.clear()
    await world.press(world.pin + "#")
    assert world.strike.commands == []
    assert world.notices == [Notice.IDLE, *[Notice.ENTER_PIN] * 5]
    world.journal.gate.set()
    await world.settled()
    assert world.strike.commands == ["on"]
    assert world.shown.notice is Notice.GRANTED


async def test_the_named_points_are_passed_in_order(world: "World") -> None:
    await world.come()
    assert set(world.passed[:2]) == {"charged", "verified"}  # the two run side by side
    assert world.passed[2:] == ["before-commit", "after-commit", "after-on-frame"]


@pytest.mark.parametrize(("before", "seconds"), [(0.05, 15.0), (10.0, 15.0), (10.1, 5.0)], ids=str)
async def test_a_zero_within_ten_seconds_before_the_card_gives_more_time(
    world: "World", before: float, seconds: float
) -> None:
    await world.press("0")
    await world.wait(before)
    at = world.clock.monotonic()
    await world.come()
    await world.wait(60)
    assert world.strike.log == [(at, "on"), (at + seconds, "off")]


async def test_the_longer_release_is_for_the_next_card_only(world: "World") -> None:
    await world.press("0")
    await world.wait(1)
    await world.come()
    await world.wait(5)
    assert world.strike.commands == ["on"]
    await world.wait(20)
    await world.come(world.other_card, "1111")
    await world.wait(4)
    assert world.strike.commands == ["on", "off", "on", "off"]


async def test_a_second_grant_does_not_shorten_a_longer_release(world: "World") -> None:
    await world.press("0")
    await world.wait(1)
    at = world.clock.monotonic()
    await world.come()
    await world.come(world.other_card, "1111")
    await world.wait(60)
    assert world.strike.log == [(at, "on"), (at + 2, "on"), (at + 15, "off")]


async def test_no_record_no_opening(world: "World") -> None:
    world.journal.broken = True
    assert await world.come() is Notice.FAULT
    assert world.shown == STORE_FAULT
    await world.wait(60)
    assert world.strike.commands == []
    assert world.journal.rows == []


async def test_a_row_that_the_disk_refuses_is_no_grant_that_did_not_open(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    append = world.journal.append

    async def refuse_decisions(record: Record, cleared: tuple[bytes, ...] = ()) -> None:
        if record.kind is Kind.ENTRY_DECIDED:
            raise StoreError("no space")
        await append(record, cleared)

    monkeypatch.setattr(world.journal, "append", refuse_decisions)
    await world.come()
    assert world.shown == STORE_FAULT
    assert world.strike.commands == []
    assert world.journal.attempts
    assert world.journal.rows == []


async def test_a_grant_lapses_when_the_daemon_itself_stalled_after_the_commit(
    world: "World",
) -> None:
    def stall() -> None:
        world.clock._monotonic += 2.1

    world.at_point["after-commit"] = stall
    await world.come()
    assert world.shown == STRIKE_FAULT
    (not_opened,) = world.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail == {"entry": world.decisions[0].id, "why": "late"}
    assert world.strike.commands == []


async def test_a_commit_that_stalls_over_two_seconds_leaves_the_strike_secured(
    world: "World",
) -> None:
    world.pins.seconds = 0.1
    await world.scan(world.card)
    await world.press(world.pin + "#")
    world.journal.gate.clear()
    await world.wait(2.0)
    assert world.shown.notice is Notice.ENTER_PIN
    await world.wait(0.6)
    assert world.shown == STORE_FAULT
    assert world.journal.rows == []
    world.journal.gate.set()
    await world.settled()
    granted, not_opened = world.journal.rows
    assert granted.kind is Kind.ENTRY_DECIDED
    assert not_opened.kind is Kind.DOOR_NOT_OPENED
    assert not_opened.detail == {"entry": granted.id, "why": "late"}
    await world.wait(60)
    assert world.strike.commands == []


async def test_a_late_denial_is_no_grant_that_did_not_open(world: "World") -> None:
    world.pins.seconds = 0.1
    await world.scan(world.card)
    await world.press("9999#")
    world.journal.gate.clear()
    await world.wait(3)
    world.journal.gate.set()
    await world.settled()
    assert [row.kind for row in world.journal.rows] == [Kind.ENTRY_DECIDED]


async def test_a_relay_that_is_not_there_is_told_with_a_code(world: "World") -> None:
    world.strike.absent = True
    assert await world.come() is Notice.FAULT
    assert world.shown == STRIKE_FAULT
    (row,) = world.decisions
    (not_opened,) = world.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail == {"entry": row.id, "why": "strike"}
    world.strike.absent = False
    await world.wait(60)
    assert "on" not in world.strike.commands
    assert await world.come() is Notice.GRANTED


async def test_lock_overtakes_a_grant_whose_row_is_being_written(world: "World") -> None:
    await world.scan(world.card)
    world.journal.gate.clear()
    await world.press(world.pin + "#")
    await world.staff.lock()
    world.journal.gate.set()
    await world.settled()
    assert world.shown == Shown(Notice.DENIED)  # no fault: staff wanted it so
    await world.wait(60)
    assert world.strike.commands == ["off"]
    (row,) = world.decisions
    (not_opened,) = world.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail == {"entry": row.id, "why": "locked"}
    assert await world.come() is Notice.GRANTED  # `lock` is no lockdown


async def test_lock_overtakes_a_grant_whose_frame_is_on_its_way(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    release = world.strike.release

    async def locked_meanwhile() -> None:
        await release()
        await world.staff.lock()

    monkeypatch.setattr(world.strike, "release", locked_meanwhile)
    assert await world.come() is Notice.DENIED
    assert world.strike.commands[:2] == ["on", "off"]
    assert "on" not in world.strike.commands[1:]
    (not_opened,) = world.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail["why"] == "locked"


async def test_stopping_in_the_middle_of_a_pulse_secures(world: "World") -> None:
    await world.come()
    assert world.strike.commands == ["on"]
    await world.stop()
    assert world.strike.commands == ["on", "off", "off"]
    secured = world.journal.of(Kind.STRIKE_SECURED)
    assert [row.detail for row in secured] == [{"why": "owner gone"}, {"why": "exit"}]


async def test_a_granted_row_that_a_stop_overtakes_is_told_as_not_opened(world: "World") -> None:
    world.pins.seconds = 0.1
    await world.scan(world.card)
    await world.press(world.pin + "#")
    world.journal.gate.clear()
    await world.wait(0.2)
    world.serving.cancel()
    await world.settled()
    world.journal.gate.set()
    await world.settled()
    await world.stop()
    granted, not_opened = world.journal.rows[:2]
    assert granted.decision is not None
    assert granted.decision.reason is Reason.OK
    assert not_opened.detail == {"entry": granted.id, "why": "stopping"}
    assert "on" not in world.strike.commands
