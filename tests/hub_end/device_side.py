"""The device's side of a world: a storage directory, a journal with one writer, and the line.

The parts are those of the line's process, wired here in this process as there: client, cache,
outbox, device and report. A kill cancels the line wherever it is and forgets every object; the next
one is made of what is on the disk.

Deliberately not here: what happens at the door (world), and the line as a process (processes).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self, cast
from zoneinfo import ZoneInfo

from kioskd import __version__
from kioskd.clock.system import SystemClock
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon.keys import open_keyring
from kioskd.daemon.line_cache import HubCache, drop_cache
from kioskd.daemon.line_link import DaemonLink
from kioskd.daemon.line_outbox import JournalOutbox
from kioskd.daemon.line_outbox_seal import SealedActivityBook
from kioskd.daemon.line_side import Hold, LinkedDevice, LinkedReport
from kioskd.daemon.line_wire import Delivered, LineState, Publish, SiteParts
from kioskd.domain.moment import Moment
from kioskd.domain.record import Record
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_start import open_journal
from kioskd.store.outbox_read import OutboxReader
from kioskd.vault.device_key import write_device_key
from sync.hub_address import HubAddress
from sync.hub_client import Deadlines, HubClient, Page
from sync.hub_wire import PublishedConfig
from sync.line import Line, Times
from tests.faults.proxy import Chance

PAGE: Final = 7  # lines: many pages of few cards, and cursors within a change
SPEED: Final = 200  # seconds of the line in a second: its waits are those of a day at a hub
TIMES: Final = Times(pull=10.0, beat=10.0, look=1.0, sweep=20.0)
DEADLINES: Final = Deadlines(call=0.4, page=0.6, push=0.6, snapshot=5.0)
_TEXT: Final = r"""
[site]
name = "Esimerkkilän kirjasto"
branch = "ESI"
timezone = "Europe/Helsinki"
[storage]
directory = "{base}/storage"
retention_days = 14
[secrets]
device_key = "file:{base}/device.key"
[cards]
patron = ['\d{{3}}[A-Z]\d{{6}}']
[schedule]
holidays = ""
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
[register]
kind = "hub"
[register.hub]
url = "http://127.0.0.1:{port}"
token = "file:{base}/hub.token"
pull_seconds = 5
"""


class FastClock:
    """ports.Clock whose seconds are short; wall and boot clock are the machine's."""

    def __init__(self) -> None:
        self._system = SystemClock()

    def moment(self) -> Moment:
        return self._system.moment()

    def monotonic(self) -> float:
        return self._system.monotonic() * SPEED

    async def sleep_until(self, monotonic: float) -> None:
        await self._system.sleep_until(monotonic / SPEED)

    def new_id(self) -> str:
        return self._system.new_id()


class SmallPages(HubClient):
    """A client that asks for few lines at a time."""

    async def restrictions(self, cursor: str = "", limit: int = PAGE) -> Page:
        return await super().restrictions(cursor, min(limit, PAGE))

    async def credentials(self, cursor: str, limit: int = PAGE) -> Page:
        return await super().credentials(cursor, min(limit, PAGE))


@dataclass
class Site:
    """What the daemon does for its line: daemon.line.Duties over a storage directory."""

    config: Config
    journal: ThreadedJournal = field(init=False)
    states: list[LineState] = field(default_factory=list)

    def __post_init__(self) -> None:
        zone, clock = ZoneInfo(self.config.site.timezone), SystemClock()
        directory = self.config.storage.directory
        opened = open_journal(directory, zone, datetime.now(UTC), clock.new_id(), None)
        self.journal = ThreadedJournal(opened, directory, lambda: opened)

    async def delivered(self, said: Delivered) -> None:
        at = datetime.now(UTC)
        await self.journal.mark_delivered(said.journal, said.through, said.dead, at)

    async def told(self, keys: list[bytes]) -> None:
        await self.journal.drop_activities(keys)

    async def pulse(self) -> SiteParts:
        opened = self.journal.opened
        return SiteParts(__version__, opened.journal, opened.file.head.seq, opened.file.head.hash)

    async def drop(self) -> None:
        keyring = open_keyring(self.config)
        await asyncio.to_thread(drop_cache, self.config.storage.directory, keyring)

    async def publish(self, told: Publish) -> None:
        raise AssertionError("nothing is published here")

    def state(self, line: LineState) -> None:
        self.states.append(line)


