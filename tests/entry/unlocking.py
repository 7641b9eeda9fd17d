"""A door with staffed hours and free entry, and how staff make it known that they are in.

It is Monday 2026-11-23, 10:00 in Helsinki.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from kioskd.domain.notice import Notice

if TYPE_CHECKING:
    from tests.entry.conftest import World

CONTACT, BUTTON = 1, 3
MINUTE = 60.0
STAFF, STAFF_PIN = "167A000099", "4711"


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
