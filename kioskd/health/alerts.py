"""What staff are alerted to: a table of rules over what is true of a site now.

A rule is *standing* when its condition can be looked at, such as a device that is not there. It is
*sparked* when it begins with an event, such as a door that was forced; then it lasts until it is
known to be over.

Deliberately not here: when an alert is told and when it is not told again (alert_book), where it
is told (kioskd.daemon.alerting), and anything about persons.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from kioskd.config.model import Maintenance
from kioskd.domain.line import LineView
from kioskd.domain.record import Kind
from kioskd.health import line_alerts

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FEED_OLD: Final = timedelta(hours=24)  # restrictions are pulled more often than that
DISK_SHARE: Final = 0.05  # of the file system
DISK_BYTES: Final = 100_000_000
DISK_CLEAR_SHARE: Final = 0.07  # an alert that hangs on a byte would come and go
DISK_CLEAR_BYTES: Final = 150_000_000
QUIET_SECONDS: Final = 600.0
DAMPED_SECONDS: Final = 600.0
MANY_UNKNOWN_CARDS: Final = "many-unknown-cards"
_EVERYWHERE: Final = ("",)
_CACHE: Final = "cache"


class Level(StrEnum):
    """What an alert asks for: nothing, a look, or somebody at once."""

    INFO = "info"
    LOOK = "look"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class DoorNow:
    """shut: its contact is there and says closed. strike: its relay is there."""

    shut: bool = False
    strike: bool = True


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of the storage directory's file system, as who may not use the reserve sees them."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a look at the site found.

    devices: name -> present. feed_age: of the credential cache; None before the first feed, or
    when no clock can tell. stores: what cannot be read or written, of journal, state, cache,
    storage. hung: tasks that do not tick. maintenance: the register may be silent now. line: to
    the hub, None without one. at: now.
    """

    doors: Mapping[str, DoorNow] = field(default_factory=dict)
    devices: Mapping[str, bool] = field(default_factory=dict)
    feed_age: timedelta | None = timedelta(0)
    feed_max_age: timedelta = timedelta(hours=120)
    maintenance: bool = False
    disk: Disk | None = None
    clock_trusted: bool = True
    stores: frozenset[str] = frozenset()
    hung: tuple[str, ...] = ()
    lockdown: bool = False
    line: LineView | None = None
    at: datetime = EPOCH


