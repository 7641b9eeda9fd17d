"""What lasts as long as the daemon: clocks, journal, schedule, alerts, what counts along the way.

Made once, apart from the loop. Deliberately not here: devices and doors, which come and go with
the configuration (fleet), and the tasks that run all of it (service).
"""

import logging
from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

from kioskd.access.schedule import Schedule, StaffException, hours_of
from kioskd.clock.system import SystemClock
from kioskd.clock.trust import Evidence, WallClockTrust
from kioskd.config.calendar import schedule_of
from kioskd.config.model import Config
from kioskd.control.acts import Acts
from kioskd.control.broadcast import Broadcaster
from kioskd.daemon.alerting import AlertCommand, raised_earlier
from kioskd.daemon.device_set import DeviceSet
from kioskd.daemon.doors import Shared, lockout_policy
from kioskd.daemon.events import publish
from kioskd.daemon.gauges import DeviceNews, Gauges
from kioskd.daemon.holidays import holidays_apart
from kioskd.daemon.keys import Keys
from kioskd.daemon.line_outbox_seal import SealedActivityBook
from kioskd.daemon.published import Published, kept
from kioskd.daemon.stores import Stores, WitnessedJournal
from kioskd.daemon.upkeep import JournalledWatch
from kioskd.domain.record import Record
from kioskd.entry.dossier import Dossier
from kioskd.entry.first_person import FirstPerson
from kioskd.entry.lockouts import Lockouts
from kioskd.entry.losses import Losses
from kioskd.entry.notebook import Notebook
from kioskd.errors import StoreError
from kioskd.health.alert_book import AlertBook
from kioskd.health.alerts import MANY_UNKNOWN_CARDS
from kioskd.ports import CardActivity, Checkpoint, Clock
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_file import lockouts
from kioskd.store.state_staff import StaffState
from kioskd.vault.kdf import PinChecker

log = logging.getLogger("kioskd")
IsHoliday = Callable[[date], bool]


class Site:
    """The lasting parts, and the configuration that is in force. Blocking to make."""

    def __init__(
        self,
        config: Config,
        keys: Keys,
        stores: Stores,
        checker: PinChecker,
        clock: SystemClock,
        checkpoint: Checkpoint,
        evidence: Evidence,
    ) -> None:
        self._evidence = evidence
        self.base = config
        self.published = kept(stores.directory, config.site.branch)
        self.config = config = self.published.over(config)
        self.keys = keys
        self.stores = stores
        self.checker = checker
        self.clock = clock
        self.checkpoint = checkpoint
        self.gauges = Gauges.begun(clock)
        self.broadcast = Broadcaster()
        self.trust = self._judge_of_clock()
        self.journal = WitnessedJournal(stores.journal, self.trust, self._happened, self._written)
        self.notebook = Notebook(self.journal, clock, self.trust)
        self.acts = Acts(self.journal, clock, self.trust)
        self.command = AlertCommand(config.alerts.command, config.site.branch)
        earlier = raised_earlier(stores.directory)
        self.book = AlertBook(clock, self.notebook.note, self.command.put, earlier)
        self.lockouts = self._remembered_lockouts()
        self.first = FirstPerson()
        self.news = DeviceNews(JournalledWatch(self.notebook), clock)
        self.losses = Losses(self.news)
        self.devices = DeviceSet(clock, self.losses)
        self.staff_hours = StaffState(stores.directory)
        self.exceptions: tuple[StaffException, ...] = self._read_exceptions()
        self._is_holiday = holidays_apart(config, clock.moment().wall.date())
        self.schedule = self._schedule()
        self.dossier = self.dossier_by(clock)

    @property
    def shared(self) -> Shared:
        """What every door is made with, as things are now."""
        return Shared(
            self.config,
            self.clock,
            self.schedule_now,
            self.dossier,
            self.lockouts,
            self.checker,
            self.journal,
            self.notebook,
            self.broadcast,
            self.first,
            self.gauges.ticks,
            self.losses,
            lambda door: self.book.spark(MANY_UNKNOWN_CARDS, door),
            self._writes,
            self.checkpoint,
            self._activity(),
        )

    def _activity(self) -> CardActivity | None:
        """What seals card activity, where a hub takes it and there are keys."""
        if self.config.register.events != "hub" or self.keys.keyring is None:
            return None
        return SealedActivityBook(self.keys.keyring)

    def schedule_now(self) -> Schedule:
        """The schedule in force."""
        return self.schedule

    def dossier_by(self, clock: Clock) -> Dossier:
        """What is known of cards, at the times of this clock."""
        return Dossier(
            clock,
            ZoneInfo(self.config.site.timezone),
            self.schedule_now,
            self.keys.index,
            self.stores.cache,
            self.stores.state,
            self.journal,
            self.lockouts,
            self.trust,
        )

    def use(self, config: Config, is_holiday: IsHoliday, published: Published) -> None:
        """A configuration without faults is in force from now on. In the loop.

        config: the file's, without what was published over it.
        """
        self.base, self.published = config, published
        self.config = published.over(config)
        self._is_holiday = is_holiday
        self.schedule = self._schedule()
        self.command.use(config.alerts.command, config.site.branch)

    async def read_hours(self) -> None:
        """Staff gave a date hours of its own, or took them back: in force at once. StoreError.

        They are read again now and then too, for a time when they could not be read.
        """
        found = await self.staff_hours.exceptions()
        if found != self.exceptions:
            self.exceptions = found
            self.schedule = self._schedule()

    def _writes(self) -> bool:
        there = isinstance(self.stores.journal, ThreadedJournal)
        return there and not self.gauges.writing.failing()

    def _judge_of_clock(self) -> WallClockTrust:
        journal = self.stores.journal
        newest = journal.opened.newest_trusted if isinstance(journal, ThreadedJournal) else None
        mark = self.stores.state.clock_mark()
        return WallClockTrust(self.config.clock.source, newest, self._evidence, mark)

    def _schedule(self) -> Schedule:
        return schedule_of(self.config, self._is_holiday, hours_of(self.exceptions))

    def _remembered_lockouts(self) -> Lockouts:
        journal = self.stores.journal
        found = (
            lockouts(journal.opened.file.connection) if isinstance(journal, ThreadedJournal) else {}
        )
        remembered = Lockouts(lockout_policy(self.config), found)
        now = self.clock.moment()
        remembered.carry_over(now, trusted=self.trust.judge(now).trusted)
        return remembered

    def _read_exceptions(self) -> tuple[StaffException, ...]:
        try:
            return self.stores.state.exceptions()
        except StoreError as error:
            log.error("state.unreadable", extra={"why": str(error)})  # noqa: TRY400
            return ()

    def _happened(self, record: Record) -> None:
        self.gauges.happened(record)
        self.book.observe(record)

    def _written(self, record: Record) -> None:
        self.gauges.writing.written(record)
        publish(self.broadcast, record)
