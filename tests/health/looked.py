"""A site to look at: a real journal and state, devices that are plugged by hand, a fake clock."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from drivers.fakes import FakeClock, FakeDevice, FakeWatch, settle
from kioskd.access.lockout import LockoutPolicy
from kioskd.clock.trust import WallClockTrust
from kioskd.config.calendar import schedule_of
from kioskd.config.load import load
from kioskd.control.people import Person, Role
from kioskd.daemon.gauges import DeviceNews, Gauges
from kioskd.daemon.keys import no_keys
from kioskd.daemon.overview import Overview, Site
from kioskd.daemon.stores import Stores, WitnessedJournal
from kioskd.entry.lockouts import Lockouts
from kioskd.entry.notebook import Notebook
from kioskd.health.alert_book import AlertBook
from kioskd.ports import CacheState, DoorView
from kioskd.store.credentials import CredentialCache
from kioskd.store.journal import NoJournal, ThreadedJournal
from kioskd.store.journal_start import open_journal
from kioskd.store.state import NoState, StateDatabase

TECHNICIAN = Person("tiina", frozenset({Role.TECHNICIAN}))
CONFIG = """\
[site]
name = {{ fi = "Esimerkkilän kirjasto", sv = "Exempelby bibliotek" }}
branch = "ESI"
languages = ["fi", "sv"]
help_phone = "+358 9 123"
[storage]
directory = "{base}/storage"
retention_days = 14
[secrets]
device_key = "file:{base}/device.key"
[cards]
patron = ['26\\d{{8}}']
[clock]
source = "assume"
[devices.scanner]
driver = "serial-scanner"
port = "{base}/scanner"
[devices.keypad]
driver = "serial-keypad"
port = "{base}/keypad"
[devices.relay]
driver = "lcus-relay"
port = "{base}/relay"
[doors.front]
reader = "scanner"
keypad = "keypad"
strike = {{ device = "relay" }}
minimum_age = 12
[schedule]
holidays = ""
[schedule.weekly]
monday = ["07:00-21:00 self-service"]
"""


@dataclass
class Doubt:
    """Evidence of a clock that a time server vouches for, or nobody."""

    sure: bool = True

    def synchronised(self) -> bool:
        return self.sure

    def rtc(self) -> bool:
        return self.sure


class TestedCache(CredentialCache):
    """A cache that says of itself what a test wants."""

    __test__ = False
    now = CacheState(readable=False, synced=None)

    def state(self) -> CacheState:
        return self.now


class Looked:
    """Everything that an Overview looks at, running."""

    def __init__(self, base: Path) -> None:
        (base / "storage").mkdir(mode=0o700)
        self.path = base / "kioskd.toml"
        self.path.write_text(CONFIG.format(base=base), encoding="utf-8")
        self.config = load(self.path)
        self.clock = clock = FakeClock()
        self.directory = directory = base / "storage"
        self.zone = ZoneInfo("Europe/Helsinki")

        def opened() -> object:
            return open_journal(directory, self.zone, clock.moment().wall, clock.new_id(), None)

        journal = ThreadedJournal(opened(), directory, opened)  # type: ignore[arg-type]
        keys = no_keys("not needed here")
        self.cache = TestedCache(directory, keys.unseal_cache)
        self.state = StateDatabase(directory, keys.unseal_state)
        self.stores = Stores(self.cache, self.state, journal, directory, ["a fault of the start"])
        self.trust = WallClockTrust("assume", None, Doubt())
        self.gauges = Gauges.begun(clock)
        self.watch = FakeWatch()
        self.news = DeviceNews(self.watch, clock)
        self.devices = [FakeDevice(d.name, clock, self.news) for d in self.config.devices]
        self.journal = WitnessedJournal(
            journal, self.trust, self._happened, self.gauges.writing.written
        )
        self.notebook = Notebook(self.journal, clock, self.trust)
        self.book = AlertBook(clock, self.notebook.note)
        self.lockouts = Lockouts(LockoutPolicy())
        self.door = DoorView("front", "secured", clock.moment().wall, False, False, "closed")
        schedule = schedule_of(self.config)
        site = Site(
            self.config,
            clock,
            self.trust,
            lambda: schedule,
            self.stores,
            {"front": lambda: self.door},
            self.devices,
            self.lockouts,
        )
        versions = {"kioskd": "0.1.0", "argon2-cffi": "25.1"}
        self.overview = Overview(site, self.news, self.gauges, self.book, versions, watched=True)

    def _happened(self, record: object) -> None:
        self.gauges.happened(record)  # type: ignore[arg-type]
        self.book.observe(record)  # type: ignore[arg-type]

    def device(self, name: str) -> FakeDevice:
        """One of the devices."""
        return next(d for d in self.devices if d.name == name)

    def feed(self, credentials: int = 1000) -> None:
        """A feed came just now."""
        moment = self.clock.moment()
        self.cache.now = CacheState(True, moment, "20261123T080000-0", credentials)

    def without_stores(self) -> None:
        """As if neither journal nor state could be opened."""
        if isinstance(self.stores.journal, ThreadedJournal):
            self.stores.journal.close()
        self.state.close()
        self.stores.journal = NoJournal("no journal")
        self.stores.state = NoState()

    async def pass_seconds(self, seconds: float) -> None:
        """Let time pass as the alerts' task would see it."""
        for _ in range(int(seconds / 5)):
            await self.clock.advance(5.0)
            self.book.poll(await self.overview.conditions())
            await self.notebook.flush()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(device.run()) for device in self.devices]
        await settle()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        if isinstance(self.stores.state, StateDatabase):
            self.stores.close()

    def doors_view(self, **changes: object) -> None:
        """The door stands differently."""
        self.door = replace(self.door, **changes)  # type: ignore[arg-type]
