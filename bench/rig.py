"""A door to measure: ptys for its devices, its files, and `kioskd` as a program of its own."""

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.feeds import PIN
from drivers.simulated import SimulatedPty

ON, OFF = bytes.fromhex("a00101a2"), bytes.fromhex("a00100a1")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_READY = re.compile(rb" kioskd ready ")
_START = "import sys; from kioskd.cli.main import main; sys.exit(main())"


@dataclass(slots=True)
class Rig:
    """One door in a folder of its own."""

    folder: Path
    release_seconds: float = 0.5
    scanner: SimulatedPty = field(init=False)
    keypad: SimulatedPty = field(init=False)
    relay: SimulatedPty = field(init=False)

    def __post_init__(self) -> None:
        self.scanner, self.keypad, self.relay = (
            SimulatedPty(self.folder / name) for name in ("scanner", "keypad", "relay")
        )
        for device in (self.scanner, self.keypad, self.relay):
            device.plug()
        self.config.write_text(self._toml(), encoding="utf-8")
        if not self.key.exists():
            self.command("keygen", "--out", str(self.key))

    @property
    def config(self) -> Path:
        return self.folder / "kioskd.toml"

    @property
    def key(self) -> Path:
        return self.folder / "device.key"

    def command(self, *arguments: str) -> str:
        """Run a command to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-P", "-c", _START, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def import_feed(self, feed: Path) -> None:
        """Import a full feed."""
        self.command("feed", "import", str(feed), "--config", str(self.config))

    def start(self, program: Sequence[str] = ("-c", _START, "run")) -> "Running":
        """Start the daemon; returns at once."""
        self.relay.received()  # what an earlier run left on the line
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-P", *program, "--config", str(self.config)],
            stderr=subprocess.PIPE,
        )
        return Running(self, process, began)

    def _toml(self) -> str:
        weekly = "\n".join(f'{day} = ["00:00-24:00 self-service"]' for day in DAYS)
        return f"""
[site]
name = "Esimerkkilä"
branch = "ESI"
[storage]
directory = "{self.folder}/data"
retention_days = 14
[secrets]
device_key = "file:{self.key}"
[cards]
patron = ['\\d{{3}}[A-Z]\\d{{6}}']
[clock]
source = "assume"
[devices.scanner]
driver = "serial-scanner"
port = "{self.scanner.port}"
[devices.keypad]
driver = "serial-keypad"
port = "{self.keypad.port}"
[devices.relay]
driver = "lcus-relay"
port = "{self.relay.port}"
[doors.front]
reader = "scanner"
keypad = "keypad"
strike = {{ device = "relay", channel = 1 }}
release_seconds = {self.release_seconds}
[schedule]
holidays = "FI"
holiday_hours = ["00:00-24:00 self-service"]
[schedule.weekly]
{weekly}
"""


@dataclass(slots=True)
class Running:
    """A daemon that was started; times are seconds since its exec."""

    rig: Rig
    process: "subprocess.Popen[bytes]"
    began: float
    _seen: bytes = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def first_frame(self, within: float = 10.0) -> float:
        """When the first relay bytes came; they must be the off-frame."""
        at = self.wait_relay(OFF, within) - self.began
        assert self._seen.startswith(OFF), self._seen.hex()
        return at

    def ready(self, within: float = 20.0) -> float:
        """When `ready` was logged."""
        assert self.process.stderr is not None
        log, until = b"", time.perf_counter() + within
        while not _READY.search(log):
            left = until - time.perf_counter()
            if left <= 0 or not select.select([self.process.stderr], [], [], left)[0]:
                raise TimeoutError(log.decode(errors="replace"))
            log += os.read(self.process.stderr.fileno(), 65536)
        return time.perf_counter() - self.began

    def wait_relay(self, frame: bytes, within: float = 5.0) -> float:
        """When `frame` had arrived at the relay (perf_counter)."""
        until = time.perf_counter() + within
        while frame not in self._seen:
            select.select([self.rig.relay._master], [], [], until - time.perf_counter())
            self._seen += self.rig.relay.received()
            if time.perf_counter() > until:
                raise TimeoutError(f"no {frame.hex()} in {self._seen.hex()}")
        return time.perf_counter()

    def entry(self, card: str) -> float:
        """One granted entry; seconds from its last key to the first relay byte."""
        self._seen = b""
        self.rig.relay.received()
        self.rig.scanner.send(f"{card}\r".encode())
        time.sleep(0.002)
        self.rig.keypad.send(PIN.encode())
        time.sleep(0.002)
        pressed = time.perf_counter()
        self.rig.keypad.send(b"#")
        return self.wait_relay(ON) - pressed

    def rss_mb(self) -> float:
        """Resident memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kilobytes.split()[1]) / 1024

    def stop(self) -> None:
        """End it as systemd would."""
        self.process.terminate()
        self.process.wait(10)
        if self.process.stderr is not None:
            self.process.stderr.close()
