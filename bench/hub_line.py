"""The line's own process beside a hub: what it weighs, and how soon a block binds at the doors.

The daemon's side is played here, over a real journal: it answers what the line asks for.

Deliberately not here: a whole daemon (bench_door has one).
"""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.feeds import card
from bench.hub_rig import HubFiles
from bench.hub_rows import FEED
from kioskd import __version__
from kioskd.clock.system import SystemClock
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon.keys import Keys, open_keys
from kioskd.daemon.line import Line
from kioskd.daemon.line_wire import (
    Delivered,
    LineState,
    Publish,
    SiteParts,
    line_arguments,
)
from kioskd.daemon.stores import open_cache
from kioskd.domain.credential import Credential
from kioskd.store.credentials import CredentialCache
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_start import Opened, open_journal
from kioskd.vault.card_index import index_of

PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.002


def open_new_journal(directory: Path) -> Opened:
    """The journal of a device."""
    zone = ZoneInfo("Europe/Helsinki")
    return open_journal(directory, zone, datetime.now(UTC), "0" * 36, None)


def threaded(directory: Path) -> ThreadedJournal:
    """The same, as the daemon holds it."""
    return ThreadedJournal(
        open_new_journal(directory), directory, lambda: open_new_journal(directory)
    )


@dataclass(slots=True)
class Duties:
    """kioskd.daemon.line.Duties over a journal alone."""

    journal: ThreadedJournal
    states: list[LineState] = field(default_factory=list)

    async def delivered(self, said: Delivered) -> None:
        """The hub has these rows."""
        now = datetime.now(UTC)
        await self.journal.mark_delivered(said.journal, said.through, said.dead, now)

    async def told(self, keys: list[bytes]) -> None:
        """The hub has these activities."""
        await self.journal.drop_activities(keys)

    async def pulse(self) -> SiteParts:
        """A site without doors."""
        return SiteParts(version=__version__)

    async def drop(self) -> None:
        """Nobody asks for it here."""

    async def publish(self, told: Publish) -> None:
        """Nor for this."""

    def state(self, line: LineState) -> None:
        """How the line is."""
        self.states.append(line)


@dataclass(slots=True)
class Running:
    """A line's process that has pulled and listens, and the cache as a door reads it."""

    config: Config
    line: Line
    duties: Duties
    keys: Keys
    cache: CredentialCache

    @property
    def pid(self) -> int:
        """Of the process of the line."""
        assert self.line._child is not None
        return self.line._child.pid

    def find(self, number: int) -> Credential | None:
        """A card as the door sees it now."""
        meta = self.cache.meta
        assert meta is not None
        assert self.keys.keyring is not None
        secret = self.keys.keyring.cache_index(meta.index_key).secret
        return self.cache.find(index_of(secret, card(number)))

    def is_blocked(self, number: int) -> bool:
        """Whether the door would deny it."""
        found = self.find(number)
        return found is not None and bool(found.restrictions)


@contextlib.asynccontextmanager
async def running(config_path: Path) -> AsyncIterator[Running]:
    """The line of a device, once it is live."""
    config = load(config_path)
    keys = open_keys(config)
    journal = threaded(config.storage.directory)
    duties = Duties(journal)
    line = Line(lambda: line_arguments(config, "text"), duties, SystemClock())
    cache = open_cache(config.storage.directory, keys, None)
    with _log_lines_to(config_path.with_name("line.log")):
        task = asyncio.create_task(line.run())
        await until(lambda: line._child is not None)
    try:
        await until(lambda: line.state.hints and line.state.pulled is not None)
        await cache.refresh()
        yield Running(config, line, duties, keys, cache)
    finally:
        task.cancel()
        await asyncio.wait({task})
        cache.close()
        journal.close()


@contextlib.contextmanager
def _log_lines_to(path: Path) -> Iterator[None]:
    """What is started meanwhile writes its log lines there, not between our figures."""
    ours = os.dup(2)
    with path.open("ab") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)


async def until(true: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> float:
    """When something became true (perf_counter)."""
    end = time.perf_counter() + seconds
    while not true():
        if time.perf_counter() > end:
            raise TimeoutError("it did not happen")
        await asyncio.sleep(_LOOK_SECONDS)
    return time.perf_counter()


async def block(files: HubFiles, line: Running, number: int) -> tuple[float, float]:
    """Import a block of one card; seconds until a door denies it.

    From the start of the command, and from the end of its process.
    """
    assert not line.is_blocked(number)
    delta = files.base / "delta.jsonl"
    row = {"card": card(number), "restrictions": [{"kind": "use-ban"}]}
    delta.write_text(json.dumps(row) + "\n", encoding="utf-8")
    command = files.program("import", str(delta), "--feed", FEED, "--delta", "--json")
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    effective = asyncio.create_task(until(lambda: line.is_blocked(number)))
    code = await process.wait()
    ended = time.perf_counter()
    assert code == 0, code
    at = await effective
    return at - began, at - ended


async def command_seconds(files: HubFiles) -> float:
    """What a hub's command takes that does nothing: its program's start."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *files.program("import")[:-2], "--help", stdout=asyncio.subprocess.DEVNULL
    )
    await process.wait()
    return time.perf_counter() - began
