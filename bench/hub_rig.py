"""A hub to measure: its files, `kioskd-hub serve` as programs of their own, and one device's files.

The databases are as an installation has them: SQLite on disk, PostgreSQL with every commit on disk.

Deliberately not here: rows in bulk (hub_rows), and memory (hub_memory).
"""

import contextlib
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kioskd.vault.device_key import write_device_key
from sync.hub.config import load_hub
from sync.hub.database import Database
from sync.hub.devices import Devices
from sync.hub.model import HubConfig
from sync.hub.sealing import HubKeys, read_hub_key
from tests.hub.databases import Server, _free_port, _programs

BRANCH: Final = "ESI"
HUB: Final = ("-P", "-c", "import sys; from sync.hub.main import main; sys.exit(main())")
_READY: Final = re.compile(r" ready listen=(\S+)")
_PATIENCE_SECONDS: Final = 30.0
_TOML: Final = """\
[hub]
listen = "127.0.0.1:0"
database = "{database}"
key = "file:{base}/hub.key"
cards = ['\\d{{3}}[A-Z]\\d{{6}}']
[[hub.municipalities]]
name = "esimerkkila"
feeds = ["esi"]
{branches}
"""
_BRANCH_TOML: Final = """\
[[hub.branches]]
code = "{code}"
municipality = "esimerkkila"
feeds = ["esi"]
"""
_DEVICE: Final = """\
[site]
name = "Esimerkkilä"
branch = "ESI"
[storage]
directory = "{base}/storage"
retention_days = 14
[secrets]
device_key = "file:{base}/device.key"
[cards]
patron = ['\\d{{3}}[A-Z]\\d{{6}}']
[register]
kind = "hub"
[register.hub]
url = "{url}"
token = "file:{base}/token"
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
"""


class DurableServer(Server):
    """PostgreSQL with its own defaults: a commit is on disk before it is told."""

    def start(self) -> None:
        """Make the cluster and start it; returns once it answers."""
        self._as_owner("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-N")
        options = f"-k {self.directory} -p {self.port} -c listen_addresses=127.0.0.1"
        options += " -c max_connections=200"
        log = str(self.directory / "log")
        self._as_owner("pg_ctl", "-D", self._data, "-o", options, "-l", log, "-w", "start")

    @property
    def pid(self) -> int:
        """Of the process that all its others are children of."""
        return int((self.directory / "data" / "postmaster.pid").read_text().split()[0])


@contextlib.contextmanager
def postgresql() -> Iterator[DurableServer | None]:
    """A PostgreSQL server on disk; None where its programs are not installed."""
    programs = _programs()
    if programs is None:
        yield None
        return
    directory = Path(tempfile.mkdtemp(prefix="kioskd-pg-", dir="/var/tmp"))
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres", "postgres")
    server = DurableServer(programs, directory, _free_port())
    try:
        server.start()
        yield server
    finally:
        with contextlib.suppress(subprocess.SubprocessError):
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder on disk: /tmp may be memory, and a commit to memory is no commit."""
    with tempfile.TemporaryDirectory(prefix="kioskd-bench-", dir="/var/tmp") as made:
        yield Path(made)


@dataclass(frozen=True, slots=True)
class HubFiles:
    """A hub's folder, made ready by `kioskd-hub init`."""

    base: Path
    database: str  # sqlite or postgresql, for people

    @classmethod
    def make(cls, base: Path, url: str, codes: Sequence[str] = (BRANCH,)) -> "HubFiles":
        """Write its configuration with these branches, make key and tables."""
        base.mkdir(parents=True, exist_ok=True)
        config = base / "hub.toml"
        branches = "".join(_BRANCH_TOML.format(code=code) for code in codes)
        text = _TOML.format(base=base, database=url, branches=branches)
        config.write_text(text, encoding="utf-8")
        config.chmod(0o600)
        made = cls(base, "PostgreSQL" if url.startswith("postgresql") else "SQLite")
        made.command("init")
        return made

    @property
    def path(self) -> Path:
        return self.base / "hub.toml"

    def config(self) -> HubConfig:
        """As the hub reads it."""
        return load_hub(self.path)

    def keys(self) -> HubKeys:
        """The hub's own."""
        return HubKeys(read_hub_key(self.config().key))

    def program(self, *arguments: str) -> list[str]:
        """The command line of a hub's command."""
        return [sys.executable, *HUB, *arguments, "--config", str(self.path)]

    def command(self, *arguments: str) -> str:
        """Run a command to its end; what it printed."""
        done = subprocess.run(self.program(*arguments), check=True, capture_output=True, text=True)
        return done.stdout

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        """Its database."""
        database = await Database.open(self.config().database)
        try:
            yield database
        finally:
            await database.close()

    async def tokens(self, names: Sequence[str], codes: Sequence[str] = (BRANCH,)) -> list[str]:
        """New devices, spread over these branches in turn."""
        async with self.opened() as database:
            devices = Devices(database, lambda: datetime.now(UTC))
            at = itertools.cycle(codes)
            return [await devices.add(name, next(at)) for name in names]

    @contextlib.contextmanager
    def serving(self, name: str = "hub") -> "Iterator[Serving]":
        """`kioskd-hub serve`, from `ready` to the end of the block."""
        log = self.base / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(self.program("serve"), stdout=subprocess.DEVNULL, stderr=out)
        try:
            yield Serving(process, _address(process, log))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass(frozen=True, slots=True)
class Serving:
    """A hub that answers. url: where."""

    process: "subprocess.Popen[bytes]"
    url: str

    @property
    def pid(self) -> int:
        return self.process.pid


def device_files(base: Path, url: str, token: str) -> Path:
    """A device's folder with key, token and an empty storage; its configuration file."""
    (base / "storage").mkdir(parents=True, mode=0o700)
    write_device_key(base / "device.key")
    (base / "token").write_text(token + "\n", encoding="ascii")
    (base / "token").chmod(0o600)
    config = base / "kioskd.toml"
    config.write_text(_DEVICE.format(base=base, url=url), encoding="utf-8")
    return config


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if found := _READY.search(log.read_text(errors="replace")):
            said = found[1]
            return said if "://" in said else f"http://{said}"
        time.sleep(0.02)
    raise TimeoutError(f"the hub did not come up: {log.read_text(errors='replace')[-2000:]}")