class NearLink:
    """As line_link.DaemonLink, without a socket between the two."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def mark_delivered(
        self, journal: str, through: int, dead: Sequence[tuple[int, str]]
    ) -> None:
        await self._site.delivered(Delivered(0, journal, through, list(dead)))

    async def drop_activities(self, keys: Sequence[bytes]) -> None:
        await self._site.told(list(keys))

    async def pulse(self) -> SiteParts:
        return await self._site.pulse()

    async def drop(self) -> None:
        await self._site.drop()

    async def publish(self, config: PublishedConfig, key: str) -> None:
        await self._site.publish(Publish(0, config, key))

    def tell(self, state: LineState) -> None:
        self._site.state(state)


@dataclass
class Device:
    """A device from `founded` on; its line runs from `start` to `kill`."""

    base: Path
    config: Config
    chance: Chance
    site: Site | None = None
    cache_of: type[HubCache] = HubCache
    _life: asyncio.Task[None] | None = None
    _left: list[JournalOutbox] = field(default_factory=list)

    @classmethod
    def founded(cls, base: Path, port: int, token: str, chance: Chance) -> Self:
        """A new device that has joined. port: where it finds its hub."""
        base.mkdir(mode=0o700)
        (base / "storage").mkdir(mode=0o700)
        write_device_key(base / "device.key")
        (base / "hub.token").write_text(token)
        (base / "hub.token").chmod(0o600)
        file = base / "kioskd.toml"
        file.write_text(_TEXT.format(base=base, port=port), encoding="utf-8")
        config = load(file)
        open_keyring(config)
        return cls(base, config, chance)

    @property
    def directory(self) -> Path:
        return self.config.storage.directory

    def book(self) -> SealedActivityBook:
        return SealedActivityBook(open_keyring(self.config))

    async def start(self) -> None:
        self.open()
        self._life = asyncio.create_task(self._live(), name="device")

    def open(self) -> None:
        """The daemon alone, without its line."""
        self.site = Site(self.config)

    async def append(self, record: Record) -> None:
        assert self.site is not None
        await self.site.journal.append(record)

    async def kill(self) -> None:
        """Now, whatever it is doing. What it was writing is there or is not."""
        await self.end()

    async def end(self) -> None:
        """The whole device, for good."""
        life, self._life = self._life, None
        if life is not None:
            life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life
        if self.site is not None:
            await asyncio.to_thread(self.site.journal.close)
            self.site = None

    async def pulls(self, whole: int) -> None:
        """Wait for that many more complete pulls."""
        seen = self._pulled()
        while len(self._pulled() - seen) < whole:  # noqa: ASYNC110 - told in passing
            await asyncio.sleep(0.01)

    def _pulled(self) -> set[datetime]:
        assert self.site is not None
        return {state.pulled for state in self.site.states if state.pulled is not None}

    def owes(self) -> bool:
        """Whether there is anything that the hub has not."""
        outbox = OutboxReader(self.directory)
        try:
            return outbox.waiting().rows > 0 or bool(outbox.activities(1))
        finally:
            outbox.close()

    def let_go(self) -> None:
        """Close what killed lines had open, once no thread of theirs can be reading any more."""
        for outbox in self._left:
            outbox._reader.close()

    async def _live(self) -> None:
        assert self.site is not None
        access, clock = self.config.register.hub, FastClock()
        assert access is not None
        token = (self.base / "hub.token").read_text()
        link = cast("DaemonLink", NearLink(self.site))
        outbox = JournalOutbox(self.directory, link, self.book)
        self._left.append(outbox)
        async with SmallPages(HubAddress(access.url, token), clock, DEADLINES) as hub:
            await self._line(hub, link, outbox, clock).run()

    def _line(
        self, hub: HubClient, link: DaemonLink, outbox: JournalOutbox, clock: FastClock
    ) -> Line:
        hold = Hold(self.directory)
        held = hold.is_on()
        report = LinkedReport(link.tell, clock.moment, LineState(held=held))
        cache = self.cache_of(self.config)
        device = LinkedDevice(self.config, link, cache, outbox, report, hold)
        return Line(hub, cache, outbox, device, report, clock, self._chance, TIMES, held=held)

    def _chance(self) -> float:
        return self.chance.below(1000) / 1000


async def until_not(holds: Callable[[], Awaitable[object]]) -> None:
    """Wait for the end of it; whoever asks says how long."""
    while await holds():  # noqa: ASYNC110 - what is asked is on a disk
        await asyncio.sleep(0.01)
