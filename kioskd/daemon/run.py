"""Runs the daemon: one task group, a task per door, device, strike and chore; then stops it.

The order of stopping is the order of safety: doors, then strikes (each secures once more), then
what follows entries, then devices and files. Files get a while and no more: a disk that stalls
keeps no process from its end.
"""

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

from kioskd import __version__
from kioskd.clock.system import SystemClock
from kioskd.clock.trust import SystemEvidence, WallClockTrust
from kioskd.config.calendar import schedule_of
from kioskd.config.model import Config, Door
from kioskd.daemon import signals, upkeep
from kioskd.daemon.boot import secure_strikes
from kioskd.daemon.doors import Devices, Shared, access_point, doorway_of, lockout_policy
from kioskd.daemon.holidays import holidays_apart
from kioskd.daemon.keys import Keys, open_keys
from kioskd.daemon.last_resort import LastResort, done_within
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
# CONTRACTS: ends within 5 s. Strikes need 2.3 s where a relay does not answer, else nothing.
WRITE_SECONDS = 2.8  # after it was told to stop, the last rows are given up
CLOSE_SECONDS = 0.8  # then the files have this long to close
_SWITCH_SECONDS = 0.0005
_DOOR_PAUSE_SECONDS = 1.0  # before a door whose task failed is served again


def run(
    config: Config,
    checkpoint: Checkpoint = pass_by,
    leave: Callable[[int], object] | None = None,
) -> int:
    """Serve until a signal that stops; the exit code. The strikes are secured already.

    `leave` ends the process at once with a code: for when it was told to stop and something hangs.
    """
    for warning in config.warnings:
        log.warning("config", extra={"why": warning})
    # What the imports made lives as long as the process. A collection that walks all of it
    # holds the loop for 15 to 30 ms.
    gc.freeze()
    # A thread that computes gives way to the loop after this long, not after 5 ms.
    sys.setswitchinterval(_SWITCH_SECONDS)
    resort = LastResort(lambda: secure_strikes(config), leave)
    try:
        asyncio.run(_serve(config, checkpoint, resort))
    except BaseException:
        # Whatever went wrong, and wherever: no strike stays released behind it.
        resort.code = 1
        secure_strikes(config)
        raise
    return 0


async def _serve(config: Config, checkpoint: Checkpoint, resort: LastResort) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def begin_to_stop() -> None:
        resort.arm()
        with suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stop.set)

    signals.answer(begin_to_stop)
    try:
        await _serve_until(stop, config, checkpoint, resort)
    finally:
        resort.arm()


async def _serve_until(
    stop: asyncio.Event, config: Config, checkpoint: Checkpoint, resort: LastResort
) -> None:
    clock, checker = SystemClock(), PinChecker()
    keys = await asyncio.to_thread(open_keys, config)
    stores = await asyncio.to_thread(open_stores, config, keys, checker, clock)
    for fault in stores.faults:
        log.error("fault", extra={"why": fault})
    try:
        # Made apart from the loop: holidays and remembered attempts take a while to read.
        site = await asyncio.to_thread(Site, config, keys, stores, checker, clock, checkpoint)
        await site.serve(stop, resort)
    finally:
        checker.close()
        if not await done_within(CLOSE_SECONDS, stores.close):
            log.warning("files.not_closed", extra={"why": "the disk or a lock on a file stalls"})


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
        schedule = schedule_of(config, holidays_apart(config, now.wall.date()))
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

    async def serve(self, stop: asyncio.Event, resort: LastResort) -> None:
        """Run until `stop`; returns with every strike secured."""
        resort.code = 1
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
            late = asyncio.get_running_loop().time() + WRITE_SECONDS
            await _end(doors)
            await _end(strikes)
            resort.code = 0
            await self._write_the_last(late)
            await _end(chores)
            await _end(devices)

    async def _write_the_last(self, late: float) -> None:
        self._notebook.note(Kind.DAEMON_STOPPED)
        try:
            async with asyncio.timeout_at(late):
                await self._notebook.flush()
        except TimeoutError:
            why = "the journal did not take its last rows in time; see what else uses its file"
            log.error("journal.unfinished", extra={"why": why})  # noqa: TRY400

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
