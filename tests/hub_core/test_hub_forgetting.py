"""What a hub deletes when it has had its time, and what it must not delete."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from kioskd.domain.moment import stamp
from sync.hub import forgetting
from sync.hub.forgetting import Forgotten, forget
from sync.hub.pulls import Gone
from sync.hub.schema import BATCH, COMMAND, EVENT, JOIN_CODE, META, PATRON
from tests.hub_core.world import ESI, START, Device, Hub, person_of

OLD = timedelta(days=31)


async def aged(hub: Hub, by: timedelta = OLD) -> None:
    """Every change so far was made this long ago."""
    async with hub.database.writing() as connection:
        await connection.execute(update(BATCH).values(at=stamp(START - by)))


async def run(hub: Hub) -> Forgotten:
    return await forget(hub.database, hub.config, hub.now)


async def count(hub: Hub, table: object) -> int:
    async with hub.database.reading() as connection:
        found = await connection.execute(select(func.count()).select_from(table))  # type: ignore[arg-type]
        return int(found.scalar_one())


async def test_an_old_tombstone_goes_and_whoever_missed_it_takes_a_snapshot(hub: Hub) -> None:
    device, away = Device(hub), Device(hub)
    await hub.put(person_of(1), person_of(2), person_of(3))
    await away.snapshot()
    await hub.drop(person_of(1))
    await device.snapshot()
    await aged(hub)
    await hub.drop(person_of(2))
    assert (await run(hub)).tombstones == 1
    assert await count(hub, PATRON) == 2
    assert await device.pull() == ["167A000002"]  # stood at the tombstone: it saw it
    with pytest.raises(Gone, match="too old"):
        await away.pull()
    await away.snapshot()
    assert away.cards() == device.cards() == ["167A000003"]


async def test_the_newest_change_stays_even_when_all_of_it_is_forgotten(hub: Hub) -> None:
    await hub.put(person_of(1))
    await hub.drop(person_of(1))
    await aged(hub)
    position = await hub.pulls.position(ESI)
    assert (await run(hub)).tombstones == 1
    assert await hub.pulls.position(ESI) == position
    assert await count(hub, BATCH) == 1
    device = Device(hub, cursor=position)
    await hub.put(person_of(2))
    assert await device.pull() == ["167A000002"]
    assert await run(hub) == Forgotten()


async def test_nothing_young_goes_and_a_card_that_came_back_stays(hub: Hub) -> None:
    await hub.put(person_of(1), person_of(2))
    await hub.drop(person_of(1), person_of(2))
    await aged(hub, timedelta(days=29))
    assert await run(hub) == Forgotten()
    await aged(hub)
    await hub.put(person_of(1))
    assert (await run(hub)).tombstones == 1
    device = Device(hub)
    await device.snapshot()
    assert device.cards() == ["167A000001"]


async def test_many_go_in_blocks(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "BLOCK", 3)
    people = [person_of(n) for n in range(8)]
    for person in people[:4]:
        await hub.drop(person)
    await hub.drop(*people[4:])
    await aged(hub)
    await events(hub, [(START - timedelta(days=900), START - timedelta(days=900))] * 7)
    done = await run(hub)
    assert (done.tombstones, done.batches, done.events) == (8, 4, 7)
    async with hub.database.reading() as connection:
        floor = await connection.execute(select(META.c.value).where(META.c.key == "floor"))
        newest = await connection.execute(select(func.max(BATCH.c.change)))
        assert int(floor.scalar_one()) == newest.scalar_one()


async def test_events_codes_and_commands(hub: Hub) -> None:
    long_ago, lately = START - timedelta(days=731), START - timedelta(days=729)
    # A clock that stands in 1970 tells nothing of when an event may go; the day it came does.
    wrong = datetime.fromisoformat("1970-01-01T00:00:00Z")
    await events(hub, [(long_ago, long_ago), (lately, lately), (wrong, lately)])
    async with hub.database.writing() as connection:
        code: dict[str, str | None] = {
            "device": "d",
            "branch": "ESI",
            "expires": stamp(START + timedelta(hours=1)),
        }
        spent = {"used": stamp(START), **code}
        expired = {**code, "expires": stamp(START), "used": None}
        codes = [{"used": None, **code}, spent, expired]
        await connection.execute(
            insert(JOIN_CODE), [{"code": bytes([n]), **c} for n, c in enumerate(codes)]
        )
        command: dict[str, str | None] = {
            "device": "d",
            "kind": "sync-now",
            "created": stamp(START),
        }
        done = [{"id": "1", "done": None, **command}, {"id": "2", "done": stamp(START), **command}]
        await connection.execute(insert(COMMAND), done)
    assert await run(hub) == Forgotten(events=1, join_codes=2, commands=1)
    assert [await count(hub, t) for t in (EVENT, JOIN_CODE, COMMAND)] == [2, 1, 1]


async def events(hub: Hub, times: list[tuple[datetime, datetime]]) -> None:
    rows = [
        {
            "device": "d",
            "id": str(n),
            "branch": "ESI",
            "at": stamp(at),
            "received": stamp(received),
            "kind": "entry.decided",
            "journal": "j",
            "seq": n,
            "body": "{}",
        }
        for n, (at, received) in enumerate(times)
    ]
    async with hub.database.writing() as connection:
        await connection.execute(insert(EVENT), rows)
