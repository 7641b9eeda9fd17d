"""A device pulls: snapshots, pages, several feeds, its own branch, and cursors that are gone."""

import asyncio
import base64
import contextlib
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text, update

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.errors import StoreError, VaultError
from sync.hub.cursor import Within, cursor_of, text_of
from sync.hub.pulls import Gone, Pulls, sync_branches
from sync.hub.rights import fields
from sync.hub.schema import BATCH, META, PATRON
from sync.hub.sealing import HubKeys
from sync.hub_wire import RestrictionLine
from tests.hub_core.world import (
    BLOCK,
    BOTH,
    ESI,
    TODAY,
    TOI,
    Device,
    Hub,
    blocked,
    checked,
    config_of,
    person_of,
    read,
)


async def test_a_snapshot_then_what_changed(hub: Hub) -> None:
    await hub.put(*[person_of(n) for n in range(1200)])
    device = Device(hub)
    pulled = await device.snapshot()
    assert (pulled.trailer.count, pulled.trailer.more) == (1200, False)
    assert device.cache["167A000003"] == fields(
        person_of(3), hub.keys.ref("esi", "167A000003"), ESI, TODAY, 5
    )
    assert await device.pull() == []
    await hub.put(blocked(person_of(3)), person_of(2000))
    await hub.drop(person_of(4))
    assert sorted(await device.pull()) == ["167A000003", "167A000004", "167A002000"]
    assert "167A000004" not in device.cache
    restrictions = device.cache["167A000003"].restrictions
    assert restrictions is not None
    assert [r.kind for r in restrictions] == [RestrictionKind.SELF_SERVICE_BLOCK]
    assert await device.pull() == []


async def test_an_empty_hub_and_a_branch_without_feeds(hub: Hub) -> None:
    device = Device(hub)
    assert (await device.snapshot()).lines == []
    await hub.put(person_of(1))
    assert await device.pull() == ["167A000001"]
    alone = replace(ESI, code="ALONE", feeds=())
    hub.config = config_of(alone)
    await hub.start()
    nobody = Device(hub, alone)
    await nobody.snapshot()
    await hub.put(person_of(2))
    assert await nobody.pull() == []


@pytest.mark.parametrize("page", [1, 2, 3, 7])
async def test_pages_end_anywhere_inside_a_change(hub: Hub, page: int) -> None:
    device = Device(hub, page=page)
    await device.snapshot()
    await hub.put(*[person_of(n) for n in range(7)])
    await hub.put(person_of(7))
    await hub.put(*[person_of(n) for n in range(5, 10)])
    assert len(await device.pull()) == 10
    assert len(device.cache) == 10
    assert device.cursor == await hub.pulls.position(ESI)


async def test_rows_that_move_between_two_pages_are_not_lost(hub: Hub) -> None:
    device = Device(hub)
    await device.snapshot()
    people = [person_of(n) for n in range(40)]
    await hub.put(*people)
    first = await read(await hub.pulls.credentials(ESI, device.cursor, 10))
    await hub.put(*map(blocked, people))
    found, cursor, more = first.rows(), first.trailer.cursor, True
    while more:
        page = await read(await hub.pulls.credentials(ESI, cursor, 10))
        found |= page.rows()
        cursor, more = page.trailer.cursor, page.trailer.more
    assert len(found) == 40
    assert all(row.restrictions for row in found.values())


async def test_the_first_feed_that_has_a_card_counts(hub: Hub) -> None:
    card = person_of(1)
    await hub.put(blocked(card), person_of(2), feed="esi")
    await hub.put(card, person_of(3), feed="toi")
    device = Device(hub, BOTH)
    await device.snapshot()
    assert device.cards() == ["167A000001", "167A000002", "167A000003"]
    assert device.cache[card.card].restrictions is None
    await hub.put(replace(blocked(card), category="X"), feed="esi")
    assert await device.pull() == [card.card]
    assert device.cache[card.card].restrictions is None  # a later feed's row does not count
    await hub.drop(card, feed="toi")
    assert await device.pull() == [card.card]
    assert device.cache[card.card].restrictions is not None  # now it does
    assert device.cache[card.card].ref == hub.keys.ref("esi", card.card)
    await hub.drop(card, feed="esi")
    await device.pull()
    assert device.cards() == ["167A000002", "167A000003"]
    before = dict(device.cache)
    await device.snapshot()
    assert device.cache == before


