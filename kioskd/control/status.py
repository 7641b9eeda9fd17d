"""How the site stands now, and what a screen shows of itself: status, health, site.

    status  {}  -> hours, lockdown, clock, doors, devices, cache, line, journal, alerts at a glance
    health  {}  -> versions, tasks that hang, delay of the loop, faults found at the start
    site    {}  -> {"name": {language: text}, "languages", "help_phone", "timezone", "branch",
                    "doors": {name: {"minimum_age"}}}

Technicians and viewers see status and health, so nothing in them tells of a person, and no
decision and no reason is in them. Times are local with their offset. Where a site has more of
something than an answer has room for, what is in order is left out first, and `more` counts it.
Deliberately not here: looking (kioskd.daemon.overview), and tables (kioskd.cli.status).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from kioskd.config.model import Config
from kioskd.control.fitting import fits, fitted
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Run, only
from kioskd.domain.line import LineView
from kioskd.ports import CacheState, ClockJudgement, DoorView

_LISTS: Final = ("doors", "devices", "alerts", "late")
MOST_WHY: Final = 200  # characters; an answer of many devices has to fit into a line of the wire


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device as it stands now. since: of its state (UTC); why: it is away, empty when present."""

    name: str
    driver: str
    present: bool
    since: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """One look at the site.

    hours: the state's name; next_change: None when none comes. cache_age: None when no clock can
    tell, or before the first feed. journal_seq: None without a journal. alerts: as
    AlertBook.current gives them. late: tasks that do not go on. line: None without a hub.
    """

    at: datetime
    uptime: float
    hours: str
    next_change: datetime | None
    lockdown: bool
    clock: ClockJudgement
    doors: tuple[DoorView, ...]
    devices: tuple[DeviceView, ...]
    cache: CacheState
    cache_age: timedelta | None
    journal_seq: int | None
    journal_writes: bool
    alerts: Sequence[Mapping[str, Any]] = ()
    late: tuple[str, ...] = ()
    line: LineView | None = None


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a doctor asks besides. faults: found at the start; loop_lag: seconds."""

    versions: Mapping[str, str]
    loop_lag: float
    lockouts: int
    clock_source: str
    synchronised: bool
    watched: bool
    faults: tuple[str, ...] = field(default=())


class StatusSource(Protocol):
    """Looks at the daemon from within its loop; quick, never raises."""

    def standing(self) -> Standing: ...
    def vitals(self) -> Vitals: ...


def status_verbs(config: Config, look: StatusSource) -> Mapping[str, Run]:
    """The three verbs."""
    zone = ZoneInfo(config.site.timezone)

    async def status(person: Person, args: Arguments) -> Answer:
        only(args)
        return status_of(config, look, zone)

    async def health(person: Person, args: Arguments) -> Answer:
        only(args)
        return health_of(look, zone)

    async def site(person: Person, args: Arguments) -> Answer:
        only(args)
        return site_of(config)

    return {"status": status, "health": health, "site": site}


def site_of(config: Config) -> dict[str, Any]:
    """What a screen shows of itself."""
    site = config.site
    return {
        "name": dict(site.name),
        "languages": list(site.languages),
        "help_phone": site.help_phone,
        "timezone": site.timezone,
        "branch": site.branch,
        "doors": {door.name: {"minimum_age": door.minimum_age} for door in config.doors},
    }


def status_of(config: Config, look: StatusSource, zone: ZoneInfo) -> dict[str, Any]:
    """The answer to `status`."""
    now, vitals = look.standing(), look.vitals()
    answer = {
        "version": vitals.versions.get("kioskd", ""),
        "branch": config.site.branch,
        "zone": str(zone),
        "at": _local(now.at, zone),
        "uptime_seconds": round(now.uptime, 1),
        "hours": {"state": now.hours, "next_change": _local(now.next_change, zone)},
        "lockdown": now.lockdown,
        "clock": {"trusted": now.clock.trusted, "why": now.clock.why},
        "doors": [_door(door, zone) for door in now.doors],
        "devices": [_device(device, zone) for device in now.devices],
        "cache": _cache(now, config, zone),
        "line": _line(now.line, zone),
        "journal": {"seq": now.journal_seq, "writes": now.journal_writes},
        "alerts": [_alert(alert, zone) for alert in now.alerts],
        "late": list(now.late),
    }
    return answer if fits(answer) else fitted(_worst_first(answer), *_LISTS)


def _worst_first(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **answer,
        "doors": sorted(answer["doors"], key=lambda door: not door["fault"]),
        "devices": sorted(answer["devices"], key=lambda device: bool(device["present"])),
    }


def health_of(look: StatusSource, zone: ZoneInfo) -> dict[str, Any]:
    """The answer to `health`."""
    now, vitals = look.standing(), look.vitals()
    answer = {
        "at": _local(now.at, zone),
        "versions": dict(vitals.versions),
        "uptime_seconds": round(now.uptime, 1),
        "late": list(now.late),
        "watchdog": vitals.watched,
        "loop_lag_seconds": round(vitals.loop_lag, 4),
        "lockouts": vitals.lockouts,
        "clock": {
            "trusted": now.clock.trusted,
            "why": now.clock.why,
            "source": vitals.clock_source,
            "synchronised": vitals.synchronised,
        },
        "alerts": [_alert(alert, zone) for alert in now.alerts],
        "faults": [fault[:MOST_WHY] for fault in vitals.faults],
    }
    return fitted(answer, "faults", "alerts", "late")


def _door(door: DoorView, zone: ZoneInfo) -> dict[str, Any]:
    # Not when somebody came last, and not what was decided: that is a person's row.
    return {
        "name": door.name,
        "state": door.state,
        "since": _local(door.since, zone),
        "released": door.released,
        "unlocked": door.unlocked,
        "awaits_first_person": door.awaits_first_person,
        "contact": door.contact,
        "fault": door.fault,
    }


def _device(device: DeviceView, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "name": device.name,
        "driver": device.driver,
        "present": device.present,
        "since": _local(device.since, zone),
        "why": device.why[:MOST_WHY],
    }


def _cache(now: Standing, config: Config, zone: ZoneInfo) -> dict[str, Any]:
    synced = now.cache.synced
    return {
        "readable": now.cache.readable,
        "generation": now.cache.generation,
        "credentials": now.cache.credentials,
        "synced": _local(synced.wall if synced else None, zone),
        "age_seconds": None if now.cache_age is None else int(now.cache_age.total_seconds()),
        "good_for_seconds": config.policy.max_credential_age_hours * 3600,
    }


def _line(line: LineView | None, zone: ZoneInfo) -> dict[str, Any] | None:
    if line is None:
        return None
    return {
        "hub": line.hub,
        "up": line.up,
        "why": line.why[:MOST_WHY],
        "pulled": _local(line.pulled, zone),
        "hints": line.hints,
        "waiting": line.waiting,
        "dead": line.dead,
        "certificate_days": line.certificate_days,
        "skew_seconds": None if line.skew_seconds is None else round(line.skew_seconds, 1),
        "refused": line.refused,
        "held": line.held,
        "config_why": line.config_why[:MOST_WHY],
    }


def _alert(alert: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    return {**alert, "since": _local(datetime.fromisoformat(alert["since"]), zone)}


def _local(at: datetime | None, zone: ZoneInfo) -> str | None:
    return None if at is None else at.astimezone(zone).isoformat(timespec="seconds")
