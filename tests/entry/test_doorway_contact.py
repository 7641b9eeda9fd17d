"""A door with a contact: opened, closed, held, forced, not opened, tailgating, and no contact."""

import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from kioskd.domain.notice import Notice
from kioskd.domain.record import Kind

if TYPE_CHECKING:
    from tests.entry.conftest import World

CONTACT, REX = 1, 2
OF_DOOR = {kind for kind in Kind if kind.value.startswith("door.")}


@pytest.fixture
async def door(new_world: "type[World]") -> AsyncIterator["World"]:
    """A closed door with a contact and REX."""
    async with new_world(contact=True) as world:
        yield world


async def swing(world: "World", *, open_: bool) -> None:
    """The door moves; an open contact lets its line go high."""
    world.inputs.set(CONTACT, high=open_)
    await world.settled()


async def press_rex(world: "World") -> None:
    for high in (False, True):
        world.inputs.set(REX, high=high)
    await world.settled()


def told(world: "World") -> list[str]:
    """The rows about the door itself, in order, without `door.`."""
    return [row.kind.value[5:] for row in world.journal.rows if row.kind in OF_DOOR]


def state(world: "World") -> str:
    return world.staff.view().state


async def test_somebody_goes_in(door: "World") -> None:
    at = door.clock.monotonic()
    await door.come()  # two seconds
    await swing(door, open_=True)
    assert door.strike.log == [(at, "on"), (at + 2, "off")]
    assert state(door) == "open"
    await door.wait(3)
    await swing(door, open_=False)
    await door.wait(60)
    assert told(door) == ["opened", "closed"]
    (opened,) = door.journal.of(Kind.DOOR_OPENED)
    assert opened.detail == {"entry": door.decisions[0].id}
    (secured,) = door.journal.of(Kind.STRIKE_SECURED)
    assert secured.detail == {"why": "opened"}
    assert door.strike.commands == ["on", "off"]
    assert state(door) == "secured"


async def test_nobody_goes_in(door: "World") -> None:
    await door.come()
    await door.wait(10)
    (row,) = door.journal.of(Kind.DOOR_NOT_OPENED)
    assert row.detail == {"entry": door.decisions[0].id, "why": "not opened"}
    assert door.strike.commands == ["on", "off"]


async def test_without_a_contact_nobody_says_that_nobody_went_in(world: "World") -> None:
    await world.come()
    await world.wait(10)
    assert told(world) == []
    assert world.staff.view().contact == "none"


async def test_a_door_that_opens_by_itself_is_forced(
    door: "World", caplog: pytest.LogCaptureFixture
) -> None:
    await swing(door, open_=True)
    await door.wait(300)
    assert state(door) == "forced"
    await swing(door, open_=False)
    assert told(door) == ["forced", "closed"]
    assert [r.levelno for r in caplog.records if r.message == "door.forced"] == [logging.WARNING]
    assert door.strike.commands == []


async def test_a_door_that_opens_long_after_a_grant_is_forced(door: "World") -> None:
    await door.come()
    await door.wait(4)
    await swing(door, open_=True)
    assert told(door) == ["not_opened", "forced"]


async def test_a_grant_that_the_relay_did_not_take_is_no_leave(door: "World") -> None:
    door.strike.failing = True
    await door.come()
    door.strike.failing = False
    await door.wait(1)
    await swing(door, open_=True)
    assert told(door) == ["not_opened", "forced"]


async def test_a_door_that_opens_as_the_pulse_ends_is_not_forced(door: "World") -> None:
    await door.come()
    await door.wait(3.2)  # the strike was secured 0.2 s ago
    await swing(door, open_=True)
    assert told(door) == ["not_opened", "opened"]


async def test_a_door_is_held_open(door: "World") -> None:
    await door.come()
    await door.wait(0.2)  # between two beats
    await swing(door, open_=True)
    await door.wait(29.9)
    assert door.warned == []
    await door.wait(0.1)
    assert door.warned == ["front"]
    await door.wait(29.9)
    assert told(door) == ["opened"]
    await door.wait(0.1)
    assert told(door) == ["opened", "held"]
    await door.wait(3600)
    await swing(door, open_=False)
    assert told(door) == ["opened", "held", "closed"]
    assert door.warned == ["front"]


async def test_two_openings_on_one_grant_may_be_tailgating(door: "World") -> None:
    await door.come()
    for open_ in (True, False, True, False):
        await door.wait(0.5)
        await swing(door, open_=open_)
    assert told(door) == ["opened", "closed", "opened", "tailgating", "closed"]
    (row,) = door.journal.of(Kind.DOOR_TAILGATING)
    assert row.detail == {"entry": door.decisions[0].id}
    await door.wait(10)
    await swing(door, open_=True)
    assert told(door)[-1] == "forced"


async def test_a_second_person_with_a_grant_of_their_own_is_no_tailgater(door: "World") -> None:
    await door.come()
    await swing(door, open_=True)
    await door.come(door.other_card, "1111")
    assert state(door) == "released"
    await swing(door, open_=False)
    await swing(door, open_=True)
    await swing(door, open_=False)
    await door.wait(60)
    assert told(door) == ["opened", "closed", "opened", "closed"]
    assert door.strike.commands == ["on", "off", "on", "off"]


async def test_a_grant_while_the_door_stands_open_times_it_anew(door: "World") -> None:
    await door.come()
    await swing(door, open_=True)
    await door.wait(28)
    await door.come(door.other_card, "1111")
    await door.wait(3)  # the pulse of 5 s is over
    assert state(door) == "open"
    await door.wait(29.9)
    assert door.warned == []
    await door.wait(0.1)
    assert door.warned == ["front"]
    assert told(door) == ["opened"]  # who goes through an open door does not open it


