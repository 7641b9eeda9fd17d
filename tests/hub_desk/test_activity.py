"""Days of use on their way to the register: once, of known patrons, with nothing beside them."""

import asyncio
from datetime import date, timedelta

import pytest

from kioskd.errors import VaultError
from sync.hub.activity import Activities
from sync.hub.devices import Device
from sync.hub.model import Person
from sync.hub.schema import ACTIVITY
from sync.hub.sealing import HubKeys
from sync.hub_wire import Activity, EventResult
from tests.hub_desk.desk import CARD, FRONT, NOON, Desk

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)


@pytest.fixture
def activities(desk: Desk) -> Activities:
    return Activities(desk.database, desk.config, desk.clock)


async def owed(desk: Desk, activities: Activities, feed: str = "esi") -> list[tuple[str, date]]:
    return [pair async for pair in activities.owed(feed, desk.keys, desk.clock() + DAY)]


async def test_a_day_of_use_reaches_the_register_under_its_card(
    desk: Desk, activities: Activities
) -> None:
    ref = await desk.patron()
    results = await activities.take(FRONT, [Activity(ref, TODAY), Activity(ref, TODAY - DAY)])
    assert results == [EventResult("0", "accepted"), EventResult("1", "accepted")]
    assert await owed(desk, activities) == [(CARD, TODAY - DAY), (CARD, TODAY)]
    assert set(ACTIVITY.c.keys()) == {"ref", "day", "received"}, "no place and no hour"


async def test_a_day_is_told_once_however_often_it_comes(
    desk: Desk, activities: Activities, second: Desk
) -> None:
    ref = await desk.patron()
    other = Activities(second.database, second.config, second.clock)
    batch = [Activity(ref, TODAY)] * 2
    first, later = await asyncio.gather(
        activities.take(FRONT, batch), other.take(Device("back", "ESI"), batch)
    )
    said = sorted(result.status for result in [*first, *later])
    assert said == ["accepted", "duplicate", "duplicate", "duplicate"]
    assert await owed(desk, activities) == [(CARD, TODAY)]


@pytest.mark.parametrize(
    ("day", "status"),
    [
        (TODAY + DAY, "accepted"),
        (TODAY + 2 * DAY, "rejected"),
        (TODAY - 60 * DAY, "accepted"),
        (TODAY - 61 * DAY, "rejected"),
        (date(1970, 1, 1), "rejected"),
        (date.max, "rejected"),
    ],
)
async def test_only_days_that_can_be_right_are_taken(
    desk: Desk, activities: Activities, day: date, status: str
) -> None:
    ref = await desk.patron()
    assert [r.status for r in await activities.take(FRONT, [Activity(ref, day)])] == [status]


async def test_a_patron_of_nobody_or_of_another_register_is_refused_alone(
    desk: Desk, activities: Activities
) -> None:
    ours = await desk.patron()
    theirs = await desk.patron("167A000002", feed="naa")
    gone = desk.keys.ref("esi", "167A000003")
    await desk.put(Person("167A000003"), deleted=True)
    refs = [theirs, "x" * 22, gone, "", "\0", "y" * 65, ours]
    results = await activities.take(FRONT, [Activity(ref, TODAY) for ref in refs])
    assert [r.status for r in results] == ["rejected"] * 6 + ["accepted"]
    assert [r.id for r in results] == [str(n) for n in range(7)]
    assert not any(ref and ref in (r.reason or "") for ref in refs for r in results)
    nobody = await activities.take(Device("front", "GONE"), [Activity(ours, TODAY)])
    assert [r.status for r in nobody] == ["rejected"]


async def test_what_comes_while_it_is_fetched_stays_for_the_next_time(
    desk: Desk, activities: Activities
) -> None:
    ref = await desk.patron()
    neighbour = await desk.patron("167A000002", feed="naa")
    naa = Device("back", "NAA")
    await activities.take(naa, [Activity(ref, TODAY - DAY), Activity(neighbour, TODAY)])
    desk.clock.turn(minutes=1)
    before = desk.clock()
    await activities.take(FRONT, [Activity(ref, TODAY)])
    fetched = [pair async for pair in activities.owed("esi", desk.keys, before)]
    assert fetched == [(CARD, TODAY - DAY)]
    assert await activities.forget(before, "esi") == 1
    assert await owed(desk, activities) == [(CARD, TODAY)]
    assert await owed(desk, activities, "naa") == [("167A000002", TODAY)]
    assert await activities.forget(desk.clock() + DAY) == 2


async def test_a_patron_with_two_cards_is_one_patron(desk: Desk, activities: Activities) -> None:
    ref = await desk.patron()
    await desk.put(Person("167A000009"), ref=ref)
    await activities.take(FRONT, [Activity(ref, TODAY)])
    assert len(await owed(desk, activities)) == 1


async def test_many_pages_are_all_given_in_the_order_of_their_days(
    desk: Desk, activities: Activities
) -> None:
    refs = [await desk.patron(f"167A{n:06}", pin="") for n in range(40)]
    days = [TODAY - n * DAY for n in range(30)]
    await activities.take(FRONT, [Activity(ref, day) for ref in refs for day in days])
    given = await owed(desk, activities)
    assert len(given) == len(set(given)) == 1200
    assert [day for _, day in given] == sorted(day for _, day in given)


async def test_another_key_gives_no_cards(desk: Desk, activities: Activities) -> None:
    ref = await desk.patron()
    await activities.take(FRONT, [Activity(ref, TODAY)])
    with pytest.raises(VaultError, match="another key"):
        [pair async for pair in activities.owed("esi", HubKeys(bytes(32)), NOON + DAY)]
