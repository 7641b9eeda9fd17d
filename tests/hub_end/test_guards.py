"""The checker finds what it is there for: with a guard taken away, a world ends with faults.

Each guard has its own seed or order of events, which shows it quickly; the same one with the guard
in its place ends without a fault, so that it is the guard that made the difference.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from msgspec.structs import replace as changed
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.daemon.line_cache import HubCache
from kioskd.store import generations
from kioskd.store.cache_delta import rewrite_meta
from sync.hub.database import Database
from sync.hub.devices import Asker
from sync.hub.events import Events, Item
from sync.hub.pull_lines import Lines, credential
from sync.hub.pull_rows import Stored
from sync.hub_client import HubClient
from sync.hub_faults import HubFault, Why
from sync.hub_lines import TrustedLines, _trailer
from sync.hub_wire import Event, EventResult, Trailer
from sync.line_ports import Applied
from tests.faults.proxy import Schedule
from tests.hub.databases import Server
from tests.hub_end.register import card_of, lines, pin_hash
from tests.hub_end.world import World, world

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EITHER_WAY = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])
Patch = contextlib.AbstractContextManager[object]


def guard_off(guarded: bool, target: type, name: str, without: object) -> Patch:
    """The method as it is without its guard, or as it is."""
    return contextlib.nullcontext() if guarded else patch.object(target, name, without)


def row(number: int, **columns: object) -> dict[str, object]:
    return {"card": card_of(number), "pin_hash": pin_hash(str(number)), **columns}


async def change(made: World, *numbers: int, **columns: object) -> None:
    """These patrons of the branch change."""
    data = lines(row(number, **columns) for number in numbers)
    assert await made.office.take("esi", data, full=False)


# an event is known by its id


@SQLITE
@EITHER_WAY
async def test_an_event_that_comes_twice(database_url: str, tmp_path: Path, guarded: bool) -> None:
    """Answers are lost, so the device sends again what the hub has already."""
    take = Events.take

    async def forgetful(self: Events, device: Asker, items: Sequence[Item]) -> list[EventResult]:
        fresh = [
            changed(item, id=secrets.token_hex(16)) if isinstance(item, Event) else item
            for item in items
        ]
        results = await take(self, device, fresh)
        ids = [item.id for item in items if isinstance(item, Event)]
        return [changed(result, id=id_) for result, id_ in zip(results, ids, strict=True)]

    send = HubClient.events
    lost: list[int] = []

    async def unheard(self: HubClient, events: Sequence[Event]) -> list[EventResult]:
        results = await send(self, events)
        if len(lost) < 2:
            lost.append(len(events))
            raise HubFault(Why.BROKEN_OFF, "the answer was lost")
        return results

    with guard_off(guarded, Events, "take", forgetful), patch.object(HubClient, "events", unheard):
        async with world(tmp_path, database_url, 1, Schedule()) as made:
            await made.journal_some()
            found = await made.faults()
    assert lost
    assert any("times" in fault for fault in found) is not guarded, found
    assert any("counted wrongly" in fault for fault in found) is not guarded, found
    assert not guarded or found == []


# a page is what its last line says


@SQLITE
@EITHER_WAY
async def test_a_page_that_lost_a_line_on_its_way(
    database_url: str, tmp_path: Path, guarded: bool
) -> None:
    """Something between the two mends what it cut: the page is shorter, and ends as it should."""
    render = Lines.render
    spoilt: list[int] = []

    def cutting(self: Lines, rows: Sequence[Stored]) -> bytes:
        data = render(self, rows)
        if self.line_of is not credential or len(rows) < 2 or len(spoilt) == 2:
            return data
        spoilt.append(len(rows))
        return b"".join(data.splitlines(keepends=True)[:-1])

    async with world(tmp_path, database_url, 2, Schedule()) as made:
        await made.device.pulls(1)
        with (
            patch.object(Lines, "render", cutting),
            guard_off(guarded, TrustedLines, "finish", lambda self: _trailer(self._tail)),
        ):
            await change(made, 5, 6, 7, 8)
            found = await made.faults()
    assert spoilt
    assert (found == []) is guarded, found


# no row becomes visible behind a cursor


@EITHER_WAY
async def test_a_change_that_stalls_before_it_commits(
    postgresql: Server, tmp_path: Path, guarded: bool
) -> None:
    """One change has its number and stands still; a later one commits, and the device pulls."""

    async def no_lock(self: Database, connection: AsyncConnection) -> None:
        pass

    number, written, go = Database._number, asyncio.Event(), asyncio.Event()

    async def stalling(self: Database, connection: AsyncConnection) -> int:
        taken = await number(self, connection)
        if not written.is_set():
            written.set()
            await go.wait()
        return taken

    async with world(tmp_path, postgresql.new_database(), 3, Schedule()) as made:
        await made.device.pulls(1)
        with (
            guard_off(guarded, Database, "_take_lock", no_lock),
            patch.object(Database, "_number", stalling),
        ):
            first = asyncio.create_task(change(made, 6))
            await written.wait()
            second = asyncio.create_task(change_other(made))
            await asyncio.wait({second}, timeout=0.3 if guarded else 30)
            assert second.done() is not guarded
            await made.device.pulls(2)
            go.set()
            await asyncio.gather(first, second)
        found = await made.faults()
    assert (found == []) is guarded, found


async def change_other(made: World) -> None:
    """A change by another register: of one feed there is one import at a time."""
    data = lines([row(58, ref="other")])
    assert await made.office.take("yht", data, full=False)


# a cursor is committed with its rows


@SQLITE
@EITHER_WAY
async def test_a_kill_between_a_cursor_and_its_rows(
    database_url: str, tmp_path: Path, guarded: bool
) -> None:
    """A device is killed where a page has come in; one that had noted the cursor first loses it."""
    stands = asyncio.Event()

    class Killed(HubCache):
        async def apply(self, lines: Sequence[bytes], trailer: Trailer) -> Applied:
            if not lines:
                return await super().apply(lines, trailer)
            if not guarded:
                await asyncio.to_thread(move, self, trailer.cursor)
            stands.set()
            await asyncio.Event().wait()
            raise AssertionError

    async with world(tmp_path, database_url, 4, Schedule()) as made:
        await made.device.pulls(1)
        await made.device.kill()
        made.device.cache_of = Killed
        await made.device.start()
        await change(made, 6)
        await stands.wait()
        await made.device.kill()
        made.device.cache_of = HubCache
        await made.device.start()
        found = await made.faults()
    assert (found == []) is guarded, found


def move(cache: HubCache, cursor: str) -> None:
    """Note where the cache stands, and nothing else."""
    directory = cache._site.directory
    current = generations.read_current(directory)
    assert current is not None
    rewrite_meta(directory, current, lambda meta: replace(meta, credentials_cursor=cursor))
