"""How a hub is, at a glance: imports, devices, work that waits, certificate; and what is not well.

Deliberately not here: what of a feed or a device is not well (feed_states, device_faults), how it
is shown (cli.status), and Prometheus' figures (metrics).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from sync.hub.database import Database
from sync.hub.device_faults import faults_of_device, known
from sync.hub.device_rows import DeviceRow
from sync.hub.devices import Devices
from sync.hub.feed_states import FeedState, faults_of_feed, feed_states
from sync.hub.model import HubConfig
from sync.hub.wrapping import waiting

CERTIFICATE_DAYS: Final = 14


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
    feeds = await feed_states(database, config, now)
    devices = await Devices(database, lambda: now).listed()
    beside = await known(database)
    days = certificate_days(config.tls_cert, now)
    faults = [
        *(fault for feed in feeds for fault in faults_of_feed(feed, config, now)),
        *(fault for device in devices for fault in faults_of_device(device, beside, now)),
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


def _of_certificate(config: HubConfig, days: int | None) -> list[str]:
    if config.tls_cert is None:
        return []
    if days is None:
        return [f"{config.tls_cert}: cannot be read as a certificate by this account"]
    if days < CERTIFICATE_DAYS:
        return [f"{config.tls_cert}: ends in {days} days; put a new one there and restart serve"]
    return []