async def test_a_device_sees_its_branch_only(hub: Hub) -> None:
    elsewhere = blocked(person_of(1), branch="TOI")
    await hub.put(elsewhere, feed="esi")
    await hub.put(person_of(2), feed="toi")
    device = Device(hub)
    await device.snapshot()
    assert device.cards() == ["167A000001"]
    assert device.cache["167A000001"].restrictions is None
    await hub.put(person_of(3), feed="toi")
    assert await device.pull() == []
    pulled = await read(await hub.pulls.restrictions(ESI, None, 100))
    assert pulled.lines == []
    with pytest.raises(Gone, match="another hub or branch"):
        await hub.pulls.credentials(TOI, device.cursor, 100)


async def test_restrictions_first_and_by_themselves(hub: Hub) -> None:
    lost = replace(person_of(2), restrictions=(Restriction(RestrictionKind.LOST),))
    await hub.put(person_of(1), lost, person_of(3))
    everyone = await read(await hub.pulls.restrictions(ESI, None, 1))
    assert list(everyone.restrictions()) == ["167A000002"]
    await hub.put(blocked(person_of(1)), person_of(2))
    await hub.drop(person_of(3))
    pulled = await read(await hub.pulls.restrictions(ESI, everyone.trailer.cursor, 100))
    lines = pulled.restrictions()
    assert [r.kind for r in lines["167A000001"].restrictions] == [BLOCK.kind]
    assert lines["167A000002"].restrictions == []
    assert lines["167A000003"].deleted
    paged: dict[str, RestrictionLine] = {}
    cursor, more = everyone.trailer.cursor, True
    while more:
        page = await read(await hub.pulls.restrictions(ESI, cursor, 1))
        paged |= page.restrictions()
        cursor, more = page.trailer.cursor, page.trailer.more
    assert paged == lines
    assert pulled.trailer.cursor == cursor == await hub.pulls.position(ESI)


async def test_a_change_of_nothing_urgent_is_not_in_the_restrictions(hub: Hub) -> None:
    number = await hub.put(person_of(1))
    cursor = await hub.pulls.position(ESI)
    await hub.put(replace(person_of(1), language="sv"))
    async with hub.database.writing() as connection:
        await connection.execute(update(PATRON).values(rchange=number))
    assert (await read(await hub.pulls.restrictions(ESI, cursor, 10))).lines == []
    assert len((await read(await hub.pulls.credentials(ESI, cursor, 10))).lines) == 1


async def test_under_age_stays_until_the_day_that_ends_it_has_come(hub: Hub) -> None:
    soon = person_of(1, ages={15: TODAY + timedelta(days=3)})
    await hub.put(soon)
    row = (await Device(hub).snapshot()).rows()[soon.card]
    assert (row.restrictions, row.eligible_from) == (None, TODAY + timedelta(days=3))
    line = (await read(await hub.pulls.restrictions(ESI, None, 10))).restrictions()[soon.card]
    assert [r.kind for r in line.restrictions] == [RestrictionKind.UNDER_AGE]


async def test_a_branch_with_categories_or_a_new_age_limit_misses_nobody(hub: Hub) -> None:
    await hub.put(person_of(1, category="S"), person_of(2, category="ST"))
    students = replace(ESI, code="ST", categories=("ST",))
    elders = replace(ESI, code="OLD", minimum_age=18)
    hub.config = config_of(students, elders)
    await hub.start()
    for branch, cards in ((students, ["167A000001"]), (elders, ["167A000001", "167A000002"])):
        pulled = await read(await hub.pulls.restrictions(branch, None, 10))
        assert sorted(pulled.restrictions()) == cards


