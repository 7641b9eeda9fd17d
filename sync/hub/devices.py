"""The devices: their tokens, how they join, what they are told to do.

A token is 256 random bits behind the device's name; only its SHA-256 is kept. Revoking a device
deletes that, so its next request is refused. A device that joins takes the place of the one of
its name: the old token is good until that moment and not after it. What a revoked device said of
its configuration is offered to nobody: whoever had its token may have written it.

Deliberately not here: HTTP, and what a heartbeat says (heartbeats).
"""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import Row, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.codes import WANTED_CODE, is_code
from kioskd.domain.moment import stamp
from kioskd.errors import InputError
from sync.hub import device_commands, join, slowing
from sync.hub.database import Database
from sync.hub.device_commands import KINDS
from sync.hub.device_rows import DeviceRow, device_row
from sync.hub.inserts import insert_into
from sync.hub.join import Invited, Newcomer, WrongCode
from sync.hub.schema import DEVICE
from sync.hub.slowing import JOINING, TooOften
from sync.hub_wire import DEVICE_NAME, TOKEN, Command

_NOBODY: Final = bytes(32)  # compared with where there is no token, so that it takes as long
_NEW: Final = dict.fromkeys(("revoked", "seen", "state", "journal", "seq", "hash"))

log = logging.getLogger("kioskd.hub")

__all__ = ["KINDS", "Asker", "Device", "DeviceRow", "Devices", "Newcomer", "TooOften", "WrongCode"]


@dataclass(frozen=True, slots=True)
class Device:
    """Who asks, once a token said so."""

    name: str
    branch: str


class Asker(Protocol):
    """A device whose token was good: all that the rest of the hub needs of a Device."""

    @property
    def name(self) -> str: ...
    @property
    def branch(self) -> str: ...


