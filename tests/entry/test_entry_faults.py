"""Faults of our own: the strike stays or becomes secured, and the door serves the next person."""

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from drivers.fakes import FakePanel
from kioskd.domain.decision import Reason
from kioskd.domain.notice import Notice, Shown
from kioskd.domain.reading import KeyPress
from kioskd.domain.record import Kind
from kioskd.errors import StoreError

if TYPE_CHECKING:
    from tests.entry.conftest import World

PROGRAM_FAULT = Shown(Notice.FAULT, code="51")


class BrokenPanel(FakePanel):
    """A Panel that breaks its promise never to raise."""

    def show(self, shown: Shown) -> None:
        super().show(shown)
        raise RuntimeError("no screen")


async def test_a_pin_that_cannot_be_checked_denies_with_a_fault(
    world: "World", caplog: pytest.LogCaptureFixture
) -> None:
    world.pins.failing = True
    for card in (world.card, world.unknown):
        at = world.clock.monotonic()
        assert await world.come(card) is Notice.FAULT
        assert world.shown == Shown(Notice.FAULT, code="22")
        assert world.panel.times[-1] == at + 0.5
    assert world.reasons == [Reason.CACHE_UNREADABLE] * 2
    assert len(world.journal.attempts) == 2  # charged: no memory buys no guess
    assert world.strike.commands == []
    failed = [record for record in caplog.records if record.message == "pin.not_checked"]
    assert [record.levelno for record in failed] == [logging.ERROR] * 2
    world.pins.failing = False
    assert await world.come() is Notice.GRANTED


async def test_no_memory_and_no_disk_at_once_deny(world: "World") -> None:
    world.pins.failing = world.journal.broken = True
    assert await world.come() is Notice.FAULT
    assert world.strike.commands == []


async def test_no_keys_is_told_at_the_scan(world: "World") -> None:
    world.index.broken = True
    assert await world.scan(world.card) == Shown(Notice.FAULT, code="22")
    (row,) = world.decisions
    assert row.decision is not None
    assert row.decision.reason is Reason.CACHE_UNREADABLE
    assert row.card is None


async def test_a_state_that_cannot_be_read_is_a_lockdown(world: "World") -> None:
    world.state.allow(world.card)
    world.state.broken = True
    assert (await world.scan(world.card)).notice is Notice.LOCKDOWN
    world.state.broken = False
    await world.wait(1)
    assert await world.come() is Notice.GRANTED


@pytest.mark.parametrize("read", ["listed", "enrolled", "lockdown"])
async def test_each_read_of_the_state_that_fails_is_a_lockdown(
    world: "World", monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    def fail(*args: object) -> None:
        raise StoreError("unreadable")

    monkeypatch.setattr(world.state, read, fail)
    assert (await world.scan(world.card)).notice is Notice.LOCKDOWN


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_a_lockdown_that_ends_after_the_scan_lets_nobody_in_without_a_pin(
    world: "World", monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    answers = iter([True, False])
    monkeypatch.setattr(world.state, "lockdown", lambda: next(answers))
    assert (await world.scan(world.card if known else world.unknown)).notice is Notice.PIN_TIMEOUT
    assert world.strike.commands == []


async def test_a_program_fault_at_the_scan_ends_the_session_only(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(world.credentials, "find", lambda index: 1 / 0)
        assert await world.scan(world.card) == PROGRAM_FAULT
    await world.wait(2)
    assert await world.come() is Notice.GRANTED


async def test_a_program_fault_in_the_pin_step_forgets_the_card_and_its_digits(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.scan(world.card)
    with monkeypatch.context() as patch:
        patch.setattr(world.point, "_show_digits", lambda: 1 / 0)
        assert await world.press("2") == PROGRAM_FAULT
    await world.press("580#")
    await world.press(world.pin + "#")
    await world.wait(40)
    assert world.panel.shown[-2] == PROGRAM_FAULT
    assert world.notice() is Notice.IDLE
    assert await world.come(world.other_card, "1111") is Notice.GRANTED


async def test_a_program_fault_in_a_decision_secures_and_serves_on(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.come()
    with monkeypatch.context() as patch:
        await world.scan(world.other_card)
        patch.setattr(world.credentials, "find", lambda index: 1 / 0)
        assert await world.press("1111#") == PROGRAM_FAULT
    assert world.strike.commands == ["on", "off"]
    await world.wait(1)
    assert await world.come(world.other_card, "1111") is Notice.GRANTED
    assert not world.serving.done()


async def test_a_program_fault_right_after_the_on_frame_secures(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.doorway, "release", _then_fail(world.doorway.release))
    assert await world.come() is Notice.FAULT
    assert world.strike.commands == ["on", "off"]
    (not_opened,) = world.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail["why"] == "fault"


def _then_fail(release: object) -> object:
    async def failing(*args: object) -> bool:
        await release(*args)  # type: ignore[operator]
        raise RuntimeError

    return failing


async def test_a_panel_that_fails_keeps_nobody_out_and_lets_nobody_in(
    new_world: "type[World]", caplog: pytest.LogCaptureFixture
) -> None:
    async with new_world(panel=BrokenPanel()) as world:
        await world.come(pin="9999")
        assert world.strike.commands == []
        await world.scan(world.card)
        await world.press(world.pin + "#")
        assert world.strike.commands == ["on"]
        await world.wait(5)
        assert world.strike.commands == ["on", "off"]
        assert not world.serving.done()
    assert {record.message for record in caplog.records} >= {"panel.failed"}


async def test_a_reader_that_breaks_ends_the_task_and_with_it_the_pulse(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.come()
    monkeypatch.setattr(world.point, "_on_scan", None)
    monkeypatch.setattr(world.point, "_failed", None)  # not even the fault can be told
    world.reader.scan(world.other_card)
    await world.settled()
    assert world.serving.done()
    assert world.serving.exception() is not None
    assert world.strike.commands == ["on", "off"]


async def test_a_door_that_stops_does_not_hang_on_a_full_queue(world: "World") -> None:
    world.pins.seconds = 0.1
    await world.scan(world.card)
    await world.press(world.pin + "#")
    inbox = world.point._inbox
    while not inbox.full():  # and the task that reads it is about to be gone
        inbox.put_nowait(KeyPress("keypad", "1", world.clock.monotonic()))
    world.serving.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait([world.serving])
    assert world.serving.cancelled()


async def test_no_pin_and_no_card_number_is_logged(
    world: "World", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pin = "258025"
    await world.come(pin=pin)
    await world.come()
    world.pins.failing = world.journal.broken = True
    await world.come(pin=pin)
    world.credentials.damaged = world.index.broken = True
    await world.come(world.unknown, pin)
    assert caplog.records
    told = " ".join(str(record.__dict__) for record in caplog.records)
    for secret in (pin, world.card, world.unknown):
        assert secret not in told
    assert pin not in repr(world.point.__dict__) + repr(world.journal.rows)