async def test_a_snapshot_is_one_view_while_others_write(hub: Hub) -> None:
    people = [person_of(n) for n in range(1500)]
    await hub.put(*people)
    device = Device(hub)
    stream = await hub.pulls.snapshot(ESI)
    async with contextlib.aclosing(stream):
        chunks = [await anext(stream)]
        await hub.put(*map(blocked, people))
        await hub.drop(*people[:700])
        await hub.put(person_of(9999))
        chunks += [chunk async for chunk in stream]
    pulled = checked(b"".join(chunks))
    assert len(pulled.rows()) == 1500
    assert not any(row.restrictions for row in pulled.rows().values())
    device.cache, device.cursor = pulled.rows(), pulled.trailer.cursor
    await device.pull()
    after = dict(device.cache)
    await device.snapshot()
    assert device.cache == after
    assert len(after) == 801


async def test_cards_that_change_feeds_under_a_snapshot_are_in_it_once(hub: Hub) -> None:
    here, there = [person_of(n) for n in range(600)], [person_of(n) for n in range(600, 1200)]
    await hub.put(*here, feed="toi")
    await hub.put(*there, feed="esi")
    async with contextlib.aclosing(await hub.pulls.snapshot(BOTH)) as stream:
        chunks = [await anext(stream)]
        await hub.put(*there, feed="toi")
        await hub.drop(*here, feed="toi")
        chunks += [chunk async for chunk in stream]
    device = Device(hub, BOTH)
    pulled = checked(b"".join(chunks))
    device.cache, device.cursor = pulled.rows(), pulled.trailer.cursor
    assert len(device.cache) == 1200
    await device.pull()
    assert device.cards() == [p.card for p in there]


async def test_a_snapshot_that_nobody_reads_lets_go(hub: Hub) -> None:
    await hub.put(*[person_of(n) for n in range(600)])
    pool = hub.database.engine.pool
    for read_some in (False, True):
        stream = await hub.pulls.snapshot(ESI)
        if read_some:
            await anext(stream)
        await stream.aclose()
        await stream.aclose()
        assert pool.checkedout() == 0  # type: ignore[attr-defined]


