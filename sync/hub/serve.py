"""`kioskd-hub serve`: everything wired together, from `ready` to the end.

    await serve(config, os.environ, stop, ready)

Of several hubs on one PostgreSQL each runs this: none keeps anything that the others lack.
It ends within END_SECONDS of `stop`: answers under way are finished or cut, streams end at once.

Deliberately not here: signals and log lines (cli), and what the parts do.
"""

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from sync.hub.activity import Activities
from sync.hub.app import make_app
from sync.hub.app_parts import Parts
from sync.hub.database import Database
from sync.hub.devices import Devices
from sync.hub.events import Events
from sync.hub.front import Front
from sync.hub.heartbeats import Heartbeats
from sync.hub.hints import Hints
from sync.hub.housekeeping import House, keep_house
from sync.hub.model import HubConfig
from sync.hub.opening import checked_keys
from sync.hub.publishing import Publishing
from sync.hub.pulls import Pulls, sync_branches
from sync.hub.sockets import CONNECTIONS, connections_within, hushed, raised_files
from sync.hub.transport import Transport, transport_of
from sync.hub.verify import Verifying

END_SECONDS: Final = 5.0
_TASK_SECONDS: Final = 0.5  # for tasks that were cancelled
Now = Callable[[], datetime]
_log = logging.getLogger("kioskd.hub")


def wall() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


async def serve(
    config: HubConfig,
    environ: Mapping[str, str],
    stop: asyncio.Event,
    ready: Callable[[str], None],
    *,
    now: Now = wall,
) -> None:
    """Answer devices until `stop` is set. ready: told the address once it listens.

    InputError: no such database, no such address, or a certificate that cannot be used.
    VaultError: no key, or another one than the database's. StoreError: the database is away.
    """
    transport = transport_of(config, now())
    for warning in transport.warnings:
        _log.warning("tls", extra={"why": warning})
    database = await Database.open(config.database)
    try:
        keys = await checked_keys(config, database, environ)
        await sync_branches(database, config)
        house = House(database, keys, config, now)
        _check_files()
        async with answering_devices(house, transport) as address:
            _log.info("ready", extra={"listen": address})
            ready(address)
            await _until(stop, [asyncio.create_task(keep_house(house, stop), name="house")])
        _log.info("stopped")
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def answering_devices(house: House, transport: Transport) -> AsyncIterator[str]:
    """The HTTP side alone, its address. The database is open, `sync_branches` was called."""
    parts, verifying = parts_of(house)
    hints = Hints(house.database, parts.pulls)
    front = Front(make_app(parts, hints), transport.host, transport.port, transport.tls)
    try:
        with hushed():
            async with _beside(asyncio.create_task(hints.run(), name="hints")), front:
                yield transport.address(front.port)
    finally:
        verifying.close()


def parts_of(house: House) -> tuple[Parts, Verifying]:
    """All rooms behind the application; whoever makes them closes the checking of PINs."""
    database, keys, config, now = house.database, house.keys, house.config, house.now
    publishing = Publishing(database, keys, config, now)
    verifying = Verifying(database, keys, config, now)
    parts = Parts(
        config=config,
        database=database,
        tokens=Devices(database, now),
        pulls=Pulls(database, keys, config, now),
        events=Events(database, config, now),
        activities=Activities(database, config, now),
        verifying=verifying,
        heartbeats=Heartbeats(database, config, publishing, now),
        publishing=publishing,
        key=base64.urlsafe_b64encode(keys.public_key).rstrip(b"=").decode("ascii"),
        now=now,
    )
    return parts, verifying


@contextlib.asynccontextmanager
async def _beside(task: asyncio.Task[None]) -> AsyncIterator[None]:
    """A task for as long as the block; one that breaks breaks nothing else, and is told."""
    task.add_done_callback(_tell)
    try:
        yield
    finally:
        await _end([task])


def _check_files() -> None:
    most = connections_within(raised_files())
    if most < CONNECTIONS:
        why = f"open files allow {most} connections; raise the limit (LimitNOFILE of a unit)"
        _log.warning("connections", extra={"why": why})


async def _until(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.add_done_callback(_tell)
    try:
        await stop.wait()
    finally:
        # They have seen `stop`; what has not ended by then is cut off.
        await asyncio.wait(tasks, timeout=_TASK_SECONDS)
        await _end(tasks)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_TASK_SECONDS)


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("task ended", extra={"task": task.get_name()}, exc_info=error)
