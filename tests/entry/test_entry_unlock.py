"""A scheduled unlock: free entry once the first of the staff is in, and people at such a door."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from kioskd.domain.notice import Notice
from kioskd.domain.record import Kind
from kioskd.entry.first_person import FirstPerson
from tests.entry.unlocking import (
    BUTTON,
    CONTACT,
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
    assert released.detail == {"why": "schedule", "first": "button"}
    assert secured.detail == {"why": "schedule"}


async def test_an_allow_listed_entry_unlocks_and_its_pulse_and_the_unlock_are_two_frames(
    door: "World",
) -> None:
    assert await staff_come(door) is Notice.GRANTED
    assert unlocked(door)
    await door.wait(MINUTE)
    assert door.strike.commands == ["on", "on"]
    assert unlocked(door)
    rows = [row.detail for row in door.journal.of(Kind.STRIKE_RELEASED)]
    assert {"why": "schedule", "first": "entry"} in rows


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
        world.first.came(date(2026, 11, 22), world.clock.monotonic(), "entry")
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
        world.first.came(date(2026, 11, 23), world.clock.monotonic(), "entry")
        await world.wait(MINUTE)
        assert world.strike.commands == []


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
    first.came(monday, 100.0, "button")
    assert (before, first.is_in(monday, 99.0)) == (False, True)
    assert not first.is_in(monday, 100.1)
    assert not first.is_in(date(2026, 11, 24), 99.0)
