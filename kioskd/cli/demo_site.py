"""The demo's site in a temporary directory: its files, its commands, its daemon.

Commands and daemon are the real ones, each a process of its own. Deliberately not here: who
comes to the door (kioskd.cli.demo_day).
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from kioskd.cli.demo_config import ALWAYS, PLAYED, SOCKET, Times, config_text

STOP_SECONDS: Final = 6.0  # the daemon promises 5

_KIOSKD: Final = (
    sys.executable,
    "-P",
    "-c",
    "import sys; from kioskd.cli.main import main; sys.exit(main())",
)
_DAEMON: Final = (sys.executable, "-P", "-m", "kioskd.cli.demo_daemon")


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


class Site:
    """A configured site in a directory of its own. hours: of every day."""

    def __init__(
        self, directory: Path, times: Times = PLAYED, hours: Iterable[str] = ALWAYS
    ) -> None:
        self.directory = directory
        self.storage = directory / "storage"
        self.config = directory / "kioskd.toml"
        self.key = directory / "device.key"
        self.socket = directory / SOCKET
        self.offset = directory / "offset"  # of the daemon's wall clock
        self.said = directory / "commands.txt"  # all that commands wrote
        self.storage.mkdir(mode=0o700)
        self.config.write_text(config_text(directory, times, hours), encoding="utf-8")

    def command(self, *arguments: str, seconds: float, stdin: str = "") -> Done:
        """Run a command to its end. subprocess.TimeoutExpired after `seconds`."""
        ended = subprocess.run(  # noqa: S603 - our own program
            [*_KIOSKD, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        with self.said.open("a", encoding="utf-8") as file:
            file.write(ended.stdout + ended.stderr)
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def edit(self, before: str, after: str) -> None:
        """Change the configuration file, as somebody with an editor does."""
        text = self.config.read_text(encoding="utf-8")
        self.config.write_text(text.replace(before, after), encoding="utf-8")

    def feed(self, rows: Iterable[Mapping[str, object]]) -> Path:
        """A feed file with these rows."""
        file = self.directory / "feed.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return file


@dataclass(slots=True)
class Daemon:
    """The daemon as a child, on a clock that can be moved; `events` are its log lines so far."""

    site: Site
    events: list[dict[str, Any]] = field(default_factory=list)
    _child: "subprocess.Popen[bytes] | None" = None
    _log: IO[str] | None = None
    _line: str = ""

    @property
    def log(self) -> Path:
        """Where its standard error goes."""
        return self.site.directory / "daemon.log"

    def start(self) -> None:
        """Start it; it is ready when it says so."""
        with self.log.open("ab") as file:
            self._child = subprocess.Popen(  # noqa: S603 - our own program
                [*_DAEMON, str(self.site.config), str(self.site.offset)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        if self._log is None:
            self._log = self.log.open(encoding="utf-8")

    def listen(self) -> None:
        """Read what it has logged since."""
        if self._log is None:
            return
        while line := self._log.readline():
            self._line += line
            if self._line.endswith("\n"):
                self.events.append(_event(self._line))
                self._line = ""

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._child is not None and self._child.poll() is None

    def kill(self) -> None:
        """End it as a power cut of its process would: it gets no chance to tidy up."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code, or -9 when it had to be killed."""
        if self._child is None:
            return 0
        with suppress(ProcessLookupError):
            os.kill(self._child.pid, signal.SIGTERM)
        try:
            return self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def close(self) -> None:
        """End it, whatever it does, and let go of its log."""
        try:
            if self.running:
                self.stop()
        finally:
            self.kill()
            if self._log is not None:
                self._log.close()


def _event(line: str) -> dict[str, Any]:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:  # what Python itself says when it ends badly
        return {"event": "", "text": line.rstrip()}
    return event
