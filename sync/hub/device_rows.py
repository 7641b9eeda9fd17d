"""Devices as staff see them: made of a device's row and of the last heartbeat in it.

Deliberately not here: who changes them (devices), and how they are shown (cli).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row

from sync.hub_wire import Heartbeat


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as staff see it. seen: its last heartbeat, None before the first.

    cache_age: of what it holds, as of now; None: it holds nothing, or said nothing. skew: how far
    its clock was ahead of the hub's. alarm: what is wrong with its journal's chain; empty if
    nothing is. waiting, dead: events not yet delivered, and rejected for good.
    """

    name: str
    branch: str
    created: datetime
    revoked: datetime | None = None
    seen: datetime | None = None
    version: str = ""
    cache_age: timedelta | None = None
    skew: timedelta | None = None
    alarm: str = ""
    alerts: tuple[str, ...] = ()
    waiting: int = 0
    dead: int = 0
    config_version: int = 0


def device_row(row: Row[Any], now: datetime) -> DeviceRow:
    """The device of a row of the table."""
    device = DeviceRow(
        name=row.name,
        branch=row.branch,
        created=datetime.fromisoformat(row.created),
        revoked=_time(row.revoked),
        seen=_time(row.seen),
        alarm=row.alarm or "",
    )
    beat = last_heartbeat(row.state)
    return device if beat is None or device.seen is None else _with(device, beat, device.seen, now)


def last_heartbeat(state: str | None) -> Heartbeat | None:
    """What a device said last; None: nothing yet, or to another version of the hub."""
    try:
        return msgspec.json.decode(state, type=Heartbeat) if state else None
    except msgspec.MsgspecError:
        return None


def _with(device: DeviceRow, beat: Heartbeat, seen: datetime, now: datetime) -> DeviceRow:
    synced = beat.cache.synced if beat.cache else None
    return replace(
        device,
        version=beat.version,
        # Both by the device's own clock, so that a wrong one does not matter.
        cache_age=None if synced is None else (beat.at - synced) + (now - seen),
        skew=beat.at - seen,
        alerts=tuple(beat.alerts),
        waiting=beat.waiting,
        dead=beat.dead,
        config_version=beat.config_version,
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