class TestGone:
    """Cursors from which no change leads on."""

    async def test_what_is_no_cursor(self, hub: Hub) -> None:
        for junk in ("", "x", "..", "A" * 4000, "ä", base64.urlsafe_b64encode(b"\x00").decode()):
            with pytest.raises(Gone, match="none of this hub"):
                await hub.pulls.credentials(ESI, junk, 10)

    async def test_a_place_in_a_feed_of_nobody(self, hub: Hub) -> None:
        known = cursor_of(await hub.pulls.position(ESI))
        assert known is not None
        for feed in ("toi", "\0", ""):
            place = {"within": Within.CREDENTIALS, "card": bytes(16), "feed": feed}
            cursor = msgspec.structs.replace(known, **place)
            with pytest.raises(Gone, match="none of this hub"):
                await hub.pulls.credentials(ESI, text_of(cursor), 10)

    async def test_another_hub(self, hub: Hub) -> None:
        cursor = await hub.pulls.position(ESI)
        async with hub.database.writing() as connection:
            other = update(META).where(META.c.key == "hub_id").values(value="0123456789abcdef")
            await connection.execute(other)
        await self.refused(hub, cursor, "another hub")

    async def test_a_restored_database(self, hub: Hub) -> None:
        await hub.put(person_of(1))
        number = await hub.put(person_of(2))
        cursor = await hub.pulls.position(ESI)
        async with hub.database.writing() as connection:  # restored, and it went on differently
            again = update(BATCH).where(BATCH.c.change == number).values(nonce="00" * 8)
            await connection.execute(again)
        await self.refused(hub, cursor, "not the one of this cursor")

    async def test_a_database_restored_to_before_the_cursor(self, hub: Hub) -> None:
        await hub.put(person_of(1))
        number = await hub.put(person_of(2))
        cursor = await hub.pulls.position(ESI)
        async with hub.database.writing() as connection:
            await connection.execute(BATCH.delete().where(BATCH.c.change == number))
        await self.refused(hub, cursor, "not the one of this cursor")

    async def test_a_change_that_was_never_there(self, hub: Hub) -> None:
        await hub.put(person_of(1))
        known = cursor_of(await hub.pulls.position(ESI))
        assert known is not None
        ahead = msgspec.structs.replace(known, change=2**63 - 1, nonce="")
        await self.refused(hub, text_of(ahead), "not the one of this cursor")

    async def test_below_the_floor(self, hub: Hub) -> None:
        cursor = await hub.pulls.position(ESI)
        async with hub.database.writing() as connection:
            await connection.execute(update(META).where(META.c.key == "floor").values(value="7"))
        await self.refused(hub, cursor, "too old")

    async def test_inside_a_change_whose_tombstones_are_gone(self, hub: Hub) -> None:
        start = await hub.pulls.position(ESI)
        number = await hub.put(person_of(1), person_of(2))
        page = await read(await hub.pulls.credentials(ESI, start, 1))
        async with hub.database.writing() as connection:
            floor = update(META).where(META.c.key == "floor").values(value=str(number))
            await connection.execute(floor)
        whole = await hub.pulls.position(ESI)
        assert (await read(await hub.pulls.credentials(ESI, whole, 10))).lines == []
        with pytest.raises(Gone, match="too old"):
            await hub.pulls.credentials(ESI, page.trailer.cursor, 10)

    async def test_inside_a_change_of_the_other_stream(self, hub: Hub) -> None:
        start = await hub.pulls.position(ESI)
        await hub.put(person_of(1), person_of(2))
        page = await read(await hub.pulls.credentials(ESI, start, 1))
        with pytest.raises(Gone, match="another stream"):
            await hub.pulls.restrictions(ESI, page.trailer.cursor, 10)

    async def test_rules_that_changed(self, hub: Hub) -> None:
        device = Device(hub)
        generation = (await device.snapshot()).trailer.generation
        assert await sync_branches(hub.database, hub.config) == 0
        await device.pull()
        elder = replace(ESI, minimum_age=18)
        hub.config = config_of(elder, TOI)
        assert await sync_branches(hub.database, hub.config) == 1
        with pytest.raises(Gone, match="rules of this branch"):
            await hub.pulls.credentials(elder, device.cursor, 10)
        assert (await read(await hub.pulls.snapshot(elder))).trailer.generation != generation
        toinen = Device(hub, TOI)
        await toinen.snapshot()
        await toinen.pull()

    async def test_rules_that_changed_back_are_others(self, hub: Hub) -> None:
        cursor, before = await hub.pulls.position(ESI), hub.config
        for config in (config_of(replace(ESI, minimum_age=18)), before):
            await sync_branches(hub.database, config)
        await self.refused(hub, cursor, "rules of this branch")

    async def refused(self, hub: Hub, cursor: str, why: str) -> None:
        for pull in (hub.pulls.credentials, hub.pulls.restrictions):
            with pytest.raises(Gone, match=why):
                await pull(ESI, cursor, 10)


async def test_a_hub_with_an_old_configuration_does_not_answer(hub: Hub) -> None:
    old = hub.pulls
    await sync_branches(hub.database, config_of(replace(ESI, minimum_age=18)))
    for asked in (old.snapshot(ESI), old.position(ESI)):
        with pytest.raises(StoreError, match="branch ESI: the database has other rules"):
            await asked


async def test_two_hubs_that_start_at_once_raise_the_epoch_once(hub: Hub) -> None:
    changed = config_of(replace(ESI, minimum_age=18))
    both = (sync_branches(hub.database, changed), sync_branches(hub.database, changed))
    assert sum(await asyncio.gather(*both)) == 1
    async with hub.database.reading() as connection:
        found = await connection.execute(text("SELECT epoch FROM branch WHERE code = 'ESI'"))
        assert found.scalar_one() == 2


async def test_a_row_that_does_not_open_ends_the_stream_without_a_trailer(hub: Hub) -> None:
    await hub.put(person_of(1))
    other = Pulls(hub.database, HubKeys(bytes(32)), hub.config, hub.now)
    stream = await other.snapshot(ESI)
    with pytest.raises(VaultError, match="does not open"):
        await read(stream)
