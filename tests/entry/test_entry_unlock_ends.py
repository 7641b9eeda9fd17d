"""What ends a scheduled unlock, and what keeps it from beginning."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import TYPE_CHECKING

import pytest

from kioskd.domain.notice import Notice
from kioskd.domain.record import Kind, Record
from tests.entry.unlocking import (
    BUTTON,
    MINUTE,
    STAFF,
    STAFF_PIN,
    press_button,
    staff_come,
    unlocked,
    unlocking,
)

if TYPE_CHECKING:
    from tests.entry.conftest import World


@pytest.fixture
async def door(new_world: "type[World]") -> AsyncIterator["World"]:
    """Staffed from nine to a quarter past ten, closed before and after; without a contact."""
    async with unlocking(new_world) as world:
        yield world


def lockdown(world: "World") -> None:
    world.state.locked_down = True


def no_state(world: "World") -> None:
    world.state.broken = True


def bad_clock(world: "World") -> None:
    world.trust.trusted = False


def relay_lost(world: "World") -> None:
    world.strike.absent = True
    world.losses.lost("relay", "unplugged")
    world.losses.dropped("relay")


def hours_change(world: "World") -> None:
    world.hours = "09:00-18:00 self-service"


ENDS: dict[str, Callable[["World"], None]] = {
    "lockdown": lockdown,
    "no state": no_state,
    "clock": bad_clock,
    "fault": relay_lost,
    "schedule": hours_change,
}


@pytest.mark.parametrize("why", ENDS)
async def test_what_ends_an_unlock_asks_for_a_first_person_anew(
    new_world: "type[World]", why: str
) -> None:
    async with unlocking(new_world) as world:
        await press_button(world)
        before = unlocked(world)
        ENDS[why](world)
        await world.wait(1)
        assert (before, unlocked(world)) == (True, False)
        world.strike.absent = world.state.locked_down = world.state.broken = False
        world.trust.trusted, world.hours = True, "09:00-10:15 staffed"
        await world.wait(MINUTE)
        assert world.strike.commands[-1] == "off"
        assert world.strike.commands.count("on") == 1
        assert world.staff.view().awaits_first_person
        (secured,) = world.journal.of(Kind.STRIKE_SECURED)
        assert secured.detail == {"why": "lockdown" if why == "no state" else why}
        await press_button(world)
        assert unlocked(world)


async def test_lock_ends_an_unlock_at_once_and_asks_for_a_first_person_anew(door: "World") -> None:
    await press_button(door)
    await door.staff.lock()
    assert door.strike.commands == ["on", "off"]
    await door.wait(MINUTE)
    assert not unlocked(door)
    await staff_come(door)
    assert unlocked(door)


async def test_lock_before_the_staffed_hours_keeps_the_door_on_card_and_pin(
    new_world: "type[World]",
) -> None:
    world = unlocking(new_world)
    world.hours = "10:01-10:15 staffed"
    async with world:
        await staff_come(world)
        await world.staff.lock()
        await world.wait(2 * MINUTE)
        assert world.staff.view().awaits_first_person


async def test_lock_overtakes_an_unlock_whose_row_is_being_written(door: "World") -> None:
    door.journal.gate.clear()
    await press_button(door)
    await door.staff.lock()
    door.journal.gate.set()
    await door.wait(MINUTE)
    assert door.strike.commands == ["off"]
    assert door.staff.view().awaits_first_person
    (released,) = door.journal.of(Kind.STRIKE_RELEASED)
    (not_opened,) = door.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail == {"entry": released.id, "why": "locked"}
    await press_button(door)
    assert unlocked(door)


async def test_lock_overtakes_an_unlock_whose_frame_is_on_its_way(
    door: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    release = door.strike.release

    async def locked_meanwhile() -> None:
        await release()
        await door.staff.lock()

    with monkeypatch.context() as patch:
        patch.setattr(door.strike, "release", locked_meanwhile)
        await press_button(door)
    await door.wait(MINUTE)
    assert door.strike.commands[:2] == ["on", "off"]
    assert "on" not in door.strike.commands[1:]
    view = door.staff.view()
    assert (view.state, view.awaits_first_person) == ("secured", True)
    (not_opened,) = door.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail["why"] == "locked"


async def press_in_an_instant(world: "World") -> None:
    for high in (False, True):
        world.inputs.set(BUTTON, high=high)
    await world.settled()


async def enter_in_an_instant(world: "World") -> None:
    await world.scan(STAFF)
    assert (await world.press(STAFF_PIN + "#")).notice is Notice.GRANTED


@pytest.mark.parametrize("come", [press_in_an_instant, enter_in_an_instant])
async def test_who_comes_in_the_last_moment_of_a_lockdown_unlocks_nothing_after_it(
    door: "World", come: Callable[["World"], Awaitable[None]]
) -> None:
    lockdown(door)
    await door.wait(1)
    await come(door)
    door.state.locked_down = False
    await door.wait(MINUTE)
    assert not unlocked(door)
    assert door.staff.view().awaits_first_person
    await come(door)
    await door.wait(0.5)
    assert unlocked(door)


async def test_who_came_before_a_lockdown_is_asked_for_anew_after_it(
    new_world: "type[World]",
) -> None:
    world = unlocking(new_world)
    world.hours = "10:01-10:15 staffed"
    async with world:
        await staff_come(world)
        lockdown(world)
        await world.wait(10)
        world.state.locked_down = False
        await world.wait(2 * MINUTE)
        assert world.staff.view().awaits_first_person


async def test_who_comes_while_the_clock_is_not_trusted_came_on_no_day(door: "World") -> None:
    bad_clock(door)
    assert await staff_come(door) is Notice.GRANTED
    await press_button(door)
    door.trust.trusted = True
    await door.wait(MINUTE)
    assert not unlocked(door)


async def test_a_restart_asks_for_a_first_person_anew(
    door: "World", new_world: "type[World]"
) -> None:
    await press_button(door)
    await door.stop()
    assert door.strike.commands[-1] == "off"
    async with unlocking(new_world) as again:
        await again.wait(MINUTE)
        assert not unlocked(again)


async def test_an_unlock_that_is_made_anew_asks_for_a_first_person_anew(
    new_world: "type[World]",
) -> None:
    world = unlocking(new_world)
    world.first.came(date(2026, 11, 23), world.clock.monotonic() - 1, "entry")
    async with world:
        await world.wait(MINUTE)
        assert world.staff.view().awaits_first_person


async def test_no_record_no_unlock(door: "World") -> None:
    door.journal.broken = True
    await press_button(door)
    await door.wait(MINUTE)
    assert door.strike.commands == []
    door.journal.broken = False
    await door.wait(MINUTE)
    assert unlocked(door)


async def test_a_row_that_came_late_unlocks_nothing_and_says_so(door: "World") -> None:
    door.journal.gate.clear()
    await press_button(door)
    await door.wait(5)
    door.journal.gate.set()
    await door.settled()
    (released,) = door.journal.of(Kind.STRIKE_RELEASED)
    (late,) = door.journal.of(Kind.DOOR_NOT_OPENED)
    assert late.detail == {"entry": released.id, "why": "late"}
    assert door.strike.commands == []
    await door.wait(MINUTE)
    assert unlocked(door)


async def test_a_daemon_that_stalled_after_the_row_unlocks_nothing(
    door: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    append = door.journal.append

    async def stall(record: Record, cleared: tuple[bytes, ...] = ()) -> None:
        await append(record, cleared)
        if record.kind is Kind.STRIKE_RELEASED:
            door.clock._monotonic += 2.1

    with monkeypatch.context() as patch:
        patch.setattr(door.journal, "append", stall)
        await press_button(door)
    assert door.strike.commands == []
    assert door.journal.of(Kind.DOOR_NOT_OPENED)[0].detail["why"] == "late"


async def test_a_lockdown_that_comes_while_the_row_is_written_keeps_the_door_secured(
    door: "World",
) -> None:
    door.journal.gate.clear()
    await press_button(door)
    lockdown(door)
    door.journal.gate.set()
    await door.wait(1)
    assert door.strike.commands == []
    (not_opened,) = door.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail["why"] == "lockdown"


async def test_a_relay_that_takes_no_frame_is_tried_once(door: "World") -> None:
    door.strike.failing = True
    await press_button(door)
    await door.wait(MINUTE)
    assert len(door.journal.of(Kind.STRIKE_RELEASED)) == 1
    (not_opened,) = door.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail["why"] == "strike"
    door.strike.failing = False
    await door.wait(MINUTE)
    assert not unlocked(door)
    assert "on" not in door.strike.commands


async def test_a_task_that_hangs_holds_nothing(
    door: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    await press_button(door)

    async def hang(owner: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(door.unlock, "step", hang)
    await door.wait(3.5)
    assert door.strike.commands == ["on", "off"]
    (secured,) = door.journal.of(Kind.STRIKE_SECURED)
    assert secured.detail == {"why": "not held"}


async def test_the_end_of_its_task_ends_an_unlock(door: "World") -> None:
    await press_button(door)
    door.attending.cancel()
    await door.settled()
    assert door.strike.commands == ["on", "off"]


async def test_a_fault_in_an_entry_ends_an_unlock(
    door: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    await press_button(door)
    with monkeypatch.context() as patch:
        patch.setattr(door.credentials, "find", lambda index: 1 / 0)
        await door.scan(door.card)
    await door.wait(MINUTE)
    assert door.strike.commands == ["on", "off"]