class Devices:
    """Every device of this hub. Methods raise InputError for what the caller must mend."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._bucket = slowing.full(JOINING, now())

    async def add(self, name: str, branch: str) -> str:
        """A new device's token. InputError: its name is no name, or in use by a live device."""
        whom = _checked(name, branch)
        token = _new_token(name)
        async with self._database.writing() as connection:
            if not await self._put(connection, whom, token, replace=False):
                raise InputError(f"{name}: there is a device of that name; revoke it first")
        return token

    async def by_token(self, token: str) -> Device | None:
        """Whose token this is; None where it is nobody's, or no more."""
        parts = TOKEN.fullmatch(token)
        if parts is None:
            return None
        columns = (DEVICE.c.branch, DEVICE.c.token, DEVICE.c.revoked)
        async with self._database.reading() as connection:
            found = await connection.execute(select(*columns).where(DEVICE.c.name == parts[1]))
            row = found.first()
        live = row is not None and row.token is not None and row.revoked is None
        kept = row.token if row is not None and live else _NOBODY
        same = hmac.compare_digest(kept, _digest(token))
        return Device(parts[1], row.branch) if row is not None and live and same else None

    async def revoke(self, name: str) -> None:
        """Take a device's token, and the codes with which another could take its place."""
        async with self._database.writing() as connection:
            gone = {"token": None, "revoked": stamp(self._now())}
            await self._known(connection, name)
            live = (DEVICE.c.name == name) & DEVICE.c.revoked.is_(None)
            await connection.execute(update(DEVICE).where(live).values(**gone))
            await join.uninvite(connection, name)
            await self._database.tell(connection, "command")

    async def listed(self) -> list[DeviceRow]:
        """All devices by name, revoked ones too."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(DEVICE).order_by(DEVICE.c.name))
            rows = found.all()
        now = self._now()
        return [device_row(row, now) for row in rows]

    async def clear_alarm(self, name: str) -> None:
        """Somebody has looked at it: its chain is watched anew from what it says next."""
        anew = dict.fromkeys(("alarm", "journal", "seq", "hash"))
        async with self._database.writing() as connection:
            await self._known(connection, name)
            await connection.execute(update(DEVICE).where(DEVICE.c.name == name).values(**anew))

    async def join_code(self, name: str, branch: str) -> str:
        """A one-time code with which a machine becomes this device, new or in place of the old.

        InputError: the name is no name, or a live device of it is at another branch.
        """
        whom = _checked(name, branch)
        code = join.new_code()
        async with self._database.writing() as connection:
            await self._same_branch(connection, whom)
            await join.invite(connection, whom, code, self._now())
        return code

    async def join(self, code: str) -> Newcomer:
        """Use a code up. WrongCode; TooOften when too many were wrong lately.

        A right code is taken at any time: whoever guesses cannot keep a device from joining.
        """
        digest = join.digest_of(code)
        if digest is None or not await self._is_good(digest):
            raise self._wrong()
        async with self._database.writing() as connection:
            try:
                whom = await join.use(connection, digest, self._now())
            except WrongCode:
                raise self._wrong() from None
            token = _new_token(whom.device)
            config_text = await self._left_by(connection, whom)
            await self._put(connection, whom, token, replace=True)
            await self._database.tell(connection, "command")
        log.info("device.joined", extra={"device": whom.device, "branch": whom.branch})
        return Newcomer(token, whom.device, whom.branch, config_text)

    async def command(self, name: str, kind: str) -> str:
        """Tell a device to do something; the id. The same thing is not told twice at a time."""
        if kind not in KINDS:
            raise InputError(f"{kind[:40]!r} is no command; there are {' and '.join(KINDS)}")
        async with self._database.writing() as connection:
            if (await self._known(connection, name)).revoked is not None:
                raise InputError(f"{name}: it is revoked, so it will never ask")
            id_ = await device_commands.give(connection, name, kind, self._now())
            await self._database.tell(connection, "command")
        return id_

    async def commands_for(self, name: str) -> list[Command]:
        """What a device has still to do, in the order in which it was told."""
        async with self._database.reading() as connection:
            return await device_commands.waiting(connection, name)

    async def done(self, name: str, ids: Sequence[str]) -> None:
        """It did these; ids of another device or of nothing change nothing."""
        if not ids:
            return
        async with self._database.writing() as connection:
            await device_commands.finish(connection, name, ids, self._now())

    async def _put(
        self, connection: AsyncConnection, whom: Invited, token: str, *, replace: bool
    ) -> bool:
        """A device with a new token and no past; whether the name was free, or could be taken."""
        now = stamp(self._now())
        row = {"name": whom.device, "branch": whom.branch, "token": _digest(token), "created": now}
        put = insert_into(self._database, DEVICE).values(row)
        trusted = (DEVICE.c.branch == whom.branch) & DEVICE.c.revoked.is_(None)
        left = {c.name: case((trusted, c)) for c in (DEVICE.c.config_text, DEVICE.c.config_digest)}
        put = put.on_conflict_do_update(
            index_elements=[DEVICE.c.name],
            set_={**row, **_NEW, **left},  # the alarm stays until somebody has looked at it
            where=None if replace else DEVICE.c.revoked.is_not(None),
        )
        taken = await connection.execute(put.returning(DEVICE.c.name))
        if taken.first() is None:
            return False
        await device_commands.withdraw(connection, whom.device, self._now())
        return True

    async def _left_by(self, connection: AsyncConnection, whom: Invited) -> str:
        """The configuration of the device before it, where that is live at the same branch."""
        found = await connection.execute(select(DEVICE).where(DEVICE.c.name == whom.device))
        row = found.first()
        if row is None:
            return ""
        last = {"device": whom.device, "journal": row.journal, "seq": row.seq}
        log.warning("device.replaced", extra=last)
        trusted = row.branch == whom.branch and row.revoked is None
        return (row.config_text or "") if trusted else ""

    async def _is_good(self, digest: bytes) -> bool:
        async with self._database.reading() as connection:
            return await join.is_good(connection, digest, self._now())

    def _wrong(self) -> Exception:
        now = self._now()
        wait = slowing.wait_of(self._bucket, JOINING, now)
        self._bucket = slowing.taken(self._bucket, JOINING, now)
        if wait:
            return TooOften("code: too many wrong ones; try again later", wait.total_seconds())
        return WrongCode()

    async def _known(self, connection: AsyncConnection, name: str) -> Row[Any]:
        if DEVICE_NAME.fullmatch(name):
            found = await connection.execute(select(DEVICE).where(DEVICE.c.name == name))
            row = found.first()
            if row is not None:
                return row
        raise InputError(f"{name[:64]!r}: no such device; `kioskd-hub device list` shows them")

    async def _same_branch(self, connection: AsyncConnection, whom: Invited) -> None:
        columns = (DEVICE.c.branch, DEVICE.c.revoked)
        found = await connection.execute(select(*columns).where(DEVICE.c.name == whom.device))
        row = found.first()
        if row is not None and row.revoked is None and row.branch != whom.branch:
            raise InputError(f"{whom.device}: it is at {row.branch}; revoke it there first")


def _checked(name: str, branch: str) -> Invited:
    if DEVICE_NAME.fullmatch(name) is None:
        raise InputError(
            f"{name[:64]!r} is no name of a device; use 1 to 64 letters, digits, - and _, "
            "beginning with a letter or digit"
        )
    if not is_code(branch):
        raise InputError(f"{branch[:64]!r} is no code of a branch; use {WANTED_CODE}")
    return Invited(name, branch)


def _new_token(name: str) -> str:
    return f"kd1.{name}.{secrets.token_urlsafe(32)}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8")).digest()
