"""The child of the line: everything that goes over the network to the hub, and nothing else.

    python -P -m kioskd.daemon.line_run CONFIG text|json REGISTER     standard input: the pair

It reads configuration, token and keys itself, so that no secret passes through an argument. It
writes the credential cache and reads the journal; what is the daemon's it asks for over the pair.
It ends with the daemon. Each part is there where [register] says so.

Deliberately not here: the line (sync.line), and the daemon's side of the pair (line).
"""

import asyncio
import gc
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from kioskd import logs
from kioskd.clock.system import SystemClock
from kioskd.config.load import load
from kioskd.config.model import Config, HubAccess
from kioskd.daemon.keys import open_keyring
from kioskd.daemon.line_cache import HubCache
from kioskd.daemon.line_link import DaemonLink
from kioskd.daemon.line_outbox import JournalOutbox
from kioskd.daemon.line_outbox_seal import SealedActivityBook
from kioskd.daemon.line_secret import token_of
from kioskd.daemon.line_side import Hold, LinkedDevice, LinkedReport
from kioskd.daemon.line_wire import MAX_LINE, NOT_TRIED, LineState, register_of
from kioskd.errors import ConfigError, KioskError
from sync.hub_address import HubAddress
from sync.hub_client import HubClient
from sync.line import Line, Times

log = logging.getLogger("kioskd.line")
NICENESS: Final = 5  # the doors come first
OWNER_ONLY: Final = 0o077
AGAIN_SECONDS: Final = 30.0  # until a token or key that could not be read is looked for again
DONE, UNUSABLE = 0, 2


def main(arguments: Sequence[str], clock: SystemClock | None = None) -> int:
    """Keep the line until the daemon is gone; the exit code. clock: the machine's by default."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the daemon answers it
    os.umask(OWNER_ONLY)
    os.nice(NICENESS)
    lines = logs.set_up(arguments[1])
    try:
        # Of the register what is in force: the file may say already what waits for a restart.
        config = replace(load(Path(arguments[0])), register=register_of(arguments[2]))
        os.environ["SQLITE_TMPDIR"] = str(config.storage.directory)
        gc.freeze()
        asyncio.run(_serve(config, clock or SystemClock()))
    except ConfigError as error:
        log.error("line.config", extra={"why": error.faults[0]})  # noqa: TRY400
        return UNUSABLE
    finally:
        lines.finish()
    return DONE


async def _serve(config: Config, clock: SystemClock) -> None:
    pair = socket.socket(fileno=os.dup(0))
    pair.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=pair, limit=MAX_LINE)
    asked = asyncio.Event()
    link = DaemonLink(reader, writer, asked.set)
    keeping = asyncio.create_task(_keep(config, clock, link, asked), name="line")
    listening = asyncio.create_task(link.listen(), name="daemon")
    await asyncio.wait({keeping, listening}, return_when=asyncio.FIRST_COMPLETED)
    for task in (keeping, listening):
        task.cancel()
    await asyncio.wait({keeping, listening})
    writer.close()
    if not keeping.cancelled() and (bug := keeping.exception()) is not None:
        raise bug


async def _keep(config: Config, clock: SystemClock, link: DaemonLink, asked: asyncio.Event) -> None:
    """The line, as soon as its token and keys are to be had."""
    access = config.register.hub
    assert access is not None  # noqa: S101 - the daemon starts this where there is a hub
    while True:
        try:
            address = HubAddress(access.url, token_of(access.token), access.ca_file, access.proxy)
            break
        except KioskError as error:
            link.tell(LineState(why=str(error), refused=True))
            await asyncio.sleep(AGAIN_SECONDS)
    async with HubClient(address, clock) as hub:
        await _run(config, access, clock, link, asked, hub)


async def _run(
    config: Config,
    access: HubAccess,
    clock: SystemClock,
    link: DaemonLink,
    asked: asyncio.Event,
    hub: HubClient,
) -> None:
    register = config.register
    hold = Hold(config.storage.directory)
    held = await asyncio.to_thread(hold.is_on)
    report = LinkedReport(link.tell, clock.moment, LineState(why=NOT_TRIED, held=held))
    cache = HubCache(config, clock.moment) if register.credentials == "hub" else None
    outbox = JournalOutbox(config.storage.directory, link, lambda: _book(config))
    pushes = outbox if register.events == "hub" else None
    device = LinkedDevice(config, link, cache, pushes, report, hold)
    times = Times(pull=float(access.pull_seconds))
    line = Line(hub, cache, pushes, device, report, clock, _chance, times, held=held)

    async def look() -> None:
        while await asked.wait():
            asked.clear()
            line.sync_now()
            line.push_now()
            line.beat_now()

    async with asyncio.TaskGroup() as group:
        group.create_task(line.run(), name="line")
        group.create_task(look(), name="asked")


def _book(config: Config) -> SealedActivityBook:
    return SealedActivityBook(open_keyring(config))


def _chance() -> float:
    return secrets.randbelow(1 << 30) / (1 << 30)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
