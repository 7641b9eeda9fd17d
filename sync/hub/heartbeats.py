"""What a device says of itself every half minute, and what it is told in return.

Kept: the last of each device, its configuration where the hub asked for it, where its journal
stands. A configuration names secrets and holds none; one that seems to hold one is not kept, and
the rest of the heartbeat counts all the same: a device that cannot report would be deaf as well.

Deliberately not here: what an anchor proves (anchors), and the list of devices (devices).
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.moment import stamp
from kioskd.domain.record import Kind
from kioskd.errors import InputError
from sync.hub.anchors import Finding, Started, alarm_after, compared, is_anchor, started_of
from sync.hub.database import Database
from sync.hub.device_rows import device_row, last_heartbeat
from sync.hub.devices import Asker, Devices
from sync.hub.model import HubConfig
from sync.hub.publishing import Publishing
from sync.hub.schema import DEVICE, EVENT
from sync.hub_wire import Anchor, DoorSays, Event, Heartbeat, HeartbeatAnswer

MAX_CONFIG: Final = 1024 * 1024  # bytes
MOST_DOORS: Final = 64
MOST_ALERTS: Final = 100
MAX_WORD: Final = 100  # characters of a name, a state, a version
SKEW: Final = timedelta(seconds=60)  # where a device itself stops trusting its clock
_SECRET: Final = re.compile(r"-----BEGIN |\bkd1\.[A-Za-z0-9]|\$argon2|\$2[aby]\$")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

LATE: Final = timedelta(minutes=2)  # longer than any call of a device waits
log = logging.getLogger("kioskd.hub")


@dataclass(frozen=True, slots=True)
class _Came:
    """A heartbeat and when it came."""

    device: Asker
    beat: Heartbeat
    at: datetime


class Heartbeats:
    """Takes heartbeats. Safe to call for one device from several hubs at once."""

    def __init__(
        self,
        database: Database,
        config: HubConfig,
        publishing: Publishing,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._publishing = publishing
        self._devices = Devices(database, now)
        self._now = now

    async def take(self, device: Asker, said: Heartbeat) -> HeartbeatAnswer:
        """Keep it and answer. InputError: a time without offset, or an anchor that is none."""
        _check(said)
        came = _Came(device, _bounded(said), self._now())
        async with self._database.writing() as connection:
            known_digest = await self._keep(connection, came)
        await self._devices.done(device.name, said.done)
        digest = came.beat.config_digest
        return HeartbeatAnswer(
            time=came.at,
            commands=await self._devices.commands_for(device.name),
            config_version=await self._publishing.version(device.branch),
            want_config=bool(digest) and digest != known_digest,
        )

    async def _keep(self, connection: AsyncConnection, came: _Came) -> str:
        """Write it into the device's row; the digest of the configuration that the hub knows."""
        mine = (DEVICE.c.name == came.device.name) & DEVICE.c.revoked.is_(None)
        found = await connection.execute(select(DEVICE).where(mine).with_for_update())
        row = found.first()
        if row is None:
            raise InputError(f"{came.device.name}: it was revoked")
        _note_skew(came, device_row(row, came.at).skew or timedelta(0))
        columns = await self._chain(connection, came, row)
        columns |= _configuration(came)
        columns |= {"seen": stamp(came.at), "state": _state(came.beat)}
        await connection.execute(update(DEVICE).where(mine).values(**columns))
        return str(columns.get("config_digest", row.config_digest or ""))

    async def _chain(
        self, connection: AsyncConnection, came: _Came, row: Row[Any]
    ) -> dict[str, object]:
        """The columns about its journal."""
        if _is_late(came, row):
            return {}
        last = Anchor(row.journal, row.seq, row.hash) if row.journal else None
        new = came.beat.anchor
        started = None
        if last and new and new.journal != last.journal:
            started = await _first_row(connection, came.device, new.journal)
        finding = compared(last, new, started)
        alarm = alarm_after(row.alarm or "", finding)
        _tell(came.device, row, alarm, finding)
        columns: dict[str, object] = {"alarm": alarm or None}
        if new is not None and not finding.waits:
            columns |= {"journal": new.journal, "seq": new.seq, "hash": new.hash}
        return columns


