"""How the site stands now, for who asks: status and health, the alerts' rules, metrics.

One look for all of them, from within the loop; what touches the disk is asked in a thread.
Deliberately not here: what is done about it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kioskd.access.lockout import remaining
from kioskd.access.schedule import Schedule
from kioskd.clock.trust import WallClockTrust
from kioskd.config.model import Config
from kioskd.control.status import DeviceView, Standing, Vitals
from kioskd.daemon.gauges import DeviceNews, DiskGauge, Gauges
from kioskd.daemon.stores import Stores
from kioskd.domain.line import LineView
from kioskd.entry.dossier import age_of
from kioskd.errors import StoreDamaged, StoreError, VaultError
from kioskd.health.alert_book import AlertBook
from kioskd.health.alerts import Conditions, Disk, DoorNow, in_maintenance
from kioskd.health.metrics import Snapshot
from kioskd.ports import Clock, Device, DoorView, LockoutBook
from kioskd.store.journal import ThreadedJournal

_AT_A_TIME: Final = 500  # lockouts, about a millisecond
_NO_TIME: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Site:
    """The parts that are looked at. doors: by name, each asked for its view."""

    config: Config
    clock: Clock
    trust: WallClockTrust
    schedule: Callable[[], Schedule]
    stores: Stores
    doors: Mapping[str, Callable[[], DoorView]]
    devices: Iterable[Device]
    lockouts: LockoutBook
    hub_line: Callable[[], LineView | None] = lambda: None


class Overview:
    """control.status.StatusSource, and what alerts and metrics look at.

    After a reload another one is made of the new site; news, gauges and book go on.
    """

    def __init__(
        self,
        site: Site,
        news: DeviceNews,
        gauges: Gauges,
        book: AlertBook,
        versions: Mapping[str, str],
        *,
        watched: bool = False,
    ) -> None:
        self._site = site
        self._config = site.config
        self._clock = site.clock
        self._stores = site.stores
        self._devices = {device.name: device for device in site.devices}
        self._news = news
        self._gauges = gauges
        self._book = book
        self._versions = dict(versions)
        self._watched = watched
        self._zone = ZoneInfo(site.config.site.timezone)
        self._disk = DiskGauge(site.stores.directory)
        self._drivers = {device.name: device.driver for device in site.config.devices}
        self._relays = {door.name: door.strike.device for door in site.config.doors}
        self._locked_out = 0

    def standing(self) -> Standing:
        """One look at everything, at once."""
        now, schedule = self._clock.moment(), self._site.schedule()
        return Standing(
            at=now.wall,
            uptime=self._uptime(),
            hours=schedule.state_at(now.wall).value,
            next_change=schedule.next_change(now.wall),
            lockdown=self._lockdown()[0],
            clock=self._site.trust.judge(now),
            doors=self._doors(),
            devices=tuple(self._device(device) for device in self._devices.values()),
            cache=self._stores.cache.state(),
            cache_age=self._cache_age(),
            journal_seq=self._journal_seq(),
            journal_writes=self._journal_seq() is not None and not self._gauges.writing.failing(),
            alerts=self._book.current(),
            late=self._gauges.ticks.late(),
            line=self._site.hub_line(),
        )

    def vitals(self) -> Vitals:
        """What a doctor asks besides."""
        return Vitals(
            versions=self._versions,
            loop_lag=self._gauges.lag.worst(),
            lockouts=self._locked_out,
            clock_source=self._config.clock.source,
            synchronised=self._site.trust.synchronised,
            watched=self._watched,
            faults=tuple(self._stores.faults),
        )

    def line(self) -> str:
        """A line for `systemctl status`."""
        present = sum(device.present for device in self._devices.values())
        alerts = [f"{a['alert']} {a['subject']}".strip() for a in self._book.current()]
        told = f"doors {len(self._site.doors)}, devices {present}/{len(self._devices)}"
        return f"{told}; alerts: {', '.join(alerts)}" if alerts else told

    async def conditions(self) -> Conditions:
        """What the rules of alerts are held against; cards that are locked out are counted too."""
        now = self._clock.moment()
        self._locked_out = await self._count_locked_out()
        disk = await self._disk.look()
        lockdown, state_fault = self._lockdown()
        return Conditions(
            doors={view.name: self._door_now(view) for view in self._doors()},
            devices={name: device.present for name, device in self._devices.items()},
            feed_age=self._cache_age(),
            feed_max_age=timedelta(hours=self._config.policy.max_credential_age_hours),
            maintenance=in_maintenance(
                self._config.register.maintenance, now.wall.astimezone(self._zone)
            ),
            disk=disk,
            clock_trusted=self._site.trust.judge(now).trusted,
            stores=self._stores_failing(disk, state_fault=state_fault),
            hung=self._gauges.ticks.late(),
            lockdown=lockdown,
            line=self._site.hub_line(),
            at=now.wall,
        )

    def snapshot(self) -> Snapshot:
        """What is told to who measures."""
        now = self.standing()
        return Snapshot(
            versions=_labels(self._versions),
            uptime=now.uptime,
            entries=self._gauges.tally.counts(),
            devices={device.name: device.present for device in now.devices},
            doors={door.name: door.state for door in now.doors},
            alerts=tuple((str(a["alert"]), str(a["subject"]), str(a["level"])) for a in now.alerts),
            cache_readable=now.cache.readable,
            credentials=now.cache.credentials,
            cache_age=None if now.cache_age is None else now.cache_age.total_seconds(),
            journal_seq=now.journal_seq,
            lockouts=self._locked_out,
            loop_lag=self._gauges.lag.worst(),
            clock_trusted=now.clock.trusted,
            lockdown=now.lockdown,
            hours=now.hours,
        )

    def _doors(self) -> tuple[DoorView, ...]:
        return tuple(view() for view in self._site.doors.values())

    def _door_now(self, view: DoorView) -> DoorNow:
        relay = self._devices.get(self._relays.get(view.name, ""))
        return DoorNow(shut=view.contact == "closed", strike=relay is None or relay.present)

    def _device(self, device: Device) -> DeviceView:
        since, why = self._news.since(device.name)
        driver = self._drivers.get(device.name, "")
        return DeviceView(device.name, driver, device.present, since, "" if device.present else why)

    def _lockdown(self) -> tuple[bool, bool]:
        """Whether it is on, and whether that cannot be read."""
        try:
            return self._stores.state.lockdown(), False
        except StoreError:
            return True, True

    def _cache_age(self) -> timedelta | None:
        return age_of(self._stores.cache.state().synced, self._clock.moment())

    def _journal_seq(self) -> int | None:
        journal = self._stores.journal
        return journal.opened.file.head.seq if isinstance(journal, ThreadedJournal) else None

    def _stores_failing(self, disk: Disk | None, *, state_fault: bool) -> frozenset[str]:
        damaged = isinstance(self._stores.cache.fault, StoreDamaged | VaultError)
        found = {
            "storage": disk is None,
            "state": state_fault,
            "cache": damaged,  # one that never came is an old feed, not a fault
            "journal": self._journal_seq() is None or self._gauges.writing.failing(),
        }
        return frozenset(name for name, failing in found.items() if failing)

    async def _count_locked_out(self) -> int:
        # There may be ten thousand, when somebody tries cards: some at a time, doors in between.
        cards, now, found = tuple(self._site.lockouts.snapshot().values()), self._clock.moment(), 0
        for start in range(0, len(cards), _AT_A_TIME):
            some = cards[start : start + _AT_A_TIME]
            found += sum(remaining(lockout, now) > _NO_TIME for lockout in some)
            await asyncio.sleep(0)
        return found

    def _uptime(self) -> float:
        return self._clock.monotonic() - self._gauges.since


def _labels(versions: Mapping[str, str]) -> dict[str, str]:
    return {
        "".join(c if c.isalnum() else "_" for c in name.lower()): version
        for name, version in versions.items()
    }
