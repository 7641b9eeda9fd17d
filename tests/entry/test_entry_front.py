"""What a door shows: answers for their time, then how it stands; and that its tasks go on."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from drivers.fakes import FakeClock, FakePanel
from kioskd.access.facts import DoorPolicy
from kioskd.domain.notice import Notice, Shown
from kioskd.domain.record import Kind
from kioskd.entry.front import Front
from kioskd.entry.shown import HOLD_SECONDS

if TYPE_CHECKING:
    from tests.entry.conftest import World

IDLE = Shown(Notice.IDLE, standing=True)
NO_KEYPAD = Shown(Notice.FAULT, code="42")


def standing(notice: Notice, **what: str) -> Shown:
    return Shown(notice, standing=True, **what)  # type: ignore[arg-type]


# Answers give way


async def test_a_grant_is_shown_as_long_as_its_release(world: "World") -> None:
    await world.press("0")
    await world.wait(1)
    await world.come()  # two seconds of fifteen
    await world.wait(12.9)
    assert world.notice() is Notice.GRANTED
    await world.wait(0.6)
    assert world.shown == IDLE


async def test_every_denial_is_shown_for_the_same_time(world: "World") -> None:
    alike = {HOLD_SECONDS[n] for n in (Notice.WRONG_CARD_OR_PIN, Notice.DENIED, Notice.USE_BAN)}
    assert alike == {8.0}
    assert await world.come(pin="9999") is Notice.WRONG_CARD_OR_PIN
    await world.wait(6.4)  # it came half a second after the last key, two seconds ago
    assert world.notice() is Notice.WRONG_CARD_OR_PIN
    await world.wait(0.6)
    assert world.shown == IDLE


async def test_every_notice_has_its_time() -> None:
    assert set(HOLD_SECONDS) == set(Notice)
    assert all(seconds <= 15 for seconds in HOLD_SECONDS.values())


async def test_the_next_person_need_not_wait_for_a_notice_to_go(world: "World") -> None:
    await world.come(pin="9999")
    assert (await world.scan(world.other_card)).notice is Notice.ENTER_PIN
    await world.wait(20)
    assert world.notice() is Notice.ENTER_PIN


async def test_please_wait_gives_way_to_what_the_first_person_is_asked_for(
    world: "World",
) -> None:
    await world.scan(world.card)
    await world.press("25")
    await world.scan(world.other_card)
    await world.wait(2.9)
    assert world.notice() is Notice.WAIT
    await world.wait(0.6)
    assert world.shown == Shown(Notice.ENTER_PIN, digits=2)


async def test_please_wait_stays_while_a_decision_is_made(world: "World") -> None:
    await world.scan(world.card)
    world.pins.seconds = 9.0
    await world.press(world.pin + "#")
    await world.scan(world.other_card)
    await world.wait(8)
    assert world.notice() is Notice.WAIT


async def test_a_cancelled_session_shows_at_once_how_the_door_stands(world: "World") -> None:
    await world.scan(world.card)
    world.state.locked_down = True
    await world.press("*")
    assert world.shown == Shown(Notice.LOCKDOWN)  # the decision of that moment
    await world.wait(9)
    assert world.shown == standing(Notice.LOCKDOWN)
    world.state.locked_down = False
    await world.wait(1)
    await world.scan(world.card)
    await world.press("*")
    assert world.shown == IDLE


# How a door stands


async def test_a_closed_library_says_so_to_whoever_comes(new_world: "type[World]") -> None:
    async with new_world(hours="10:01-10:02 self-service") as world:
        opens = datetime(2026, 11, 23, 8, 1, tzinfo=UTC)
        assert world.shown == Shown(Notice.CLOSED, opens=opens, standing=True)
        await world.wait(60.5)
        assert world.shown == IDLE
        await world.wait(60)
        assert world.notices == [Notice.CLOSED, Notice.IDLE, Notice.CLOSED]


async def test_a_library_without_hours_is_closed_without_a_date(new_world: "type[World]") -> None:
    async with new_world(hours="") as world:
        assert world.shown == standing(Notice.CLOSED)


async def test_what_stands_in_the_way_is_told_once_and_goes_when_it_is_over(
    world: "World",
) -> None:
    def lockdown(on: bool) -> None:
        world.state.locked_down = on

    def clock(on: bool) -> None:
        world.trust.trusted = not on

    def strike(on: bool) -> None:
        world.strike.absent = on

    def cache(on: bool) -> None:
        world.credentials.readable = not on

    def keypad(on: bool) -> None:
        world.keypad.unplug() if on else world.keypad.plug()

    for bring_about, shown in {
        lockdown: standing(Notice.LOCKDOWN),
        clock: standing(Notice.FAULT, code="11"),
        strike: standing(Notice.FAULT, code="41"),
        cache: standing(Notice.FAULT, code="22"),
        keypad: standing(Notice.FAULT, code="42"),
    }.items():
        before = len(world.panel.shown)
        bring_about(True)
        await world.wait(30)
        assert world.staff.view().fault == shown.code
        bring_about(False)
        await world.wait(30)
        assert world.panel.shown[before:] == [shown, IDLE]
        assert world.staff.view().fault == ""


async def test_a_state_that_cannot_be_read_is_a_lockdown_and_is_logged_once(
    world: "World", caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        caplog.clear()
        world.state.broken = True
        await world.wait(60)
        assert world.shown == standing(Notice.LOCKDOWN)
        loud = [r for r in caplog.records if r.levelno >= logging.ERROR]
        assert [r.message for r in loud] == ["state.unreadable"]
        world.state.broken = False
        await world.wait(1)


async def test_a_relay_that_is_back_at_once_is_no_news(world: "World") -> None:
    await world.wait(0.2)
    world.strike.absent = True
    await world.wait(0.4)
    world.strike.absent = False
    await world.wait(5)
    assert world.panel.shown == [IDLE]


async def test_at_night_a_missing_relay_sends_nobody_to_the_telephone(
    new_world: "type[World]",
) -> None:
    async with new_world(hours="") as world:
        world.strike.absent = True
        await world.wait(5)
        assert world.notice() is Notice.CLOSED
        assert world.staff.view().fault == "41"


async def test_a_clock_that_is_not_trusted_cannot_say_that_it_is_closed(
    new_world: "type[World]",
) -> None:
    async with new_world(hours="") as world:
        world.trust.trusted = False
        await world.wait(1)
        assert world.shown == standing(Notice.FAULT, code="11")
    policy = DoorPolicy("ESI", allow_when_clock_untrusted=True)
    async with new_world(policy=policy) as world:
        world.trust.trusted = False
        await world.wait(1)
        assert world.shown == IDLE


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_without_its_keypad_nobody_is_asked_for_a_pin(world: "World", *, known: bool) -> None:
    world.keypad.unplug()
    assert await world.scan(world.card if known else world.unknown) == NO_KEYPAD
    world.keypad.plug()
    await world.press(world.pin + "#")
    await world.wait(60)
    assert (world.journal.rows, world.strike.commands) == ([], [])
    assert world.shown == IDLE
    assert await world.come() is Notice.GRANTED


async def test_where_no_pin_is_asked_for_its_keypad_is_not_missed(
    new_world: "type[World]",
) -> None:
    door = replace(new_world.door, pin_staffed=False)
    async with new_world(hours="00:00-24:00 staffed", door=door) as world:
        world.keypad.unplug()
        await world.wait(5)
        assert (world.shown, world.staff.view().fault) == (IDLE, "")
        assert (await world.scan(world.card)).notice is Notice.GRANTED


async def test_without_its_keypad_a_closed_library_is_closed(new_world: "type[World]") -> None:
    async with new_world(hours="") as world:
        world.keypad.unplug()
        assert (await world.scan(world.card)).notice is Notice.CLOSED
        assert len(world.decisions) == 1


def test_a_standing_that_cannot_be_told_is_a_fault_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    panel, works = FakePanel(), [False]

    def how() -> Shown:
        return IDLE if works[0] else Shown(Notice.IDLE, minutes=1 // 0)

    front = Front("front", panel, how, FakeClock())
    for _ in range(10):
        front.beat(None)
    assert panel.shown == [standing(Notice.FAULT, code="51")]
    assert [r.levelno for r in caplog.records if r.levelno > logging.DEBUG] == [logging.ERROR]
    works[0] = True
    front.beat(None)
    assert panel.shown[-1] == IDLE


# Tasks that go on say so


async def test_every_task_of_a_door_ticks_at_least_once_a_second(world: "World") -> None:
    await world.come()
    await world.wait(60)
    await world.come(pin="9999")
    await world.wait(60)
    for ticks in world.ticks.values():
        assert max(b - a for a, b in pairwise(ticks)) <= 1.0
        assert ticks[-1] >= world.clock.monotonic() - 1.0


async def test_a_decision_that_hangs_is_told_by_silence(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*args: object) -> bool:
        await asyncio.Event().wait()
        return True

    await world.scan(world.card)
    monkeypatch.setattr(world.pins, "check", hang)
    at = world.clock.monotonic()
    await world.press(world.pin + "#")
    await world.wait(60)
    assert at + 9 < world.ticks["point"][-1] <= at + 10
    assert world.ticks["attendant"][-1] > at + 59


async def test_a_loop_that_serves_nobody_is_told_by_silence(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.clock.monotonic()
    monkeypatch.setattr(world.point, "_take", lambda item: None)
    await world.wait(5)
    assert world.ticks["point"][-1] <= before


async def test_a_disk_that_stalls_an_unlock_stops_no_tick_for_three_seconds(
    new_world: "type[World]",
) -> None:
    door = replace(new_world.door, staffed="unlocked")
    async with new_world(hours="00:00-24:00 staffed", door=door) as world:
        world.journal.gate.clear()
        world.inputs.set(3, high=False)
        await world.wait(20)
        ticks = world.ticks["attendant"]
        assert max(b - a for a, b in pairwise(ticks)) < 3.0
        assert ticks[-1] >= world.clock.monotonic() - 0.5
        world.journal.gate.set()
        await world.settled()
        assert [row.kind for row in world.journal.rows] == [
            Kind.STRIKE_RELEASED,
            Kind.DOOR_NOT_OPENED,
        ]
