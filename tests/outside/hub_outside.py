"""A hub as it is seen from outside: files, the command, a process on loopback.

Nothing of the hub is imported here.
"""

import json
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.outside.premises import Premises
from tests.outside.wire import PATIENCE_SECONDS

HUB = (
    sys.executable,
    "-P",
    "-c",
    "import sys; from sync.hub.main import main; sys.exit(main())",
)
_CONFIG = """\
[hub]
listen = "127.0.0.1:{port}"
database = "sqlite:///{base}/hub.db"
key = "file:{base}/hub.key"
cards = ['\\d{{3}}[A-Z]\\d{{6}}', '26\\d{{8}}']
[[hub.municipalities]]
name = "somewhere"
feeds = ["esi"]
[[hub.branches]]
code = "ESI"
municipality = "somewhere"
feeds = ["esi"]
[[hub.branches]]
code = "OTHER"
municipality = "somewhere"
feeds = ["esi"]
"""


@dataclass
class OutsideHub:
    """A hub in a directory."""

    base: Path
    port: int = 0
    child: "subprocess.Popen[bytes] | None" = None

    @property
    def config(self) -> Path:
        return self.base / "hub.toml"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def begin(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Make it, and import a register."""
        self.base.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.config.write_text(_CONFIG.format(base=self.base, port=self.port), encoding="utf-8")
        self.well("init")
        self.load(rows)

    def command(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [*HUB, *arguments, "--config", str(self.config)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def well(self, *arguments: str, stdin: str = "") -> str:
        """What a command printed that must succeed."""
        done = self.command(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def load(self, rows: Iterable[Mapping[str, object]], *options: str) -> None:
        """Import rows over standard input."""
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        self.well("import", "-", "--feed", "esi", *options, stdin=lines)

    def start(self) -> None:
        """Serve; returns once it answers."""
        with (self.base / "hub.log").open("ab") as log:
            command = [*HUB, "serve", "--config", str(self.config)]
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, stdout=log)
        end = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert self.child.poll() is None, (self.base / "hub.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.02)

    def kill(self) -> None:
        """Gone at once, as with its power."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None

    def events(self) -> list[str]:
        """Ids of the events that it holds."""
        with closing(sqlite3.connect(f"file:{self.base}/hub.db?mode=ro", uri=True)) as database:
            return [str(row[0]) for row in database.execute("SELECT id FROM event")]

    def bytes(self) -> bytes:
        """Everything that it has written down, its log among it."""
        return b"".join(path.read_bytes() for path in sorted(self.base.iterdir()))

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def joins(premises: Premises, hub: OutsideHub) -> None:
    """Make the site a device of the hub, with the command; its cache is pulled by that."""
    token = f"file:{premises.base}/hub.token"
    part = f'kind = "hub"\n[register.hub]\nurl = "{hub.url}"\ntoken = "{token}"\n'
    text = premises.config.read_text(encoding="utf-8").replace('kind = "file"\n', part)
    premises.config.write_text(text, encoding="utf-8")
    premises.storage.mkdir(mode=0o700, exist_ok=True)
    code = hub.well("device", "join-code", "door-1", "--branch", "ESI")
    done = premises.command("setup", "--join", code)
    assert done.returncode == 0, done.stderr
