"""What random schedules meet too rarely: moments that fall together, made to."""

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from kioskd.store import generations
from kioskd.store.generations import Current
from sync.hub.devices import Devices
from sync.hub_client import HubClient, Page
from sync.hub_wire import Heartbeat, HeartbeatAnswer
from tests.faults.proxy import Schedule
from tests.hub_end.device_side import PAGE, SmallPages, until_not
from tests.hub_end.hub_side import DEVICE, wall
from tests.hub_end.register import Row, card_of, lines, pin_hash
from tests.hub_end.world import ZONE, World, world

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SOMEBODY: Row = {"card": card_of(39), "pin_hash": pin_hash("x"), "ref": "b39", "category": "ADULT"}
CREDENTIALS = SmallPages.credentials
HEARTBEAT = HubClient.heartbeat


async def change(made: World, **columns: object) -> None:
    """The register knows this of somebody now."""
    assert await made.office.take("esi", lines([{**SOMEBODY, **columns}]), full=False)


@SQLITE
async def test_who_comes_of_age_soon_changes_between_two_streams(
    database_url: str, tmp_path: Path
) -> None:
    """The restrictions of a change come after its credentials, and take nothing back of them."""
    day = (datetime.now(ZONE).date() + timedelta(days=3)).isoformat()
    async with world(tmp_path, database_url, 1, Schedule()) as made:
        await made.device.pulls(1)
        changed: list[str] = []

        async def between(self: SmallPages, cursor: str, limit: int = PAGE) -> Page:
            if not changed:
                changed.append(day)
                await change(made, eligible_from=day)
            return await CREDENTIALS(self, cursor, limit)

        for kinds in (["use-ban"], ["loan-ban"]):  # the streams stand where they stand
            await change(made, restrictions=[{"kind": kind} for kind in kinds])
            await made.device.pulls(2)
        with patch.object(SmallPages, "credentials", between):
            await made.device.pulls(2)
        assert changed
        assert await made.faults() == []


@SQLITE
@pytest.mark.parametrize("kinds", [["sync-now", "drop-cache"], ["drop-cache"]])
async def test_the_last_of_several_commands_counts(
    database_url: str, tmp_path: Path, kinds: Sequence[str]
) -> None:
    """A device that is away is told to drop its cache, and then to fill it again."""
    async with world(tmp_path, database_url, 2, Schedule()) as made:
        await made.device.pulls(1)
        await made.device.kill()
        for kind in kinds:
            await Devices(made.office.database, wall).command(DEVICE, kind)
        await made.device.start()
        assert await made.faults() == []


@SQLITE
async def test_a_cache_that_is_dropped_while_a_page_is_written_stays_dropped(
    database_url: str, tmp_path: Path
) -> None:
    begun, go, written = threading.Event(), threading.Event(), threading.Event()
    write_current = generations.write_current

    def slowly(directory: Path, current: Current) -> None:
        begun.set()
        assert go.wait(30)
        write_current(directory, current)
        written.set()

    async with world(tmp_path, database_url, 3, Schedule()) as made:
        await made.device.pulls(1)
        devices, directory = Devices(made.office.database, wall), made.device.directory

        async def meanwhile(self: HubClient, beat: Heartbeat) -> HeartbeatAnswer:
            answer = await HEARTBEAT(self, beat)
            if answer.commands and not begun.is_set():
                await change(made, category="CHILD")
                assert await asyncio.to_thread(begun.wait, 30)
            return answer

        with (
            patch.object(generations, "write_current", slowly),
            patch.object(HubClient, "heartbeat", meanwhile),
        ):
            await devices.command(DEVICE, "drop-cache")
            assert await asyncio.to_thread(begun.wait, 30)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):  # one that does not wait for the page is done now
                    await until_not(lambda: devices.commands_for(DEVICE))
            go.set()
            assert await asyncio.to_thread(written.wait, 30)
            await until_not(lambda: devices.commands_for(DEVICE))
        assert generations.read_current(directory) is None
        assert await made.faults() == []
