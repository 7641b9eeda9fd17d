"""The demo's hub beside its site: files, commands, a serving process, and the line to it.

Everything of it stands in a directory of its own inside the demo's. Commands are the real ones.
Deliberately not here: what is imported and when (kioskd.cli.demo_moves_hub).
"""

import json
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from kioskd.cli.demo_cable import Cable
from kioskd.cli.demo_child import Child, Done, run_to_end
from kioskd.cli.demo_config import BRANCH, OFFSET, PATRON, SAID, TIMEZONE

FEED: Final = "esi"
DEVICE: Final = "front-device"
_HUB: Final = (
    sys.executable,
    "-P",
    "-c",
    "import sys; from sync.hub.main import main; sys.exit(main())",
)
_SERVE: Final = (sys.executable, "-P", "-m", "kioskd.cli.demo_hub_serve")
_CONFIG: Final = """\
[hub]
listen = "127.0.0.1:0"
database = "sqlite:///{directory}/hub.db"
key = "file:{directory}/hub.key"
cards = {patron}
timezone = "{timezone}"
[[hub.municipalities]]
name = "esittelykunta"
feeds = ["{feed}"]
[[hub.branches]]
code = "{branch}"
municipality = "esittelykunta"
feeds = ["{feed}"]
categories = ["ADULT"]
send_kinds = ["debarred", "fees"]
"""
_DECIDED: Final = "SELECT id, body FROM event WHERE kind = 'entry.decided' AND device = ?"
_COUNTED: Final = (
    "SELECT coalesce(sum(n), 0) FROM tally WHERE what = 'login' OR what LIKE 'denied:%'"
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a hub has: (id, decision) of each entry, and how many its anonymous counts tell of."""

    entries: tuple[tuple[str, str], ...]
    counted: int


class DemoHub(Child):
    """A hub and the cable to it. offset: of the demo's clock. url: where the device finds it."""

    def __init__(self, directory: Path, offset: Path, said: Path) -> None:
        self.cable = Cable()
        self._directory = directory
        self._config = directory / "hub.toml"
        self._said = said
        directory.mkdir(mode=0o700)
        self._config.write_text(
            _CONFIG.format(
                directory=directory, patron=PATRON, timezone=TIMEZONE, feed=FEED, branch=BRANCH
            ),
            encoding="utf-8",
        )
        command = (*_SERVE, str(self._config), str(offset))
        super().__init__(command, directory / "hub.log")

    def __enter__(self) -> Self:
        self.cable.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.close()
        finally:
            self.cable.__exit__(None, None, None)

    @property
    def url(self) -> str:
        """Where the device finds it: the near end of the cable."""
        return f"http://127.0.0.1:{self.cable.port}"

    @property
    def ready(self) -> bool:
        """Whether it serves; the cable leads there from then on."""
        self.listen()
        told = [event["listen"] for event in self.events if event["event"] == "ready"]
        if told:
            self.cable.lead_to(urlsplit(told[-1]).port or 0)
        return bool(told)

    def command(self, arguments: Sequence[str], *, seconds: float, stdin: str = "") -> Done:
        """Run a command of `kioskd-hub` to its end. subprocess.TimeoutExpired."""
        named = [*_HUB, *arguments, "--config", str(self._config)]
        return run_to_end(named, self._said, seconds=seconds, stdin=stdin)

    def delivered(self) -> Delivered:
        """What the device has delivered, read from the database beside the serving hub."""
        place = f"{(self._directory / 'hub.db').as_uri()}?mode=ro"
        with closing(sqlite3.connect(place, uri=True)) as database:
            rows = database.execute(_DECIDED, (DEVICE,)).fetchall()
            counted = database.execute(_COUNTED).fetchone()[0]
        entries = ((str(row[0]), str(json.loads(row[1])["decision"])) for row in rows)
        return Delivered(tuple(sorted(entries)), int(counted))


def hub_beside(directory: Path) -> DemoHub:
    """The hub of a demo's directory; as a context its cable is there, and all ends with it."""
    return DemoHub(directory / "hub", directory / OFFSET, directory / SAID)
