"""One-time codes with which a new device gets its token.

    7QK4-2MZX-90PT-HB6D-5WNA      100 bits, for 24 hours, for one device name

Written down and typed by hand, so the alphabet (Crockford's base32) has no I, L, O and U; case,
dashes and blanks do not count, and O, I, L are read as the digits they look like. Only the
SHA-256 of a code is kept. A new code of a device ends its older ones.

Deliberately not here: what joining does to the device of that name (devices).
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.moment import stamp
from kioskd.errors import InputError
from sync.hub.schema import JOIN_CODE

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS: Final = 5
GROUP: Final = 4
LIFETIME: Final = timedelta(hours=24)
_READ_AS: Final = str.maketrans("OIL", "011")
_IGNORED: Final = re.compile(r"[\s-]+")
_CODE: Final = re.compile(rf"[{ALPHABET}]{{{GROUPS * GROUP}}}")
_MAX_TYPED: Final = 100  # characters


class WrongCode(InputError):
    """No code that is good now. One text for all, so that nobody learns which codes were."""

    def __init__(self) -> None:
        super().__init__(
            "the code is not known: mistyped, older than 24 hours, or used; a new one: "
            "kioskd-hub device join-code NAME --branch CODE"
        )


@dataclass(frozen=True, slots=True)
class Invited:
    """Whom a code is for."""

    device: str
    branch: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A device that has just joined. config_text: what the one before it last said; may be empty.

    The token is told once and kept nowhere.
    """

    token: str
    name: str
    branch: str
    config_text: str

    def __repr__(self) -> str:
        return "Newcomer()"


def new_code() -> str:
    """A code as it is shown."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


def digest_of(typed: str) -> bytes | None:
    """What is kept of a code; None for a text that cannot be one."""
    if len(typed) > _MAX_TYPED:
        return None
    code = _IGNORED.sub("", typed).upper().translate(_READ_AS)
    if _CODE.fullmatch(code) is None:
        return None
    return hashlib.sha256(code.encode("ascii")).digest()


async def invite(connection: AsyncConnection, whom: Invited, code: str, now: datetime) -> None:
    """Keep a code; older ones of the device that nobody used are gone."""
    await uninvite(connection, whom.device)
    row = {
        "code": digest_of(code),
        "device": whom.device,
        "branch": whom.branch,
        "expires": stamp(now + LIFETIME),
    }
    await connection.execute(insert(JOIN_CODE), row)


async def uninvite(connection: AsyncConnection, device: str) -> None:
    """Forget the codes of a device that nobody used."""
    unused = (JOIN_CODE.c.device == device) & JOIN_CODE.c.used.is_(None)
    await connection.execute(delete(JOIN_CODE).where(unused))


async def is_good(connection: AsyncConnection, digest: bytes, now: datetime) -> bool:
    """Whether this code could be used now; a read, so that guesses do not wait for writers."""
    found = await connection.execute(select(JOIN_CODE.c.code).where(*_usable(digest, now)))
    return found.first() is not None


async def use(connection: AsyncConnection, digest: bytes, now: datetime) -> Invited:
    """Use it up. WrongCode: somebody was faster, or its time is over."""
    used = update(JOIN_CODE).where(*_usable(digest, now)).values(used=stamp(now))
    found = await connection.execute(used.returning(JOIN_CODE.c.device, JOIN_CODE.c.branch))
    row = found.first()
    if row is None:
        raise WrongCode
    return Invited(row.device, row.branch)


def _usable(digest: bytes, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        JOIN_CODE.c.code == digest,
        JOIN_CODE.c.used.is_(None),
        JOIN_CODE.c.expires > stamp(now),
    )
