"""What of a device is not well, by its row and by what the hub published for its branch.

Deliberately not here: the row (device_rows), and how it is shown (cli).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.hub.database import Database
from sync.hub.device_rows import DeviceRow
from sync.hub.schema import JOIN_CODE, PUBLISHED

SILENT: Final = timedelta(minutes=10)  # a device is heard every 30 seconds
TAKEN_WITHIN: Final = timedelta(minutes=5)  # what was published, by a device that is on the line
HELD: Final = "cache-held"  # the alert of a device whose cache was dropped
_AT_ONCE: Final = timedelta(minutes=1)  # between a code's use and the device that it makes


@dataclass(frozen=True, slots=True)
class Known:
    """What the hub knows beside a device's row. published: branch -> version, since when.

    joined: device -> when its code was used; spent codes are forgotten after a while.
    """

    published: Mapping[str, tuple[int, datetime]]
    joined: Mapping[str, datetime]


async def known(database: Database) -> Known:
    """As of now. StoreError."""
    async with database.reading() as connection:
        return Known(await _published(connection), await _joined(connection))


def is_dropped(device: DeviceRow) -> bool:
    """Whether its cache was dropped and stays empty until it is told otherwise."""
    return HELD in device.alerts


def faults_of_device(device: DeviceRow, known: Known, now: datetime) -> list[str]:
    """What is not well, a sentence each; of a revoked device nothing is said."""
    if device.revoked is not None:
        return []
    told = [device.alarm] if device.alarm else []
    if device.seen is None:
        told.append(_unheard(device, known))
    else:
        told += [*_of_line(device, device.seen, known, now), *_of_itself(device)]
    return [f"device {device.name}: {text}" for text in told]


def _unheard(device: DeviceRow, known: Known) -> str:
    joined = known.joined.get(device.name)
    if joined is not None and joined > device.created - _AT_ONCE:
        return "joined, daemon not started"
    return "never heard of since it was added; set it up, or start its daemon"


def _of_line(device: DeviceRow, seen: datetime, known: Known, now: datetime) -> list[str]:
    if now - seen > SILENT:
        return [f"silent for {(now - seen) // timedelta(minutes=1)} minutes"]
    version, since = known.published.get(device.branch, (0, now))
    if device.config_version < version and now - since > TAKEN_WITHIN:
        has = device.config_version
        return [f"has not taken what was published: version {version}, it has {has}"]
    return []


def _of_itself(device: DeviceRow) -> list[str]:
    told = []
    if is_dropped(device):
        back = f"`kioskd-hub device command {device.name} sync-now` brings it back"
        told.append(f"its cache is dropped; {back}")
    if others := [alert for alert in device.alerts if alert != HELD]:
        told.append(f"it raised {', '.join(others)}")
    if device.dead:
        events = "1 event was" if device.dead == 1 else f"{device.dead} events were"
        told.append(f"{events} refused for good")
    return told


async def _published(connection: AsyncConnection) -> dict[str, tuple[int, datetime]]:
    asked = select(PUBLISHED.c.branch, PUBLISHED.c.version, PUBLISHED.c.at)
    found = await connection.execute(asked.order_by(PUBLISHED.c.version))
    return {branch: (version, datetime.fromisoformat(at)) for branch, version, at in found}


async def _joined(connection: AsyncConnection) -> dict[str, datetime]:
    asked = select(JOIN_CODE.c.device, JOIN_CODE.c.used).where(JOIN_CODE.c.used.is_not(None))
    found = await connection.execute(asked.order_by(JOIN_CODE.c.used))
    return {device: datetime.fromisoformat(used) for device, used in found}
