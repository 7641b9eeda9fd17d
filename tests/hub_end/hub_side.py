"""The hub's side of a world: its files, its register's imports, and a hub that can be killed.

A hub answers in this process over its own connections to the database; a kill cuts its sockets,
cancels whatever it was doing and forgets its objects. What is left is what is in the database.

Deliberately not here: the proxy before it, and hubs that are processes of their own (processes).
"""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kioskd.errors import KioskError
from kioskd.vault.device_key import write_device_key
from kioskd.vault.verifiers import Argon2Parameters
from sync.hub.app import make_app
from sync.hub.changes import Pace
from sync.hub.config import load_hub
from sync.hub.database import Database
from sync.hub.devices import Devices
from sync.hub.front import Front
from sync.hub.hints import Hints
from sync.hub.housekeeping import House
from sync.hub.imports.feed import FeedParser
from sync.hub.imports.report import ImportRequest
from sync.hub.imports.run import run_import
from sync.hub.model import Branch, HubConfig
from sync.hub.opening import checked_keys, keep_check
from sync.hub.pulls import sync_branches
from sync.hub.sealing import HubKeys
from sync.hub.serve import parts_of

BRANCH: Final = "ESI"
DEVICE: Final = "front"
CHEAP: Final = Argon2Parameters(8, 1, 1)
PACE: Final = Pace(alive=0.03, gap=0.005)
IDLE_SECONDS: Final = 0.02  # a kept connection ends soon, so that there are many of them
END_SECONDS: Final = 5.0
_TEXT: Final = """\
[hub]
listen = "127.0.0.1:0"
database = "{database}"
key = "file:{base}/hub.key"
cards = ['\\d{{3}}[A-Z]\\d{{6}}']
[[hub.municipalities]]
name = "esimerkkila"
feeds = ["esi", "yht"]
[[hub.municipalities]]
name = "naapurila"
feeds = ["naa"]
[[hub.branches]]
code = "ESI"
municipality = "esimerkkila"
feeds = ["esi", "yht"]
categories = ["ADULT", "CHILD"]
send_language = true
send_kinds = ["loan-ban"]
[[hub.branches]]
code = "NAA"
municipality = "naapurila"
feeds = ["naa"]
"""


def wall() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


@dataclass
class Office:
    """The files of a hub, its keys, and its database as its commands use it."""

    base: Path
    config: HubConfig
    keys: HubKeys
    database: Database
    token: str

    @classmethod
    async def founded(cls, base: Path, url: str) -> "Office":
        """A hub with one device. url: of a database that has the tables."""
        file = await asyncio.to_thread(_written, base, url)
        config = load_hub(file, os.environ)
        database = await Database.open(config.database)
        await keep_check(config, database, os.environ)
        keys = await checked_keys(config, database, os.environ)
        await sync_branches(database, config)
        token = await Devices(database, wall).add(DEVICE, BRANCH)
        return cls(base, config, keys, database, token)

    @property
    def branch(self) -> Branch:
        found = self.config.branch(BRANCH)
        assert found is not None
        return found

    async def take(self, feed: str, data: bytes, *, full: bool) -> bool:
        """Import these lines as the command does; whether it went through."""
        with tempfile.NamedTemporaryFile(dir=self.base, suffix=".jsonl") as file:
            file.write(data)
            file.flush()
            return await self._import(Path(file.name), ImportRequest(feed, "feed", full, True))

    async def _import(self, file: Path, request: ImportRequest) -> bool:
        with contextlib.suppress(KioskError), contextlib.ExitStack() as opened:
            await run_import(
                self.database,
                self.keys,
                self.config,
                request,
                lambda rules: opened.enter_context(FeedParser.open(file, rules)),
                wall,
                parameters=CHEAP,
            )
            return True
        return False

    async def close(self) -> None:
        await self.database.close()


@dataclass
class RunningHub:
    """A hub that answers, from `start` to `kill`."""

    office: Office
    port: int = 0
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _life: asyncio.Task[None] | None = None
    _front: Front | None = None

    async def start(self) -> None:
        self._over = asyncio.Event()
        listening = asyncio.Event()
        self._life = asyncio.create_task(self._live(listening), name="hub")
        waiting = asyncio.create_task(listening.wait())
        await asyncio.wait({self._life, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._life.done():
            self._life.result()

    async def kill(self) -> None:
        """Now, whatever it is doing."""
        if self._life is None:
            return
        self._over.set()
        await self._life
        self._life = None

    async def _live(self, listening: asyncio.Event) -> None:
        database = await Database.open(self.office.config.database)
        try:
            async with self._answering(database) as front:
                self._front, self.port = front, front.port
                listening.set()
                await self._over.wait()
                await _cut(front)
        finally:
            await database.close()

    @contextlib.asynccontextmanager
    async def _answering(self, database: Database) -> AsyncIterator[Front]:
        office = self.office
        parts, verifying = parts_of(House(database, office.keys, office.config, wall))
        hints = Hints(database, parts.pulls, look=0.02)
        looking = asyncio.create_task(hints.run(), name="hints")
        app = make_app(parts, hints, pace=PACE)
        try:
            async with Front(app, "127.0.0.1", 0, idle=IDLE_SECONDS) as front:
                yield front
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            verifying.close()


def _written(base: Path, url: str) -> Path:
    """A directory with the hub's key and its configuration, of which this is the file."""
    base.mkdir(mode=0o700)
    write_device_key(base / "hub.key")
    file = base / "hub.toml"
    file.write_text(_TEXT.format(base=base, database=url))
    file.chmod(0o600)
    return file


async def _cut(front: Front) -> None:
    """Sockets first, so that nobody is answered any more; then what was under way."""
    runner, server = front._runner, front._server
    assert server is not None
    assert runner.server is not None
    await _deafen(server)
    server.close()
    runner._shutdown_timeout = 0.0
    under_way = []
    for connection in runner.server.connections:
        if connection.transport is not None:
            connection.transport.abort()
        task = connection._task_handler
        if task is not None and not task.done():
            task.cancel()
            under_way.append(task)
    if under_way:
        await asyncio.wait(under_way, timeout=END_SECONDS)


async def _deafen(server: asyncio.Server) -> None:
    """Let connections that were just accepted come to the server: asyncio loses them otherwise."""
    for plug in server.sockets:
        asyncio.get_running_loop().remove_reader(plug.fileno())
    for _ in range(3):
        await asyncio.sleep(0)