Standing = Callable[[Conditions, bool], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert. words: for people, `{subject}` is the door, device or file that it is about.

    standing: its subjects now, told whether it is raised already. sparked: the kind of row that
    begins it; it is over when its door is shut, or once it was quiet for `quiet` seconds. after:
    seconds for which it must hold first. damped: seconds between two raises of one subject.
    withheld: not raised while the register has its maintenance.
    """

    name: str
    level: Level
    words: str
    standing: Standing | None = None
    sparked: Kind | None = None
    of_door: bool = False
    after: float = 0.0
    quiet: float | None = None
    damped: float = DAMPED_SECONDS
    withheld: bool = False

    def told(self, subject: str) -> str:
        """The sentence for this subject."""
        return self.words.format(subject=subject)


def _strikes(now: Conditions, raised: bool) -> Iterable[str]:
    return [name for name, door in now.doors.items() if not door.strike]


def _devices(now: Conditions, raised: bool) -> Iterable[str]:
    return [name for name, present in now.devices.items() if not present]


def _feed_old(now: Conditions, raised: bool) -> Iterable[str]:
    # It lasts when it gets worse: an all-clear then would be none.
    old = raised if now.feed_age is None else now.feed_age > FEED_OLD
    return _EVERYWHERE if old else ()


def _feed_too_old(now: Conditions, raised: bool) -> Iterable[str]:
    if _CACHE in now.stores:
        # store-failed tells of it; where the key is missing another feed would mend nothing.
        return _EVERYWHERE if raised else ()
    too_old = now.feed_age is None or now.feed_age > now.feed_max_age
    return _EVERYWHERE if too_old else ()


def _of_line(applies: Callable[[LineView | None], bool]) -> Standing:
    return lambda now, raised: _EVERYWHERE if applies(now.line) else ()


def _undelivered(now: Conditions, raised: bool) -> Iterable[str]:
    return _EVERYWHERE if line_alerts.undelivered(now.line, now.at, raised) else ()


def _disk(now: Conditions, raised: bool) -> Iterable[str]:
    if now.disk is None:
        return _EVERYWHERE if raised else ()
    share, least = (DISK_CLEAR_SHARE, DISK_CLEAR_BYTES) if raised else (DISK_SHARE, DISK_BYTES)
    low = now.disk.free < max(share * now.disk.total, least)
    return _EVERYWHERE if low else ()


RULES: Final[Mapping[str, Rule]] = {
    rule.name: rule
    for rule in (
        Rule(
            "door-forced",
            Level.BAD,
            "{subject} was opened without being released: go and look",
            sparked=Kind.DOOR_FORCED,
            of_door=True,
            damped=60.0,  # each one counts, but a loose contact must not call somebody each second
        ),
        Rule(
            "door-held",
            Level.LOOK,
            "{subject} stands open: close it",
            sparked=Kind.DOOR_HELD,
            of_door=True,
            damped=60.0,
        ),
        Rule(
            "strike-missing",
            Level.BAD,
            "{subject} cannot be released, because its relay is not there: check the relay",
            standing=_strikes,
            of_door=True,
            after=10.0,
        ),
        Rule(
            "device-lost",
            Level.BAD,
            "{subject} does not answer: check its cable and power",
            standing=_devices,
            after=10.0,
        ),
        Rule(
            MANY_UNKNOWN_CARDS,
            Level.LOOK,
            "many unknown cards are being tried at {subject}: see who stands there",
            of_door=True,
            quiet=QUIET_SECONDS,
        ),
        Rule(
            "feed-old",
            Level.LOOK,
            "the credentials are older than 24 hours: see why no feed has come",
            standing=_feed_old,
            withheld=True,
        ),
        Rule(
            "feed-too-old",
            Level.BAD,
            "there are no credentials young enough to let anybody in: import a feed",
            standing=_feed_too_old,
            withheld=True,
        ),
        Rule(
            "line-refused",
            Level.BAD,
            "the hub does not know this device: see whether its token was revoked",
            standing=_of_line(line_alerts.refused),
        ),
        Rule(
            "cache-held",
            Level.BAD,
            "the hub had the credentials dropped, and nobody is let in: `device command NAME "
            "sync-now` at the hub brings them back",
            standing=_of_line(line_alerts.held),
        ),
        Rule(
            "hub-config",
            Level.BAD,
            "hours or lists that the hub published are not in force here: see `kioskd sync status`",
            standing=_of_line(line_alerts.not_in_force),
        ),
        Rule(
            "events-undelivered",
            Level.LOOK,
            "events have waited for the hub for 7 days: see why the line is down",
            standing=_undelivered,
        ),
        Rule(
            "events-rejected",
            Level.LOOK,
            "the hub refused events: see `kioskd sync status`",
            standing=_of_line(line_alerts.rejected),
        ),
        Rule(
            "hub-certificate",
            Level.LOOK,
            "the hub's certificate ends within 14 days: renew it there",
            standing=_of_line(line_alerts.certificate_ends),
        ),
        Rule(
            "hub-clock",
            Level.LOOK,
            "this clock and the hub's differ by over a minute: see which of them is wrong",
            standing=_of_line(line_alerts.skewed),
            after=60.0,
        ),
        Rule(
            "disk-low",
            Level.BAD,
            "the storage directory's file system is nearly full: make room",
            standing=_disk,
        ),
        Rule(
            "clock-untrusted",
            Level.BAD,
            "the clock cannot be believed: see `kioskd doctor`, then set the clock",
            standing=lambda now, raised: () if now.clock_trusted else _EVERYWHERE,
            after=10.0,
        ),
        Rule(
            "store-failed",
            Level.BAD,
            "the {subject} cannot be read or written: see `kioskd doctor`",
            standing=lambda now, raised: sorted(now.stores),
        ),
        Rule(
            "task-hung",
            Level.BAD,
            "{subject} does not go on: restart kioskd",
            standing=lambda now, raised: now.hung,
        ),
        Rule(
            "lockdown",
            Level.INFO,
            "a lockdown is on: nobody but the allow-list is let in",
            standing=lambda now, raised: _EVERYWHERE if now.lockdown else (),
            damped=0.0,
        ),
    )
}


def in_maintenance(windows: Iterable[Maintenance], local: datetime) -> bool:
    """Whether the register has its maintenance at this local time."""
    minute = local.hour * 60 + local.minute
    return any(_within(window, local.weekday(), minute) for window in windows)


def _within(window: Maintenance, day: int, minute: int) -> bool:
    if window.start_minute < window.end_minute:
        return day in window.days and window.start_minute <= minute < window.end_minute
    late = day in window.days and minute >= window.start_minute
    return late or ((day - 1) % 7 in window.days and minute < window.end_minute)