async def test_who_goes_through_an_open_door_need_not_open_it(door: "World") -> None:
    await door.come()
    await swing(door, open_=True)
    await door.come(door.other_card, "1111")
    await swing(door, open_=False)
    await door.wait(60)
    assert told(door) == ["opened", "closed"]


async def test_what_is_told_twice_happened_once(door: "World") -> None:
    door.strike.absent = True
    door.losses.lost("relay", "unplugged")
    door.losses.dropped("relay")
    await door.wait(5)
    assert state(door) == "unknown"
    for closed in (False, False, True, True):
        door.doorway.contact(closed=closed, at=door.clock.monotonic())
    await door.settled()
    assert told(door) == ["opened", "closed"]


async def test_somebody_goes_out(door: "World") -> None:
    await press_rex(door)
    await door.wait(4.9)
    await swing(door, open_=True)
    await swing(door, open_=False)
    assert told(door) == ["opened", "closed"]
    (opened,) = door.journal.of(Kind.DOOR_OPENED)
    assert opened.detail == {"why": "rex"}
    assert len(door.journal.of(Kind.INPUT_REX)) == 1
    assert door.strike.commands == []


async def test_rex_of_long_ago_is_no_leave(door: "World") -> None:
    await press_rex(door)
    await door.wait(5.1)
    await swing(door, open_=True)
    assert told(door) == ["forced"]


async def test_a_door_found_open_is_no_event_and_is_timed(new_world: "type[World]") -> None:
    async with new_world(contact=True, open_at_first=True) as door:
        assert (state(door), door.staff.view().contact) == ("open", "open")
        await door.wait(60)
        assert told(door) == ["held"]
        await swing(door, open_=False)
        assert told(door) == ["held", "closed"]


async def test_a_door_that_is_found_open_anew_was_not_forced(door: "World") -> None:
    door.inputs.plug()  # its lines are told as found, without a loss before
    door.inputs._high[CONTACT] = True
    door.inputs.plug()
    await door.settled()
    assert (state(door), told(door)) == ("open", [])


async def test_a_button_that_is_found_pressed_was_not_pressed(new_world: "type[World]") -> None:
    door = new_world(contact=True)
    door.inputs.set(REX, high=False)
    async with door:
        assert door.journal.of(Kind.INPUT_REX) == []


async def test_the_inputs_go_away_while_the_door_is_open(door: "World") -> None:
    await door.come()
    await swing(door, open_=True)
    door.inputs.unplug()
    await door.wait(300)
    assert (state(door), door.staff.view().contact) == ("secured", "unknown")
    assert (told(door), door.warned) == (["opened"], [])
    door.inputs.plug()
    await door.settled()
    assert state(door) == "open"
    await door.wait(60)
    assert told(door) == ["opened", "held"]


async def test_the_inputs_come_back_and_the_door_is_closed(door: "World") -> None:
    await swing(door, open_=True)
    door.inputs.unplug()
    door.inputs.set(CONTACT, high=False)
    await door.settled()
    door.inputs.plug()
    await door.settled()
    assert state(door) == "secured"
    assert told(door) == ["forced"]
    await swing(door, open_=True)
    assert told(door) == ["forced", "forced"]


async def test_without_its_inputs_a_door_gives_whole_pulses_and_knows_nothing(
    door: "World",
) -> None:
    door.inputs.unplug()
    at = door.clock.monotonic()
    assert await door.come() is Notice.GRANTED
    door.inputs.set(CONTACT, high=True)
    await door.wait(60)
    assert door.strike.log == [(at, "on"), (at + 5, "off")]
    assert told(door) == []


async def test_the_inputs_come_back_in_the_middle_of_a_pulse(door: "World") -> None:
    door.inputs.unplug()
    at = door.clock.monotonic()
    await door.come()
    door.inputs.set(CONTACT, high=True)
    door.inputs.plug()
    await door.settled()
    assert state(door) == "released"
    await door.wait(10)
    assert door.strike.log == [(at, "on"), (at + 5, "off")]
    assert state(door) == "open"
    assert told(door) == []


async def test_a_relay_that_goes_away_leaves_the_door_unknown_and_ends_the_pulse(
    door: "World",
) -> None:
    await door.come()
    door.strike.absent = True
    door.losses.lost("relay", "unplugged")
    door.losses.dropped("relay")
    await door.wait(60)
    assert (state(door), door.staff.view().fault) == ("unknown", "41")
    await swing(door, open_=True)
    assert told(door) == ["opened"]  # whether it was secured nobody knows
    door.strike.absent = False
    await door.wait(1)
    assert (state(door), door.staff.view().fault) == ("open", "")
    assert set(door.strike.commands[1:]) == {"off"}


async def test_a_contact_that_bounces_for_an_hour_fills_no_journal(door: "World") -> None:
    for _ in range(600):
        for open_ in (True, False):
            await door.wait(3)
            door.inputs.set(CONTACT, high=open_)
    await door.wait(60)
    rows = [row for row in door.journal.rows if row.kind in OF_DOOR]
    assert 40 < len(rows) < 800
    left_out = [row.detail.get("left_out", 0) for row in rows]
    assert len(rows) + sum(n for n in left_out if isinstance(n, int)) == 1200
    assert rows[-1].kind is Kind.DOOR_CLOSED
