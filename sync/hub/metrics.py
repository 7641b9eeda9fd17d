"""GET /metrics: the hub as Prometheus reads it, for a program on the same machine.

Device names are in it, never a person. A proxy on this machine asks from loopback too, for whoever
asked it: a request that shows any sign of having been passed on is not from here.

Deliberately not here: counting requests (counts), and looking (overview).
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, hdrs, web
from sqlalchemy import func, select

from sync.hub.database import Database
from sync.hub.device_rows import DeviceRow
from sync.hub.hints import Hints
from sync.hub.overview import Overview
from sync.hub.schema import BATCH
from sync.hub.streams import Streams
from sync.hub.transport import is_loopback

_OWN_X: Final = "x-prometheus-"  # headers of this kind are a scraper's; all other x- a proxy's
_PASSED_ON: Final = frozenset(
    {"forwarded", "via", "client-ip", "true-client-ip", "cf-connecting-ip", "fastly-client-ip"}
)
_NAME: Final = "kioskd_hub_"


def is_from_here(request: web.Request) -> bool:
    """Whether this machine asks, and for itself."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not isinstance(peer, tuple) or _is_passed_on(request):
        return False
    address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _is_passed_on(request: web.Request) -> bool:
    # A proxy without any setting asks in HTTP/1.0, and one with few passes the name on that it has.
    if request.version < HttpVersion11 or not is_loopback(_host(request)):
        return True
    names = (name.lower() for name in request.headers)
    return any(
        name in _PASSED_ON or (name.startswith("x-") and not name.startswith(_OWN_X))
        for name in names
    )


def _host(request: web.Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get(hdrs.HOST, '')}").hostname or ""
    except ValueError:
        return ""


async def newest_change(database: Database) -> int:
    """The number of the newest change; 0: nothing has changed yet."""
    async with database.reading() as connection:
        asked = select(func.coalesce(func.max(BATCH.c.change), 0))
        return int((await connection.execute(asked)).scalar_one())


def lines(seen: Overview, change: int, hints: Hints, streams: Streams) -> Iterator[str]:
    """What is in the database and open at this hub."""
    live = [device for device in seen.devices if device.revoked is None]
    yield from _gauge("devices", len(live))
    yield from _gauges("device_heartbeat_age_seconds", "device", _ages(live, seen.at))
    waiting = {device.name: float(device.waiting) for device in live}
    yield from _gauges("device_events_waiting", "device", waiting)
    alarms = {device.name: 1.0 for device in live if device.alarm}
    yield from _gauge("chain_alarms", len(alarms))
    yield from _gauges("chain_alarm", "device", alarms)
    full = {feed.feed: _age(feed.full, seen.at) for feed in seen.feeds if feed.full}
    yield from _gauges("import_full_age_seconds", "feed", full)
    other = {feed.feed: _age(feed.other, seen.at) for feed in seen.feeds if feed.other}
    yield from _gauges("import_other_age_seconds", "feed", other)
    yield from _gauges("imports_open", "feed", {f.feed: float(f.open) for f in seen.feeds})
    yield from _gauges("imports_failed", "feed", {f.feed: float(f.failed) for f in seen.feeds})
    yield from _gauge("wraps_waiting", seen.waiting_to_wrap)
    yield from _gauge("faults", len(seen.faults))
    if seen.certificate_days is not None:
        yield from _gauge("certificate_days", seen.certificate_days)
    yield f"# TYPE {_NAME}change_number counter"
    yield f"{_NAME}change_number {change}"
    yield from _gauge("hint_streams", hints.streams)
    yield from _gauge("snapshots", streams.snapshots)


def _ages(devices: Sequence[DeviceRow], now: datetime) -> dict[str, float]:
    return {device.name: _age(device.seen, now) for device in devices if device.seen is not None}


def _age(then: datetime | None, now: datetime) -> float:
    return 0.0 if then is None else (now - then).total_seconds()


def _gauge(name: str, value: float) -> Iterator[str]:
    yield f"# TYPE {_NAME}{name} gauge"
    yield f"{_NAME}{name} {value:g}"


def _gauges(name: str, label: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# TYPE {_NAME}{name} gauge"
    for key, value in values.items():
        yield f'{_NAME}{name}{{{label}="{_label(key)}"}} {value:g}'


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
