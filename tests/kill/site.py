"""A site on one storage directory: three ptys, a configuration, and every daemon that ran there."""

import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from argon2 import PasswordHasher

from drivers.simulated import SimulatedPty
from kioskd.config.load import load
from kioskd.daemon.importing import ImportRequest
from kioskd.daemon.keys import open_keyring
from kioskd.store.journal_read import JournalReader
from kioskd.store.journal_start import JOURNAL
from kioskd.vault.card_index import CardIndexer
from tests.kill.ledger import Book, Decided, Life, faults
from tests.kill.running import Ptys, Running

COMMAND = str(Path(sys.executable).with_name("kioskd"))
STOPPING = Path(__file__).with_name("stopping.py")
CARDS = 400
# The least that argon2 takes seriously: a kill is to hit the store, not the hash.
_CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CONFIG = r"""
[site]
name = "Esimerkkilä"
branch = "ESI"
[storage]
directory = "{folder}/storage"
retention_days = 14
[secrets]
device_key = "file:{folder}/device.key"
[cards]
patron = ['\d{{3}}[A-Z]\d{{6}}']
double_read_ms = 0
[clock]
source = "assume"
[policy]
deny_after_ms = 100
[devices.scanner]
driver = "serial-scanner"
port = "{folder}/scanner"
[devices.keypad]
driver = "serial-keypad"
port = "{folder}/keypad"
[devices.relay]
driver = "lcus-relay"
port = "{folder}/relay"
[doors.front]
reader = "scanner"
keypad = "keypad"
strike = {{ device = "relay" }}
release_seconds = 0.5
[schedule]
holidays = ""
[schedule.weekly]
"""


def card(number: int) -> str:
    """One of the cards that every feed has."""
    return f"167A{number % CARDS:06d}"


def write_config(folder: Path) -> Path:
    """A door that is in self-service at all times."""
    weekly = "".join(f'{day} = ["00:00-24:00 self-service"]\n' for day in _DAYS)
    path = folder / "config.toml"
    path.write_text(_CONFIG.format(folder=folder) + weekly, encoding="utf-8")
    return path


def write_feed(path: Path, pin: str) -> Path:
    """A feed in which every card has this PIN."""
    pin_hash = _CHEAP.hash(pin)
    rows = (json.dumps({"card": card(i), "pin_hash": pin_hash}) for i in range(CARDS))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def kioskd(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a console command to its end."""
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)


class Site:
    """Starts daemons one after the other and holds their lives against the journal."""

    def __init__(self, folder: Path) -> None:
        self.config = write_config(folder)
        self.storage = folder / "storage"
        self.lives: list[Life] = []
        self.ptys = Ptys(*(SimulatedPty(folder / name) for name in ("scanner", "keypad", "relay")))
        self._indexer = CardIndexer(open_keyring(load(self.config)))
        self._first = self._last_row()
        self._counts_before = self._counts()
        self._running: Running | None = None

    def __enter__(self) -> Self:
        for pty in (self.ptys.scanner, self.ptys.keypad, self.ptys.relay):
            pty.plug()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._running is not None:
            self._running.close()
        for pty in (self.ptys.scanner, self.ptys.keypad, self.ptys.relay):
            pty.unplug()

    def start(self) -> Running:
        """The console command, just started."""
        return self._started([COMMAND, "run"])

    def run(self) -> Running:
        """The console command, ready."""
        running = self.start()
        running.ready()
        return running

    def stopping(self, point: str, nth: int = 1, program: str = "run") -> Running:
        """A daemon that kills itself at a point."""
        return self._started([sys.executable, "-P", str(STOPPING), point, str(nth), program])

    def stopping_import(self, point: str, feed: Path, *, delta: bool = False) -> int:
        """An import that kills itself at a point; its exit code."""
        request = ImportRequest(str(self.config), str(feed), delta=delta)
        text = msgspec.json.encode(request).decode()
        command = [sys.executable, "-P", str(STOPPING), point, "1", "import", text]
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode

    def index_of(self, number: str) -> str:
        """A card as the journal knows it."""
        return self._indexer.keys_of(number).state[0].hex()

    def enter(self, running: Running, number: str, pin: str) -> str:
        """Card and PIN at the door; the notice that answers them."""
        return running.answer(lambda: running.present(number, pin, self.index_of(number)))

    def cut_off(self, running: Running, number: str, pin: str) -> int:
        """Card and PIN at a door that stops meanwhile; the exit code of its daemon."""
        running.ready()
        running.present(number, pin, self.index_of(number))
        return running.ended()

    def decided(self, number: str) -> list[str]:
        """The journalled reasons of a card, oldest first."""
        return [row.reason for row in self.book().decided if row.card == self.index_of(number)]

    def failures(self, number: str) -> int:
        """What the card is charged with."""
        return self.book().failures.get(self.index_of(number), 0)

    def faults(self) -> list[str]:
        """What does not fit, of the ledger and of the chain."""
        verified = kioskd("journal", "verify", "--config", str(self.config))
        broken = [] if verified.returncode == 0 else [verified.stdout + verified.stderr]
        return broken + faults(self.lives, self.book())

    def book(self) -> Book:
        """The journal now, from this site's first daemon on."""
        with closing(JournalReader(self.storage)) as reader:
            rows = [row for row in reader.rows() if row["kind"] == "entry.decided"]
            failures = {card.hex(): found.failures for card, found in reader.lockouts().items()}
        return Book(
            [found for row in rows if (found := _decided(row)).seq > self._first],
            failures,
            self._counts() - self._counts_before,
        )

    def _started(self, command: list[str]) -> Running:
        options = ["--config", str(self.config), "--log-format", "json"]
        self.lives.append(Life(self._last_row()))
        self._running = Running([*command, *options], self.ptys, self.lives[-1])
        return self._running

    def _last_row(self) -> int:
        if not (self.storage / JOURNAL).exists():
            return 0
        with closing(JournalReader(self.storage)) as reader:
            return max((int(str(row["seq"])) for row in reader.rows()), default=0)

    def _counts(self) -> Counter[str]:
        if not (self.storage / JOURNAL).exists():
            return Counter()
        counts: Counter[str] = Counter()
        with closing(JournalReader(self.storage)) as reader:
            for _, _, _, reason, n in reader.tallies("0000-00-00", "9999-99-99"):
                counts[reason] += n
        return counts


def _decided(row: dict[str, object]) -> Decided:
    at = datetime.fromisoformat(str(row["at"]))
    return Decided(int(str(row["seq"])), at, str(row["card"] or ""), str(row["reason"]))
