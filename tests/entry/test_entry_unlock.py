"""A scheduled unlock: free entry once the first of the staff is in, and everything that ends it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from kioskd.domain.notice import Notice
from kioskd.domain.record import Kind, Record
from kioskd.entry.first_person import FirstPerson

if TYPE_CHECKING:
    from tests.entry.conftest import World

# It is Monday 2026-11-23, 10:00 in Helsinki.
CONTACT, BUTTON = 1, 3
MINUTE = 60.0
STAFF, STAFF_PIN = "167A000099", "4711"


@pytest.fixture
async def door(new_world: "type[World]") -> AsyncIterator["World"]:
    """Staffed from nine to a quarter past ten, self-service before and after; with a contact."""
    async with unlocking(new_world) as world:
        yield world


def unlocking(new_world: "type[World]", *, contact: bool = False) -> "World":
    door = replace(new_world.door, staffed="unlocked")
    world = new_world(hours="09:00-10:15 staffed", door=door, contact=contact)
    world.state.enrol(STAFF, STAFF_PIN)
    world.state.allow(STAFF)
    return world


async def press_button(world: "World") -> None:
    for high in (False, True):
        world.inputs.set(BUTTON, high=high)
    await world.wait(0.5)


async def staff_come(world: "World") -> Notice:
    return await world.come(STAFF, STAFF_PIN)


def unlocked(world: "World") -> bool:
    view = world.staff.view()
    assert (view.state == "unlocked") == view.unlocked
    assert not view.unlocked or world.strike.commands[-1] == "on"
    return view.unlocked


async def test_before_anybody_is_in_the_door_stays_on_card_and_pin(door: "World") -> None:
    await door.wait(5 * MINUTE)
    assert door.strike.commands == []
    assert door.staff.view().awaits_first_person
    assert await door.come() is Notice.GRANTED  # a patron is nobody's first person
    await door.wait(MINUTE)
    assert not unlocked(door)


async def test_the_staff_button_unlocks_until_the_staffed_hours_end(door: "World") -> None:
    door.clock.wall += timedelta(seconds=0.2)  # so that they end between two beats
    at = door.clock.monotonic() - 0.2
    await press_button(door)
    assert unlocked(door)
    await door.wait(15 * MINUTE - 0.8)
    assert unlocked(door)
    await door.wait(MINUTE)
    assert door.strike.commands == ["on", "off"]  # one frame for all of it
    assert door.strike.log[1][0] == pytest.approx(at + 15 * MINUTE, abs=1e-4)
    (released,) = door.journal.of(Kind.STRIKE_RELEASED)
    (secured,) = door.journal.of(Kind.STRIKE_SECURED)
    assert (released.detail, secured.detail) == ({"why": "schedule"}, {"why": "schedule"})


async def test_an_allow_listed_entry_unlocks_and_its_pulse_and_the_unlock_are_two_frames(
    door: "World",
) -> None:
    assert await staff_come(door) is Notice.GRANTED
    assert unlocked(door)
    await door.wait(MINUTE)
    assert door.strike.commands == ["on", "on"]
    assert unlocked(door)


async def test_who_came_before_the_staffed_hours_is_in_when_they_begin(
    new_world: "type[World]",
) -> None:
    world = unlocking(new_world)
    world.hours = "10:01-10:15 staffed"
    async with world:
        await staff_come(world)
        await world.wait(50)
        assert not unlocked(world)
        await world.wait(20)
        assert unlocked(world)


async def test_with_a_contact_the_first_person_is_who_went_in(new_world: "type[World]") -> None:
    async with unlocking(new_world, contact=True) as world:
        world.inputs.set(CONTACT, high=False)
        await staff_come(world)
        await world.wait(MINUTE)
        assert not unlocked(world)
        await world.scan(STAFF)
        await world.press(STAFF_PIN + "#")
        world.inputs.set(CONTACT, high=True)
        await world.wait(1)
        assert unlocked(world)
        world.inputs.set(CONTACT, high=False)
        await world.wait(1)
        assert world.journal.of(Kind.DOOR_FORCED) == []


async def test_a_patron_who_goes_in_after_staff_did_not_is_nobodys_first_person(
    new_world: "type[World]",
) -> None:
    async with unlocking(new_world, contact=True) as world:
        world.inputs.set(CONTACT, high=False)
        await staff_come(world)
        await world.wait(10)
        await world.come()
        world.inputs.set(CONTACT, high=True)
        await world.wait(1)
        assert len(world.journal.of(Kind.DOOR_OPENED)) == 1
        assert not unlocked(world)


async def test_yesterdays_first_person_is_not_in_today(new_world: "type[World]") -> None:
    world = unlocking(new_world)
    world.hours = "00:00-24:00 staffed"
    async with world:
        world.first.came(date(2026, 11, 22), world.clock.monotonic())
        await world.wait(MINUTE)
        assert not unlocked(world)


async def test_a_button_outside_the_staffed_hours_is_nobody(new_world: "type[World]") -> None:
    world = unlocking(new_world)
    world.hours = "10:01-10:15 staffed"
    async with world:
        await press_button(world)
        await world.wait(2 * MINUTE)
        assert world.staff.view().awaits_first_person
        assert world.strike.commands == []


async def test_a_button_that_was_found_pressed_is_nobody(new_world: "type[World]") -> None:
    world = unlocking(new_world)
    world.inputs.set(BUTTON, high=False)
    async with world:
        world.inputs.unplug()
        await world.wait(1)
        world.inputs.plug()
        await world.wait(MINUTE)
        assert not unlocked(world)


async def test_a_door_that_is_not_to_be_unlocked_is_not(new_world: "type[World]") -> None:
    async with new_world(hours="00:00-24:00 staffed") as world:
        await press_button(world)
        world.first.came(date(2026, 11, 23), world.clock.monotonic())
        await world.wait(MINUTE)
        assert world.strike.commands == []


def lockdown(world: "World") -> None:
    world.state.locked_down = True


def no_state(world: "World") -> None:
    world.state.broken = True


def bad_clock(world: "World") -> None:
    world.trust.trusted = False


def relay_lost(world: "World") -> None:
    world.strike.absent = True
    world.losses.lost("relay", "unplugged")


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
    world.first.came(date(2026, 11, 23), world.clock.monotonic() - 1)
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


async def test_a_card_at_an_unlocked_door_is_served_and_changes_nothing(door: "World") -> None:
    await press_button(door)
    assert await door.come() is Notice.GRANTED
    await door.wait(MINUTE)
    assert door.strike.commands == ["on", "on"]
    assert unlocked(door)
    assert await door.come(pin="9999") is Notice.WRONG_CARD_OR_PIN
    assert unlocked(door)


async def test_a_pulse_at_the_end_of_the_staffed_hours_keeps_its_time(door: "World") -> None:
    await press_button(door)
    await door.wait(15 * MINUTE - 2.5)
    at = door.clock.monotonic()
    await door.scan(door.card)
    await door.press(door.pin + "#")
    await door.wait(10)
    assert door.strike.log[-1] == (at + 5, "off")
    assert door.strike.commands == ["on", "on", "off"]


async def test_who_had_a_grant_at_an_unlocked_door_need_not_have_opened_it(
    new_world: "type[World]",
) -> None:
    async with unlocking(new_world, contact=True) as world:
        world.inputs.set(CONTACT, high=False)
        await press_button(world)
        await world.come()
        world.hours = ""
        await world.wait(10)
        assert world.journal.of(Kind.DOOR_NOT_OPENED) == []


async def test_a_grant_that_nobody_used_is_told_once(new_world: "type[World]") -> None:
    async with unlocking(new_world, contact=True) as world:
        world.inputs.set(CONTACT, high=False)
        await world.come()
        await world.wait(10)
        await press_button(world)
        world.hours = ""
        await world.wait(10)
        assert len(world.journal.of(Kind.STRIKE_SECURED)) == 2
        assert len(world.journal.of(Kind.DOOR_NOT_OPENED)) == 1


async def test_going_in_and_out_of_an_unlocked_door_is_not_followed(
    new_world: "type[World]",
) -> None:
    async with unlocking(new_world, contact=True) as world:
        world.inputs.set(CONTACT, high=False)
        await press_button(world)
        for high in (True, False, True):
            world.inputs.set(CONTACT, high=high)
            await world.wait(90)
        assert unlocked(world)
        assert {row.kind for row in world.journal.rows} == {Kind.STRIKE_RELEASED}
        world.hours = ""  # closed from now on, and the door stands open
        await world.wait(61)
        assert world.staff.view().state == "held"
        kinds = [row.kind for row in world.journal.rows]
        assert kinds == [Kind.STRIKE_RELEASED, Kind.STRIKE_SECURED, Kind.DOOR_HELD]


def test_the_first_person_counts_for_a_day_and_for_who_asks_from_before() -> None:
    monday, first = date(2026, 11, 23), FirstPerson()
    before = first.is_in(monday, float("-inf"))
    first.came(monday, 100.0)
    assert (before, first.is_in(monday, 99.0)) == (False, True)
    assert not first.is_in(monday, 100.1)
    assert not first.is_in(date(2026, 11, 24), 99.0)
