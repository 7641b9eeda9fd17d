"""A site as it is seen from outside: pseudo-terminals, files, a process, its exit code.

Nothing of kioskd is imported here: frames, the journal's chain and the feed are spelled out
again from what is documented, so that a mistake in the code is not repeated by its test.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.outside.outside_facts import PIN, register
from tests.outside.wire import OFF, ON, PATIENCE_SECONDS, Wire

RELEASE_SECONDS = 0.5
LONG_RELEASE_SECONDS = 1.0
RECONNECT_SECONDS = 5.0  # unplugged and back

KIOSKD = (
    sys.executable,
    "-P",
    "-c",
    "import sys; from kioskd.cli.main import main; sys.exit(main())",
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CONFIG = """\
[site]
name = "Somewhere"
branch = "ESI"
[storage]
directory = "{base}/storage"
retention_days = 14
[secrets]
device_key = "file:{base}/device.key"
[cards]
patron = ['\\d{{3}}[A-Z]\\d{{6}}', '26\\d{{8}}']
item = ['\\d{{3}}N\\d{{8}}', '26\\d{{8}}']
double_read_ms = 100
[clock]
source = "assume"
[register]
kind = "file"
[devices.front-scanner]
driver = "serial-scanner"
port = "{base}/scanner"
[devices.front-keypad]
driver = "serial-keypad"
port = "{base}/keypad"
[devices.front-relay]
driver = "lcus-relay"
port = "{base}/relay"
[doors.front]
reader = "front-scanner"
keypad = "front-keypad"
strike = {{ device = "front-relay", channel = 1, lock = "fail-secure" }}
release_seconds = {release}
long_release_seconds = {long_release}
[policy]
online = "never"
deny_after_ms = 200
[lockout]
tries = 20
[schedule]
holidays = ""
[schedule.weekly]
{weekly}
"""


@dataclass
class Premises:
    """A site in a directory; `base` may be any empty one."""

    base: Path
    scanner: Wire = field(init=False)
    keypad: Wire = field(init=False)
    relay: Wire = field(init=False)
    child: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.scanner, self.keypad, self.relay = (
            Wire(self.base / name) for name in ("scanner", "keypad", "relay")
        )
        weekly = "\n".join(f'{day} = ["00:00-24:00 self-service"]' for day in _DAYS)
        text = _CONFIG.format(
            base=self.base,
            release=RELEASE_SECONDS,
            long_release=LONG_RELEASE_SECONDS,
            weekly=weekly,
        )
        self.config.write_text(text, encoding="utf-8")

    @property
    def config(self) -> Path:
        return self.base / "kioskd.toml"

    @property
    def storage(self) -> Path:
        return self.base / "storage"

    @property
    def key(self) -> Path:
        return self.base / "device.key"

    @property
    def log(self) -> Path:
        return self.base / "daemon.log"

    @property
    def wires(self) -> tuple[Wire, Wire, Wire]:
        return self.scanner, self.keypad, self.relay

    def begin(self) -> None:
        """A key and a cache, made by the commands."""
        self.storage.mkdir(mode=0o700)
        assert self.command("keygen", "--out", str(self.key)).returncode == 0
        assert self.load(register()).returncode == 0

    def begin_as(self, other: "Premises") -> None:
        """The key and the files of another site."""
        shutil.copytree(other.storage, self.storage)
        shutil.copy2(other.key, self.key)

    def command(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; what it says is kept in a file."""
        done = subprocess.run(
            [*KIOSKD, *arguments, "--config", str(self.config)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        with (self.base / "commands.log").open("a", encoding="utf-8") as said:
            said.write(done.stdout + done.stderr)
        return done

    def load(
        self, rows: Iterable[Mapping[str, object]], *options: str
    ) -> "subprocess.CompletedProcess[str]":
        """Import a feed with these rows, then delete the file."""
        feed = self.base / "feed.jsonl"
        feed.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        try:
            return self.command("feed", "import", str(feed), *options)
        finally:
            feed.unlink()

    def start(self, program: tuple[str, ...] = KIOSKD) -> None:
        """Plug in what is not, start the daemon and wait until it is ready."""
        for wire in self.wires:
            if not wire.link.is_symlink():
                wire.plug()
        self.start_alone(program)
        self.until(lambda: "ready" in self.events())

    def start_alone(self, program: tuple[str, ...] = KIOSKD) -> None:
        """Start the daemon as things are."""
        with self.log.open("wb") as log:
            command = [*program, "run", "--config", str(self.config), "--log-format", "json"]
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, stdout=log)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the daemon; its exit code."""
        assert self.child is not None
        self.child.send_signal(number)
        return self.child.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        """Leave nothing behind, however the test ended."""
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        for wire in self.wires:
            wire.unplug()

    def lines(self) -> list[dict[str, Any]]:
        """What the daemon has logged."""
        text = self.log.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def events(self) -> list[str]:
        """Names of what the daemon has logged."""
        return [line["event"] for line in self.lines()]

    def until(self, holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while not holds():
            assert self.child is None or self.child.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"it did not come to that; {self.log.read_text()}"
            self.relay.listen()
            time.sleep(0.005)

    def ons(self) -> int:
        """How often the relay was switched on."""
        return self.relay.listen().count(ON)

    def scan(self, data: bytes) -> None:
        """What a scanner sends."""
        self.scanner.send(data)

    def told(self, notice: str, before: int) -> bool:
        """Whether a notice came after so many log lines."""
        return any(line.get("notice") == notice for line in self.lines()[before:])

    def visit(self, card: str, pin: str = PIN, *, grace: bytes = b"\r") -> str:
        """Somebody scans and types; the reason of the decision. The strike is secured again."""
        begun = len(self.lines())
        self.scan(card.encode() + grace)
        self.until(lambda: self.told("enter-pin", begun))
        self.keypad.send(pin.encode() + b"#")
        return self.answer(begun)

    def refused(self, card: str) -> str:
        """Somebody scans and is turned away without being asked for a PIN; the reason."""
        begun = len(self.lines())
        self.scan(card.encode() + b"\r")
        reason = self.answer(begun)
        assert not self.told("enter-pin", begun)
        return reason

    def answer(self, begun: int) -> str:
        """The reason of the decision after so many log lines, once the door is idle again."""

        def said() -> list[dict[str, Any]]:
            return [line for line in self.lines()[begun:] if line["event"] in _ANSWERS]

        self.until(lambda: bool(said()))
        answer = said()[0]
        if answer["event"] == "entry.granted":
            self.until(lambda: self.relay.listen().endswith(ON + OFF))
            return "OK"
        self.until(lambda: self._told_after(begun))
        return str(answer.get("reason", answer.get("why")))

    def _told_after(self, begun: int) -> bool:
        lines = self.lines()[begun:]
        answered = next(n for n, line in enumerate(lines) if line["event"] in _ANSWERS)
        return any(line["event"] == "notice" for line in lines[answered:])

    def export(self) -> list[dict[str, Any]]:
        """The journal's rows."""
        done = self.command("journal", "export")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def decisions(self) -> list[str]:
        """Reasons of all entries that were decided."""
        return [row["reason"] for row in self.export() if row["kind"] == "entry.decided"]


_ANSWERS = frozenset({"entry.granted", "entry.denied", "door.not_opened"})
