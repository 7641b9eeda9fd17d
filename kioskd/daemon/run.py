"""Runs the daemon in its process: opens the files, serves, stops, closes them.

The order of stopping is the order of safety (service). Files get a while and no more: a disk that
stalls keeps no process from its end.
"""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from kioskd.clock.system import SystemClock
from kioskd.clock.trust import Evidence, SystemEvidence
from kioskd.config.model import Config
from kioskd.daemon import signals
from kioskd.daemon.boot import secure_strikes
from kioskd.daemon.keys import open_keys
from kioskd.daemon.last_resort import LastResort, done_within
from kioskd.daemon.line import CHILD
from kioskd.daemon.notify import Notify
from kioskd.daemon.service import Service
from kioskd.daemon.site import Site
from kioskd.daemon.stores import open_stores
from kioskd.ports import Checkpoint, pass_by
from kioskd.vault.kdf import PinChecker

log = logging.getLogger("kioskd")


@dataclass(frozen=True, slots=True)
class Times:
    """The clock of the daemon, what speaks for it, and the module of a child that has the same."""

    clock: SystemClock
    evidence: Evidence
    line_child: str = CHILD


CLOSE_SECONDS = 0.8  # for the files, after service.WRITE_SECONDS
_SWITCH_SECONDS = 0.0005


def run(
    config: Config,
    checkpoint: Checkpoint = pass_by,
    leave: Callable[[int], object] | None = None,
    clock: SystemClock | None = None,
    evidence: Evidence | None = None,
    log_format: str = "text",
    line_child: str = CHILD,
) -> int:
    """Serve until a signal that stops; the exit code. The strikes are secured already.

    clock, evidence, line_child: of the machine, unless a demonstration brings its own.
    log_format: of the lines of its children; its own are set up.
    `leave` ends the process at once with a code: for when it was told to stop and something hangs.
    """
    for warning in config.warnings:
        log.warning("config", extra={"why": warning})
    # What the imports made lives as long as the process. A collection that walks all of it
    # holds the loop for 15 to 30 ms.
    gc.freeze()
    # A thread that computes gives way to the loop after this long, not after 5 ms.
    sys.setswitchinterval(_SWITCH_SECONDS)
    notify = Notify.taken_from(os.environ)
    resort = LastResort(lambda: secure_strikes(config), leave)
    try:
        times = Times(clock or SystemClock(), evidence or SystemEvidence(), line_child)
        asyncio.run(_serve(config, checkpoint, resort, times, notify, log_format))
    except BaseException:
        # Whatever went wrong, and wherever: no strike stays released behind it.
        resort.code = 1
        resort.secure()
        raise
    return 0


async def _serve(
    config: Config,
    checkpoint: Checkpoint,
    resort: LastResort,
    times: Times,
    notify: Notify,
    log_format: str,
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def begin_to_stop() -> None:
        resort.arm()
        with suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stop.set)

    signals.answer(begin_to_stop)
    try:
        await _serve_until(stop, config, checkpoint, resort, times, notify, log_format)
    finally:
        resort.arm()


async def _serve_until(
    stop: asyncio.Event,
    config: Config,
    checkpoint: Checkpoint,
    resort: LastResort,
    times: Times,
    notify: Notify,
    log_format: str,
) -> None:
    clock, checker = times.clock, PinChecker()
    keys = await asyncio.to_thread(open_keys, config)
    stores = await asyncio.to_thread(open_stores, config, keys, checker, clock)
    for fault in stores.faults:
        log.error("fault", extra={"why": fault})
    try:
        # Made apart from the loop: holidays and remembered attempts take a while to read.
        parts = (config, keys, stores, checker, clock, checkpoint, times.evidence)
        site = await asyncio.to_thread(Site, *parts)
        # A reload may have brought others.
        resort.secure = lambda: secure_strikes(site.config)
        await Service(site, notify, log_format, times.line_child).serve(stop, resort)
    finally:
        checker.close()
        if not await done_within(CLOSE_SECONDS, stores.close):
            log.warning("files.not_closed", extra={"why": "the disk or a lock on a file stalls"})
