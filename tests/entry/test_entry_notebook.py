"""Facts that follow an entry: written in order, off the path, and all of them before the end."""

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from kioskd.domain.record import Kind

if TYPE_CHECKING:
    from tests.entry.conftest import World


async def test_a_fact_carries_the_time_at_which_it_happened(world: "World") -> None:
    world.journal.gate.clear()
    world.trust.trusted = False
    happened = world.clock.moment().wall
    world.notebook.note(Kind.DEVICE_LOST, "front", {"device": "reader"})
    await world.wait(90)
    world.journal.gate.set()
    await world.settled()
    (row,) = world.journal.rows
    assert (row.at, row.door, row.trusted) == (happened, "front", False)
    assert row.detail == {"device": "reader"}


async def test_a_flush_ends_when_everything_is_written_by_whomever(world: "World") -> None:
    async def flushed() -> list[Kind]:
        await world.notebook.flush()
        return [row.kind for row in world.journal.rows]

    kinds = [Kind.DEVICE_LOST, Kind.STRIKE_SECURED, Kind.DAEMON_STOPPED]
    world.journal.gate.clear()
    world.notebook.note(kinds[0])
    await world.settled()  # the notebook's own task is writing it
    for kind in kinds[1:]:
        world.notebook.note(kind)
    flushing = asyncio.create_task(flushed())
    await world.settled()
    world.journal.gate.set()
    assert await flushing == kinds


async def test_a_thousand_facts_wait_for_a_slow_disk_then_the_oldest_goes(world: "World") -> None:
    world.journal.gate.clear()
    world.notebook.note(Kind.DEVICE_LOST)
    await world.settled()
    for number in range(1001):
        world.notebook.note(Kind.DEVICE_BACK, detail={"number": number})
    world.journal.gate.set()
    await world.notebook.flush()
    assert [row.detail.get("number") for row in world.journal.rows] == [None, *range(1, 1001)]


async def test_facts_that_the_disk_refuses_are_lost_with_one_loud_line(
    world: "World", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.journal.broken = True
    for _ in range(3):
        world.notebook.note(Kind.DEVICE_LOST)
    await world.settled()
    lost = [record.levelno for record in caplog.records if record.message == "fact.lost"]
    assert lost == [logging.ERROR, logging.DEBUG, logging.DEBUG]
    world.journal.broken = False
    world.notebook.note(Kind.DEVICE_BACK)
    await world.settled()
    assert [row.kind for row in world.journal.rows] == [Kind.DEVICE_BACK]
