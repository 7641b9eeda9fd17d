"""A site's office: real state.db, journal.db and keyring, the verbs of staff, and who asks."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.fakes import FakeClock
from kioskd.clock.trust import WallClockTrust
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.control.acts import Acts
from kioskd.control.people import Person, Role
from kioskd.control.verbs import Verbs
from kioskd.daemon.doors import lockout_policy
from kioskd.daemon.keys import open_keys
from kioskd.daemon.staffing import staffing
from kioskd.daemon.stores import WitnessedJournal, open_stores
from kioskd.domain.moment import Moment
from kioskd.entry.lockouts import Lockouts
from kioskd.ports import CardKeys
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_file import lockouts
from kioskd.store.journal_read import JournalReader
from kioskd.vault.device_key import write_device_key
from kioskd.vault.kdf import PinChecker, hash_pin
from kioskd.vault.verifiers import Argon2Parameters

NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)  # a Monday, 18:00 at the site
CHEAP = Argon2Parameters(memory_kib=8, time_cost=1, parallelism=1)
MAIJA = Person("maija", frozenset({Role.OPERATOR}))
PEKKA = Person("pekka", frozenset({Role.OPERATOR}))
CARD, OTHER, PIN = "167A006007", "167A000002", "258013"
CONFIGURATION = r"""
[site]
name = "Esimerkkilän kirjasto"
branch = "ESI"
[storage]
directory = "{home}/storage"
retention_days = 14
[secrets]
device_key = "file:{home}/device.key"
[cards]
patron = ['\d{{3}}[A-Z]\d{{6}}']
[devices.scanner]
driver = "serial-scanner"
port = "/dev/no-scanner"
[devices.pad]
driver = "serial-keypad"
port = "/dev/no-keypad"
[devices.relay]
driver = "lcus-relay"
port = "/dev/no-relay"
[doors.front]
reader = "scanner"
keypad = "pad"
strike = {{ device = "relay" }}
pin_min = 4
pin_max = 8
[schedule]
holidays = ""
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
"""


@dataclass
class Machine:
    """What vouches for the clock."""

    ntp: bool = False
    battery: bool = True

    def synchronised(self) -> bool:
        return self.ntp

    def rtc(self) -> bool:
        return self.battery


@dataclass
class Office:
    """One storage directory with a daemon's parts over it; `restart` is another daemon."""

    home: Path
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    machine: Machine = field(default_factory=Machine)
    reloads: int = 0

    def __post_init__(self) -> None:
        self.directory.mkdir(mode=0o700)
        write_device_key(self.home / "device.key")
        path = self.home / "kioskd.toml"
        path.write_text(CONFIGURATION.format(home=self.home), encoding="utf-8")
        self.config: Config = load(path)
        self.begin()

    @property
    def directory(self) -> Path:
        return self.home / "storage"

    def begin(self) -> None:
        self.keys = open_keys(self.config)
        self.checker = PinChecker(hash_pin("1", CHEAP))
        self.stores = open_stores(self.config, self.keys, self.checker, self.clock)
        assert isinstance(self.stores.journal, ThreadedJournal)
        file = self.stores.journal.opened
        mark: Moment | None = self.stores.state.clock_mark()
        self.trust = WallClockTrust("auto", file.newest_trusted, self.machine, mark)
        self.lockouts = Lockouts(lockout_policy(self.config), lockouts(file.file.connection))
        self.lockouts.carry_over(self.clock.moment(), trusted=self.believed())
        self.journal = WitnessedJournal(self.stores.journal, self.trust)
        acts = Acts(self.journal, self.clock, self.trust)
        self.verbs = Verbs(
            staffing(
                self.config,
                self.keys,
                self.stores,
                self.checker,
                acts,
                self.clock,
                self.trust,
                self.lockouts,
                self._reload,
            )
        )

    async def _reload(self) -> None:
        self.reloads += 1

    def end(self) -> None:
        self.stores.close()
        self.checker.close()

    def restart(self) -> None:
        self.end()
        self.begin()

    async def ask(self, verb: str, **args: object) -> dict[str, Any]:
        return await self.ask_as(MAIJA, verb, **args)

    async def ask_as(self, person: Person, verb: str, /, **args: object) -> dict[str, Any]:
        return dict(await self.verbs.ask(person, verb, args))

    async def allow(self, card: str = CARD, until: str = "2026-12-31") -> dict[str, Any]:
        return await self.ask("list-add", which="allow", card=card, until=until, reason="cleaner")

    async def wrong_pin(self, card: str, times: int = 1) -> None:
        """As a door charges it: in memory and in the journal."""
        for _ in range(times):
            charged = self.lockouts.charge(self.indices(card), self.clock.moment())
            await self.journal.charge(self.indices(card)[0], charged)

    def believed(self) -> bool:
        """Whether the clock is."""
        return self.trust.judge(self.clock.moment()).trusted

    def card(self, number: str) -> CardKeys:
        return self.keys.index.keys_of(number)

    def indices(self, number: str) -> tuple[bytes, ...]:
        return self.card(number).state

    def listed(self, number: str) -> tuple[bool, bool]:
        """Whether a door that looks now finds the card allowed, denied."""
        found = self.stores.state.listed(self.indices(number), self.clock.wall)
        return found.allowed, found.denied

    async def enters(self, number: str, pin: str) -> bool:
        """Whether the PIN opens what staff enrolled for the card."""
        enrolled = self.stores.state.enrolled(self.indices(number))
        return await self.checker.check(enrolled.verifier if enrolled else None, pin)

    def rows(self) -> list[dict[str, Any]]:
        with closing(JournalReader(self.directory)) as reader:
            return list(reader.rows())

    def acts(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Who did what, in order, without the start of the journal."""
        return [
            (row["by"], row["detail"]["action"], row["detail"])
            for row in self.rows()
            if row["by"] is not None
        ]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.end()
