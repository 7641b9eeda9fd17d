"""Runs the daemon: one task group, a task per door, device, strike and chore; then stops it.

The order of stopping is the order of safety: doors, then strikes (each secures once more), then
what follows entries, then devices and files.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any
from zoneinfo import ZoneInfo

from kioskd import __version__
from kioskd.clock.system import SystemClock
from kioskd.clock.trust import SystemEvidence, WallClockTrust
from kioskd.config.calendar import schedule_of
from kioskd.config.model import Config, Door
from kioskd.daemon import upkeep
from kioskd.daemon.boot import secure_strikes
from kioskd.daemon.doors import Devices, Shared, access_point, doorway_of, lockout_policy
from kioskd.daemon.keys import Keys, open_keys
from kioskd.daemon.stores import Stores, WitnessedJournal, open_stores
from kioskd.domain.record import Kind
from kioskd.entry.doorway import Doorway
from kioskd.entry.dossier import Dossier
from kioskd.entry.lockouts import Lockouts
from kioskd.entry.notebook import Notebook
from kioskd.ports import Checkpoint, pass_by
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_file import lockouts
from kioskd.vault.kdf import PinChecker

log = logging.getLogger("kioskd")
STOP_SECONDS = 4.0  # CONTRACTS: ends within 5 s
_SWITCH_SECONDS = 0.0005
_DOOR_PAUSE_SECONDS = 1.0  # before a door whose task failed is served again


def run(config: Config, checkpoint: Checkpoint = pass_by) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. The strikes are secured already."""
    for warning in config.warnings:
        log.warning("config", extra={"why": warning})
    # What the imports made lives as long as the process. A collection that walks all of it
    # holds the loop for 15 to 30 ms.
    gc.freeze()
    # A thread that computes gives way to the loop after this long, not after 5 ms.
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        asyncio.run(_serve(config, checkpoint))
    except BaseException:
        # Whatever went wrong, and wherever: no strike stays released behind it.
        secure_strikes(config)
        raise
    return 0


async def _serve(config: Config, checkpoint: Checkpoint) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    clock, checker = SystemClock(), PinChecker()
    keys = await asyncio.to_thread(open_keys, config)
    stores = await asyncio.to_thread(open_stores, config, keys, checker, clock)
    for fault in stores.faults:
        log.error("fault", extra={"why": fault})
    try:
        await Site(config, keys, stores, checker, clock, checkpoint).serve(stop)
    finally:
        checker.close()
        await asyncio.to_thread(stores.close)


class Site:
    """Everything that runs for one configuration."""

    def __init__(
        self,
        config: Config,
        keys: Keys,
        stores: Stores,
        checker: PinChecker,
        clock: SystemClock,
        checkpoint: Checkpoint,
    ) -> None:
        self._config = config
        self._keys = keys
        self._stores = stores
        self._clock = clock
        self._checkpoint = checkpoint
        file = stores.journal.opened if isinstance(stores.journal, ThreadedJournal) else None
        self._trust = WallClockTrust(
            config.clock.source, file.newest_trusted if file else None, SystemEvidence()
        )
        journal = WitnessedJournal(stores.journal, self._trust)
        self._notebook = Notebook(journal, clock, self._trust)
        known = lockouts(file.file.connection) if file else {}
        self._lockouts = Lockouts(lockout_policy(config), known)
        now = clock.moment()
        self._lockouts.carry_over(now, trusted=self._trust.judge(now).trusted)
        schedule = schedule_of(config)
        schedule.state_at(now.wall)  # reads this year's holidays before a patron waits for it
        dossier = Dossier(
            clock,
            ZoneInfo(config.site.timezone),
            lambda: schedule,
            keys.index,
            stores.cache,
            stores.state,
            journal,
            self._lockouts,
            self._trust,
        )
        self._shared = Shared(
            config,
            clock,
            lambda: schedule,
            dossier,
            self._lockouts,
            checker,
            journal,
            self._notebook,
            checkpoint,
        )
        self._devices = Devices(config, clock, upkeep.JournalledWatch(self._notebook))
        self._doorways = {d.name: doorway_of(self._shared, d, self._devices) for d in config.doors}

    async def serve(self, stop: asyncio.Event) -> None:
        """Run until `stop`; returns with every strike secured."""
        async with asyncio.TaskGroup() as group:
            chores = [_task(group, name, work) for name, work in self._chores()]
            devices = [_task(group, f"device {d.name}", d.run()) for d in self._devices.all()]
            strikes = [
                _task(group, f"strike {name}", doorway.keeper.watch())
                for name, doorway in self._doorways.items()
            ]
            doors = [
                _task(group, f"door {door.name}", self._serve_door(door))
                for door in self._config.doors
            ]
            await self._ready()
            await stop.wait()
            log.info("stopping")
            async with asyncio.timeout(STOP_SECONDS):
                await _end(doors)
                await _end(strikes)
                self._notebook.note(Kind.DAEMON_STOPPED)
                await self._notebook.flush()
                await _end(chores)
                await _end(devices)

    async def _ready(self) -> None:
        present = await asyncio.gather(*(d.tried() for d in self._devices.all()))
        names = [d.name for d in self._devices.all()]
        missing = [name for name, there in zip(names, present, strict=True) if not there]
        self._notebook.note(Kind.DAEMON_STARTED, detail={"version": __version__})
        extra: dict[str, object] = {
            "doors": len(self._doorways),
            "devices": f"{len(names) - len(missing)}/{len(names)}",
        }
        if missing:
            extra["missing"] = ",".join(missing)
        log.info("ready", extra=extra)

    def _chores(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        clock, notebook = self._clock, self._notebook
        chores = [
            ("notebook", notebook.run()),
            ("clock", upkeep.watch_clock(self._trust, notebook, clock)),
            ("cache", upkeep.refresh_cache(self._stores, notebook, clock)),
        ]
        journal = self._stores.journal
        if isinstance(journal, ThreadedJournal):
            retention = upkeep.keep_retention(
                self._config, self._keys, journal, self._trust, clock, self._checkpoint
            )
            chores.append(("retention", retention))
            chores.append(("mirror", upkeep.keep_mirror(self._stores.directory, journal, clock)))
        return chores

    async def _serve_door(self, door: Door) -> None:
        doorway = self._doorways[door.name]
        while True:
            await self._serve_once(door, doorway)
            await upkeep.every(_DOOR_PAUSE_SECONDS, self._clock)

    async def _serve_once(self, door: Door, doorway: Doorway) -> None:
        point = access_point(self._shared, door, self._devices, doorway)
        # A task of its own: it owns the pulses of this door, and the keeper sees it end.
        task = asyncio.create_task(point.serve(), name=f"access point {door.name}")
        try:
            await task
        except Exception:
            log.exception("door.failed", extra={"door": door.name})
        finally:
            task.cancel()
            doorway.keeper.end_now()


def _task(
    group: asyncio.TaskGroup, name: str, work: Coroutine[Any, Any, None]
) -> "asyncio.Task[None]":
    return group.create_task(work, name=name)


async def _end(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
