"""The demo's site in a temporary directory: its files, its commands, its daemon.

Commands and daemon are the real ones, each a process of its own. Deliberately not here: who
comes to the door (kioskd.cli.demo_day).
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from kioskd.cli.demo_child import Child, Done, run_to_end
from kioskd.cli.demo_config import ALWAYS, FILES, OFFSET, PLAYED, SAID, SOCKET, Times, config_text

_KIOSKD: Final = (
    sys.executable,
    "-P",
    "-c",
    "import sys; from kioskd.cli.main import main; sys.exit(main())",
)
_DAEMON: Final = (sys.executable, "-P", "-m", "kioskd.cli.demo_daemon")


class Site:
    """A configured site in a directory of its own. hours: of every day; register: its table."""

    def __init__(
        self,
        directory: Path,
        times: Times = PLAYED,
        hours: Iterable[str] = ALWAYS,
        register: str = FILES,
    ) -> None:
        self.directory = directory
        self.storage = directory / "storage"
        self.config = directory / "kioskd.toml"
        self.key = directory / "device.key"
        self.socket = directory / SOCKET
        self.offset = directory / OFFSET  # of the daemon's wall clock
        self.said = directory / SAID
        self.storage.mkdir(mode=0o700)
        self.config.write_text(config_text(directory, times, hours, register), encoding="utf-8")

    def command(self, *arguments: str, seconds: float, stdin: str = "") -> Done:
        """Run a command to its end. subprocess.TimeoutExpired after `seconds`."""
        return run_to_end([*_KIOSKD, *arguments], self.said, seconds=seconds, stdin=stdin)

    def edit(self, before: str, after: str) -> None:
        """Change the configuration file, as somebody with an editor does."""
        text = self.config.read_text(encoding="utf-8")
        self.config.write_text(text.replace(before, after), encoding="utf-8")

    def feed(self, rows: Iterable[Mapping[str, object]]) -> Path:
        """A feed file with these rows."""
        file = self.directory / "feed.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return file


class Daemon(Child):
    """The daemon of a site, on a clock that can be moved."""

    def __init__(self, site: Site) -> None:
        command = (*_DAEMON, str(site.config), str(site.offset))
        super().__init__(command, site.directory / "daemon.log")
