"""Counts and gauges of a site as Prometheus reads them (text format 0.0.4).

No label carries a person, a card or a row: names of doors, devices and alerts, versions. Every
account of the machine can read the page, so it never tells why somebody was turned away: whoever
watched it would know of the person who stands at the door.
Deliberately not here: serving them (kioskd.daemon.metrics) and statistics of a library (stats).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from kioskd.access.notices import FAULT_CODE
from kioskd.domain.decision import Decision
from kioskd.domain.record import Kind, Record

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


DECISIONS: Final = ("granted", "denied", "fault")  # fault: the device could not decide


class Tally:
    """Entries by decision since the start."""

    def __init__(self) -> None:
        self._decisions: Counter[str] = Counter()

    def observe(self, record: Record) -> None:
        """A row that happened."""
        if record.kind is Kind.ENTRY_DECIDED and record.decision is not None:
            self._decisions[_called(record.decision)] += 1

    def counts(self) -> dict[str, int]:
        """Every decision, zeros included: a series that exists can be watched."""
        return {decision: self._decisions[decision] for decision in DECISIONS}


def _called(decision: Decision) -> str:
    if decision.granted:
        return "granted"
    return "fault" if decision.reason in FAULT_CODE else "denied"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is told of one moment.

    entries: by decision. devices: name -> present. doors: name -> state. alerts: (alert, subject,
    level). cache_age and loop_lag: seconds; cache_age None before the first feed.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    uptime: float = 0.0
    entries: Mapping[str, int] = field(default_factory=dict)
    devices: Mapping[str, bool] = field(default_factory=dict)
    doors: Mapping[str, str] = field(default_factory=dict)
    alerts: tuple[tuple[str, str, str], ...] = ()
    cache_readable: bool = False
    credentials: int = 0
    cache_age: float | None = None
    journal_seq: int | None = None
    lockouts: int = 0
    loop_lag: float = 0.0
    clock_trusted: bool = False
    lockdown: bool = False
    hours: str = ""


Sample = tuple[Mapping[str, str], float]
_NO_LABELS: Final[Mapping[str, str]] = {}


def render(now: Snapshot) -> str:
    """The whole page."""
    return "".join(_families(now))


def _families(now: Snapshot) -> Iterator[str]:
    versions = dict(now.versions)
    yield _family("info", "gauge", "Versions of what runs.", [(versions, 1)])
    yield _one("uptime_seconds", "Seconds since the start.", now.uptime)
    entries = [({"decision": decision}, n) for decision, n in now.entries.items()]
    yield _family("entries_total", "counter", "Entries decided since the start.", entries)
    devices = [({"device": name}, int(present)) for name, present in now.devices.items()]
    yield _family("device_present", "gauge", "Whether a device answers.", devices)
    doors = [({"door": name, "state": state}, 1) for name, state in now.doors.items()]
    yield _family("door_state", "gauge", "The state that a door is in.", doors)
    alerts = [({"alert": a, "subject": s, "level": level}, 1) for a, s, level in now.alerts]
    yield _family("alert", "gauge", "Alerts that stand now.", alerts)
    hours = [({"state": now.hours}, 1)] if now.hours else []
    yield _family("hours", "gauge", "The state of the opening hours.", hours)
    yield _one("lockdown", "Whether a lockdown is on.", now.lockdown)
    yield _one("clock_trusted", "Whether the clock is believed.", now.clock_trusted)
    yield _one("cache_readable", "Whether the credentials can be read.", now.cache_readable)
    yield _one("cache_credentials", "Credentials in the cache.", now.credentials)
    yield _one("cache_age_seconds", "Age of the last complete feed.", now.cache_age)
    yield _one("journal_seq", "Number of the journal's last row.", now.journal_seq)
    yield _one("lockouts", "Cards that are locked out now.", now.lockouts)
    yield _one("loop_lag_seconds", "The worst delay of the loop of late.", now.loop_lag)


def _one(name: str, told: str, value: float | None) -> str:
    samples: list[Sample] = [] if value is None else [(_NO_LABELS, value)]
    return _family(name, "gauge", told, samples)


def _family(name: str, kind: str, told: str, samples: Iterable[Sample]) -> str:
    name = f"kioskd_{name}"
    head = f"# HELP {name} {told}\n# TYPE {name} {kind}\n"
    return head + "".join(f"{name}{_labels(labels)} {_number(n)}\n" for labels, n in samples)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