def _is_late(came: _Came, row: Row[Any]) -> bool:
    """Whether a later beat was here before this one, which a slow or repeating line held up.

    Its journal was shorter then, and nothing is wrong with that. One whose clock went back by more
    is looked at: the next beat of a journal that was cut comes in time.
    """
    before = last_heartbeat(row.state)
    if before is None:
        return False
    return timedelta(0) < before.at - came.beat.at <= LATE


async def _first_row(connection: AsyncConnection, device: Asker, journal: str) -> Started | None:
    """What the first row of this journal says; None: it has not come."""
    asked = select(EVENT.c.body).where(
        EVENT.c.device == device.name,
        EVENT.c.kind == Kind.JOURNAL_STARTED.value,
        EVENT.c.journal == journal,
    )
    body = (await connection.execute(asked.order_by(EVENT.c.seq).limit(1))).scalar()
    if body is None:
        return None
    try:
        return started_of(msgspec.json.decode(body, type=Event).detail)
    except msgspec.MsgspecError:
        return Started()


def _tell(device: Asker, row: Row[Any], alarm: str, finding: Finding) -> None:
    if alarm and alarm != (row.alarm or ""):
        log.error("device.journal", extra={"device": device.name, "why": alarm})
    said_before = last_heartbeat(row.state)
    if finding.note and (said_before is None or said_before.anchor is not None):
        log.warning("device.journal", extra={"device": device.name, "why": finding.note})


def _note_skew(came: _Came, skew_before: timedelta) -> None:
    """Say that its clock is off; once, until it was right again."""
    skew = came.beat.at - came.at
    if abs(skew) > SKEW >= abs(skew_before):
        more = {"device": came.device.name, "seconds": int(skew.total_seconds())}
        log.warning("device.clock", extra=more)


def _configuration(came: _Came) -> dict[str, object]:
    """The columns about its configuration, where it sent one."""
    text = came.beat.config_text
    if text is None or not came.beat.config_digest:
        return {}
    fault = _config_fault(text)
    if fault:  # its digest is kept, so that it is not asked for the same again
        log.error("device.config", extra={"device": came.device.name, "why": fault})
    return {"config_text": None if fault else text, "config_digest": came.beat.config_digest}


def _config_fault(text: str) -> str:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_CONFIG:
        return f"its configuration is longer than {MAX_CONFIG} bytes; it is not kept"
    if _CONTROL.search(text):
        return "its configuration has control characters; it is not kept"
    if _SECRET.search(text):
        return "its configuration holds a secret itself; name the secret's file there"
    return ""


def _check(beat: Heartbeat) -> None:
    if beat.at.tzinfo is None:
        raise InputError("at: it has no offset from UTC")
    if beat.cache and beat.cache.synced and beat.cache.synced.tzinfo is None:
        raise InputError("cache.synced: it has no offset from UTC")
    if beat.anchor is not None and not is_anchor(beat.anchor):
        raise InputError("anchor: wanted: journal, seq from 1, hash of 64 hex digits")


def _bounded(beat: Heartbeat) -> Heartbeat:
    """As much of it as is kept and shown: words of one line, not endlessly many."""
    return msgspec.structs.replace(
        beat,
        version=_word(beat.version),
        doors=[_door(door) for door in beat.doors[:MOST_DOORS]],
        alerts=[_word(alert) for alert in beat.alerts[:MOST_ALERTS]],
        config_digest=_word(beat.config_digest),
    )


def _door(door: DoorSays) -> DoorSays:
    return DoorSays(_word(door.name), _word(door.state), _word(door.fault))


def _word(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:MAX_WORD])


def _state(beat: Heartbeat) -> str:
    kept = msgspec.structs.replace(beat, config_text=None, done=[])
    return msgspec.json.encode(kept).decode("utf-8")
