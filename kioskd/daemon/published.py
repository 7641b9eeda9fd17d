"""What the hub published for this branch: hours and help phone over those of the file, lists.

    published.json   {"version", "schedule", "help_phone"}; nothing about a card is in it
    published.key    whose signature counts; apart, so that a file that is harmed loosens nothing

They are kept so that the last good one is in force without the hub, too. The lists go into state.db
as the hub's own entries, by card index; those of staff stay beside them, and a deny-list entry of
anybody counts.

Deliberately not here: whether the hub signed it (sync.signed_config; checked before it comes here).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from kioskd.config.hours import schedule
from kioskd.config.model import Config, ScheduleConfig
from kioskd.config.walk import Notes, Place
from kioskd.domain.card import CodeKind, CodePatterns, canonical, masked
from kioskd.domain.staff import HUB, ListEntry, Which
from kioskd.errors import InputError
from kioskd.ports import CardIndex
from kioskd.store.faults import mapped
from kioskd.vault import files
from sync.hub_wire import PublishedCard, PublishedConfig

FILE: Final = "published.json"
KEY: Final = "published.key"
UNREADABLE: Final = "?"  # no key in base64url

DENY_MOST: Final = timedelta(days=14)  # POLICY: a ban is the register's business
_LAST: Final = date(9998, 12, 31)
_MOST: Final = 1_000_000  # bytes


class _Kept(msgspec.Struct, frozen=True):
    """What is in the file."""

    version: int
    schedule: dict[str, object] | None = None
    help_phone: str | None = None


_kept = msgspec.json.Decoder(_Kept).decode


@dataclass(frozen=True, slots=True)
class Published:
    """The part that the file of this device could have said itself. None: not published.

    key: base64url, of whoever signed it; what comes later must be signed by the same.
    """

    version: int = 0
    schedule: ScheduleConfig | None = None
    help_phone: str | None = None
    key: str = ""

    def over(self, config: Config) -> Config:
        """The configuration with this over it, where the site takes its hours from the hub."""
        if config.register.hours != "hub":
            return config
        site = config.site
        if self.help_phone is not None:
            site = replace(site, help_phone=self.help_phone)
        return replace(config, site=site, schedule=self.schedule or config.schedule)


NOTHING: Final = Published()


def published_of(config: PublishedConfig, key: str) -> Published:
    """What a signed configuration says. InputError names every fault: the last good one stays."""
    if config.schedule is None:
        return Published(config.version, None, config.help_phone, key)
    notes = Notes("published")
    # Dates crossed the line as texts; in TOML they are dates.
    read = schedule(Place(notes, "schedule"), _with_dates(config.schedule))
    if notes.faults:
        raise InputError("\n".join(notes.faults))
    return Published(config.version, read, config.help_phone, key)


def keep(directory: Path, config: PublishedConfig, key: str) -> None:
    """Write down what is in force from now on; after a power cut it is the old or the new one."""
    kept = {
        "version": config.version,
        "schedule": config.schedule,
        "help_phone": config.help_phone,
    }
    text = msgspec.json.encode(kept)
    for path, data in ((directory / KEY, key.encode()), (directory / FILE, text)):
        with mapped(path):
            files.replace_whole(path, data)


def kept(directory: Path, branch: str) -> Published:
    """What was in force last; nothing where there is none or it is not to be read.

    The key stays what it was; one that is not to be read is none that anybody signs with.
    """
    key = _kept_key(directory)
    try:
        with (directory / FILE).open("rb") as file:
            found = _kept(file.read(_MOST))
        at = datetime.fromtimestamp(0, UTC)
        whole = PublishedConfig(found.version, branch, at, found.schedule, found.help_phone)
        return published_of(whole, key)
    except (OSError, ValueError, RecursionError, InputError):
        return Published(key=key)


def _kept_key(directory: Path) -> str:
    try:
        return files.read_plain(directory / KEY, _MOST).decode("ascii")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        return UNREADABLE


@dataclass(frozen=True, slots=True)
class HubLists:
    """The hub's entries of both lists. None: it does not keep that list."""

    allow: tuple[ListEntry, ...] | None
    deny: tuple[ListEntry, ...] | None


def lists_of(
    config: PublishedConfig, index: CardIndex, patterns: CodePatterns, zone: ZoneInfo, now: datetime
) -> HubLists:
    """Cards become indices; until is the end of its local day. InputError names what is no card."""

    def entries(which: Which, cards: Iterable[PublishedCard]) -> tuple[ListEntry, ...]:
        return tuple(_entry(which, card, index, patterns, zone, now) for card in cards)

    return HubLists(
        None if config.allow is None else entries(Which.ALLOW, config.allow),
        None if config.deny is None else entries(Which.DENY, config.deny),
    )


def _entry(
    which: Which,
    card: PublishedCard,
    index: CardIndex,
    patterns: CodePatterns,
    zone: ZoneInfo,
    now: datetime,
) -> ListEntry:
    number = canonical(card.card)
    if patterns.classify(number) not in (CodeKind.PATRON, CodeKind.PATRON_OR_ITEM):
        raise InputError(f"{which} list: {masked(number)} fits none of the patron patterns here")
    if which is Which.DENY and card.until > now.astimezone(zone).date() + DENY_MOST:
        raise InputError(f"deny list: {masked(number)}: until {card.until} is over 14 days ahead")
    until = datetime.combine(min(card.until, _LAST) + timedelta(days=1), time(), zone)
    reason = card.reason or "published by the hub"
    return ListEntry(index.keys_of(number).state[0], which, until, reason, HUB, masked(number), now)


def _with_dates(found: dict[str, object]) -> dict[str, object]:
    exceptions = found.get("exceptions")
    if not isinstance(exceptions, list):
        return found
    return {**found, "exceptions": [_dated(one) for one in exceptions]}


def _dated(exception: object) -> object:
    if not isinstance(exception, dict) or not isinstance(exception.get("date"), str):
        return exception
    try:
        return {**exception, "date": date.fromisoformat(exception["date"])}
    except ValueError:
        return exception
