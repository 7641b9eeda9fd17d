"""Midnight: ended restrictions leave the rows, who came of age is so, devices hear of it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.errors import VaultError
from sync.hub.model import AgeState, Person
from sync.hub.rights import turns
from sync.hub.schema import BATCH, PATRON
from sync.hub.sealing import HubKeys
from sync.hub.turning import BATCH_ROWS, turn_day
from tests.hub_core.world import ESI, TODAY, Device, Hub, blocked, person_of, read

MIDNIGHT = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)  # in Helsinki


async def turn(hub: Hub, at: datetime) -> int:
    hub.at = at
    return await turn_day(hub.database, hub.keys, hub.config, hub.now)


async def stored(hub: Hub, person: Person) -> Person:
    index = hub.keys.card_index(person.card)
    async with hub.database.reading() as connection:
        found = await connection.execute(select(PATRON).where(PATRON.c.card == index))
        row = found.one()
    return hub.keys.open_person(row.feed, row.card, row.sealed)


async def test_an_ended_block_is_deleted_at_local_midnight(hub: Hub) -> None:
    person = blocked(person_of(1), until=TODAY)
    await hub.put(person, person_of(2))
    device = Device(hub)
    await device.snapshot()
    assert await turn(hub, MIDNIGHT - timedelta(seconds=1)) == 0
    assert (await stored(hub, person)).restrictions == person.restrictions
    assert await turn(hub, MIDNIGHT) == 1
    assert (await stored(hub, person)).restrictions == ()
    lines = (await read(await hub.pulls.restrictions(ESI, device.cursor, 9))).restrictions()
    assert lines[person.card].restrictions == []
    assert await device.pull() == [person.card]
    assert await turn(hub, MIDNIGHT) == 0


async def test_somebody_comes_of_age(hub: Hub) -> None:
    person = person_of(1, ages={15: TODAY + timedelta(days=1)})
    await hub.put(person)
    device = Device(hub)
    await device.snapshot()
    assert device.cache[person.card].eligible_from == TODAY + timedelta(days=1)
    assert await turn(hub, MIDNIGHT) == 1
    assert (await stored(hub, person)).ages == {15: AgeState.REACHED}
    await device.pull()
    assert device.cache[person.card].eligible_from is None
    assert device.cache[person.card].restrictions is None


async def test_what_is_left_turns_on_its_own_day(hub: Hub) -> None:
    later = Restriction(RestrictionKind.LOAN_BAN, TODAY + timedelta(days=9))
    person = person_of(1, restrictions=(later, *blocked(person_of(1), TODAY).restrictions))
    await hub.put(person)
    assert await turn(hub, MIDNIGHT) == 1
    assert (await stored(hub, person)).restrictions == (later,)
    assert await turn(hub, MIDNIGHT + timedelta(days=8)) == 0
    assert await turn(hub, MIDNIGHT + timedelta(days=9)) == 1
    assert (await stored(hub, person)).restrictions == ()


async def test_many_rows_turn_in_batches_and_feed_by_feed(hub: Hub) -> None:
    count = BATCH_ROWS + 1
    await hub.put(*[blocked(person_of(n), until=TODAY) for n in range(count)])
    await hub.put(blocked(person_of(1), until=TODAY), feed="toi")
    assert await turn(hub, MIDNIGHT) == count + 1
    async with hub.database.reading() as connection:
        batches = (await connection.execute(select(BATCH.c.rows).order_by(BATCH.c.change))).all()
    assert [b.rows for b in batches] == [count, 1, BATCH_ROWS, 1, 1]


async def test_exactly_a_batch_of_rows_leaves_no_empty_change(hub: Hub) -> None:
    await hub.put(*[blocked(person_of(n), until=TODAY) for n in range(BATCH_ROWS)])
    position = await hub.pulls.position(ESI)
    assert await turn(hub, MIDNIGHT) == BATCH_ROWS
    after = await hub.pulls.position(ESI)
    assert after != position
    assert await turn(hub, MIDNIGHT) == 0
    assert await hub.pulls.position(ESI) == after


async def test_tombstones_and_wrongly_noted_days_are_no_change(hub: Hub) -> None:
    await hub.put(person_of(1))
    await hub.drop(person_of(2))
    async with hub.database.writing() as connection:
        await connection.execute(update(PATRON).values(turns="2026-01-01"))
    position = await hub.pulls.position(ESI)
    assert await turn(hub, MIDNIGHT) == 0
    assert await hub.pulls.position(ESI) == position
    async with hub.database.reading() as connection:
        found = await connection.execute(select(PATRON.c.turns).where(~PATRON.c.deleted))
        assert found.scalar_one() is None


async def test_a_wrong_key_turns_nothing(hub: Hub) -> None:
    await hub.put(blocked(person_of(1), until=date(2026, 1, 1)))
    with pytest.raises(VaultError):
        await turn_day(hub.database, HubKeys(bytes(32)), hub.config, lambda: MIDNIGHT)
    assert await turn(hub, MIDNIGHT) == 1


def test_an_open_end_and_the_end_of_time_never_turn() -> None:
    never = blocked(blocked(person_of(1)), until=date.max)
    assert turns(never, TODAY) is None
