"""A hub that answers, as the process that it is, and machines that join it."""

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kioskd.cli.main import main
from tests.hub_cli.hub_files import KIOSKD_HUB, TEXT, Hub

CARDS = 3


@dataclass(frozen=True)
class HubThere:
    """Where a hub is, and what its people do at it."""

    hub: Hub
    url: str

    def code(self, name: str, branch: str = "ESI") -> str:
        """A code for a device."""
        return self.hub.well("device", "join-code", name, "--branch", branch).split()[-1]

    def leave(self, name: str, text: str) -> None:
        """A device of this name is there, and left this as its configuration."""
        self.hub.well("device", "add", name, "--branch", "ESI")
        self.write("UPDATE device SET config_text = ? WHERE name = ?", text, name)

    def write(self, statement: str, *values: str) -> None:
        """Change the hub's database."""
        with contextlib.closing(sqlite3.connect(self.hub.base / "hub.db", timeout=20)) as database:
            assert database.execute(statement, values).rowcount
            database.commit()


@contextlib.contextmanager
def answering(base: Path, tls: Path | None = None) -> Iterator[HubThere]:
    """A hub with a few cards. tls: a file with its key and certificate, for localhost."""
    hub = Hub(base, f"sqlite:///{base / 'hub.db'}")
    more = f'\ntls_cert = "{tls}"\ntls_key = "{tls}"' if tls else ""
    hub.write(TEXT.replace('"127.0.0.1:0"', f'"127.0.0.1:0"{more}'))
    hub.well("init")
    rows = [json.dumps({"card": f"001A{number:06}"}) for number in range(CARDS)]
    hub.well("import", "-", "--feed", "esi", stdin="\n".join(rows).encode())
    command = [*KIOSKD_HUB, "serve", "--config", str(hub.config)]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stderr is not None
        said: list[str] = []
        while " ready " not in (ready := child.stderr.readline()):
            said.append(ready)
            assert ready, "".join(said)
        port = ready.rstrip().rpartition(":")[2]
        yield HubThere(hub, f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}")
    finally:
        child.kill()
        child.communicate()


@dataclass(frozen=True)
class Machine:
    """A directory of a machine that becomes a device."""

    base: Path

    @property
    def config(self) -> Path:
        return self.base / "kioskd.toml"

    @property
    def token(self) -> Path:
        return self.base / "hub.token"

    @property
    def storage(self) -> Path:
        return self.base / "storage"

    def setup(self, code: str, url: str, *more: str) -> int:
        """The command's exit code."""
        hub = ["--hub", url] if url else []
        return main(["setup", "--join", code, *hub, "--config", str(self.config), *more])

    def text(self, url: str, **changed: str) -> str:
        """A whole configuration; parts of it may be something else."""
        parts = {
            "storage": str(self.storage),
            "key": f"file:{self.base}/device.key",
            "token": f"file:{self.token}",
            "branch": "ESI",
            "more": "",
        }
        return WHOLE.format(url=url, **(parts | changed))


WHOLE = r"""
# of Maija, 2026
[site]
name = "Esimerkkilän kirjasto"
branch = "{branch}"
[storage]
directory = "{storage}"
retention_days = 14
[secrets]
device_key = "{key}"
[cards]
patron = ['\d{{3}}[A-Z]\d{{6}}']
[register]
kind = "hub"
[register.hub]
url = "{url}"
token = "{token}"
pull_seconds = 77
[devices.scanner]
driver = "serial-scanner"
port = "/dev/scanner"
[devices.relay]
driver = "lcus-relay"
port = "/dev/relay"
[doors.front]
reader = "scanner"
strike = {{ device = "relay" }}
pin = "never"
card_only_accepted_by = "Maija Virtanen, 2026-11-01"
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
{more}
"""
