"""Change numbers: one at a time, in the order in which they become visible."""

import asyncio

import pytest
from sqlalchemy import select

from kioskd.errors import InputError, StoreError
from sync.hub.database import Database
from sync.hub.schema import BATCH
from tests.hub.databases import Server


async def numbers(database: Database) -> list[int]:
    async with database.reading() as connection:
        found = await connection.execute(select(BATCH.c.change).order_by(BATCH.c.change))
        return [int(row.change) for row in found]


async def test_a_change_that_wrote_nothing_leaves_no_trace(database: Database) -> None:
    async with database.changing() as change:
        assert change.number > 0
    assert await numbers(database) == []


async def test_a_later_change_waits_for_an_earlier_one_that_stalls(database: Database) -> None:
    order: list[str] = []

    async def later() -> None:
        async with database.changing() as change:
            order.append("later has its number")
            change.rows = 1

    async with database.changing() as first:
        first.rows = 1
        waiting = asyncio.create_task(later())
        await asyncio.wait({waiting}, timeout=0.3)
        order.append("first commits")
    await waiting
    assert order == ["first commits", "later has its number"]
    assert len(await numbers(database)) == 2


async def test_a_change_that_fails_is_undone(database: Database) -> None:
    async def fails() -> None:
        async with database.changing() as change:
            change.rows = 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert await numbers(database) == []
    async with database.changing() as change:
        change.rows = 1
    assert len(await numbers(database)) == 1


async def test_a_view_stays_what_it_was_while_others_commit(database: Database) -> None:
    async with database.reading() as connection:
        before = (await connection.execute(select(BATCH.c.change))).all()
        async with database.changing() as change:
            change.rows = 1
        after = (await connection.execute(select(BATCH.c.change))).all()
    assert before == after == []


async def test_a_database_without_tables_says_what_to_do(
    tmp_path: object, postgresql: Server
) -> None:
    for url in (f"sqlite:///{tmp_path}/none.db", postgresql.empty_database()):
        with pytest.raises(InputError, match="kioskd-hub init"):
            await Database.open(url)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", ""])
async def test_another_kind_of_database_is_refused_by_name(url: str) -> None:
    with pytest.raises(InputError, match="sqlite"):
        await Database.open(url)


async def test_a_server_that_is_not_there_is_a_fault_that_passes(postgresql: Server) -> None:
    nobody = postgresql.url("x").replace(str(postgresql.port), "1")
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        await Database.open(nobody)
    assert caught.value.transient
