"""How a hub is, at a glance: imports, devices, work that waits, certificate; and what is not well.

Deliberately not here: how it is shown (cli.status), and Prometheus' figures (metrics).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from sqlalchemy import select

from sync.hub.database import Database
from sync.hub.device_rows import DeviceRow
from sync.hub.devices import Devices
from sync.hub.model import HubConfig
from sync.hub.schema import IMPORT
from sync.hub.wrapping import waiting

SILENT: Final = timedelta(minutes=10)  # a device is heard every 30 seconds
CERTIFICATE_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed's imports. full: when the last one began that did its work; None: never, or long ago.

    other: when the last delta or list ended. open: how many since then have no end, because they
    run or were cut off; failed: how many ended with a fault.
    """

    feed: str
    full: datetime | None = None
    other: datetime | None = None
    open: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """A hub at one moment. certificate_days: until it ends; None: there is none to read."""

    at: datetime
    feeds: Sequence[FeedState]
    devices: Sequence[DeviceRow]
    waiting_to_wrap: int
    certificate_days: int | None
    faults: Sequence[str]


async def overview(database: Database, config: HubConfig, now: datetime) -> Overview:
    """Look at everything. StoreError."""
    feeds = await _feeds(database, config)
    devices = await Devices(database, lambda: now).listed()
    days = certificate_days(config.tls_cert, now)
    faults = [
        *(fault for feed in feeds for fault in _of_feed(feed, config, now)),
        *(fault for device in devices for fault in _of_device(device, now)),
        *_of_certificate(config, days),
    ]
    return Overview(now, feeds, devices, await waiting(database), days, faults)


def certificate_days(path: Path | None, now: datetime) -> int | None:
    """Whole days until a certificate ends, below 0 afterwards; None: it cannot be read."""
    if path is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    return (certificate.not_valid_after_utc - now).days


async def _feeds(database: Database, config: HubConfig) -> list[FeedState]:
    asked = select(IMPORT.c.feed, IMPORT.c.started, IMPORT.c.outcome).order_by(IMPORT.c.started)
    async with database.reading() as connection:
        found = (await connection.execute(asked)).all()
    states = {feed: FeedState(feed) for feed in config.feeds()}
    for feed, started, outcome in found:
        if feed in states:
            states[feed] = _after(states[feed], datetime.fromisoformat(started), outcome)
    return list(states.values())


def _after(state: FeedState, started: datetime, outcome: str | None) -> FeedState:
    """A feed after one more import; outcome as history keeps it."""
    if outcome is None:
        return replace(state, open=state.open + 1)
    told = json.loads(outcome)
    if told.get("fresh"):
        return replace(state, full=started, open=0, failed=0)
    if "fault" in told:
        return replace(state, failed=state.failed + 1)
    return replace(state, other=started)


def _of_feed(feed: FeedState, config: HubConfig, now: datetime) -> list[str]:
    limit = timedelta(hours=config.near_hours)
    if feed.failed:
        told = f"feed {feed.feed}: {feed.failed} imports failed since the last good full one"
        return [told, *_of_age(feed, config, now, limit)]
    return _of_age(feed, config, now, limit)


def _of_age(feed: FeedState, config: HubConfig, now: datetime, limit: timedelta) -> list[str]:
    if feed.full is None:
        return [f"feed {feed.feed}: no full import yet"]
    if now - feed.full > limit:
        hours = (now - feed.full) // timedelta(hours=1)
        told = f"feed {feed.feed}: the last full import is {hours} hours old; after "
        return [f"{told}{config.near_hours} who turned {_ages(config, feed.feed)} is kept out"]
    return []


def _of_device(device: DeviceRow, now: datetime) -> list[str]:
    if device.revoked is not None:
        return []
    faults = [f"device {device.name}: {device.alarm}"] if device.alarm else []
    if device.seen is None:
        return [*faults, f"device {device.name}: never heard of since it was added"]
    if now - device.seen > SILENT:
        minutes = (now - device.seen) // timedelta(minutes=1)
        faults.append(f"device {device.name}: silent for {minutes} minutes")
    if device.dead:
        faults.append(f"device {device.name}: {device.dead} events were refused for good")
    return faults


def _of_certificate(config: HubConfig, days: int | None) -> list[str]:
    if config.tls_cert is None:
        return []
    if days is None:
        return [f"{config.tls_cert}: cannot be read as a certificate by this account"]
    if days < CERTIFICATE_DAYS:
        return [f"{config.tls_cert}: ends in {days} days; put a new one there and restart serve"]
    return []


def _ages(config: HubConfig, feed: str) -> str:
    return " or ".join(map(str, config.ages_of(feed))) or "old enough"
