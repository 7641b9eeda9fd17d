"""A register's bcrypt hashes come under argon2id, once each, while the hub works.

A four-digit PIN under bcrypt alone is soon guessed by whoever gets hold of it, so plain bcrypt goes
to no device: until its row is wrapped, a device has no verifier of that card.

Batches of at most 64 rows: computed without any lock, then written under a change number, each row
only if nothing has changed in it since it was read. So it can be stopped and killed at any point,
and two hubs may do it at once: they begin at different, random cards, and where they meet one of
them writes nothing.

Deliberately not here: when it is done (housekeeping, the import command), and other schemes.
"""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from argon2.exceptions import HashingError
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.errors import VaultError
from kioskd.vault.kdf import SITE_PARAMETERS, wrap_bcrypt
from kioskd.vault.verifiers import Argon2Parameters, Bcrypt, to_text, unpack_verifier
from sync.hub.database import Database
from sync.hub.schema import PATRON
from sync.hub.sealing import HubKeys

BATCH: Final = 64  # rows a change: about a second of two threads
_THREADS: Final = 2  # 19 MiB each, and the rest of the machine serves devices


class WrapProgress(NamedTuple):
    """done of total rows, in this run; per_second: so far."""

    done: int
    total: int
    per_second: float


class _Waiting(NamedTuple):
    feed: str
    card: bytes
    sealed: bytes
    change: int


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """sealed: the row with its new verifier; the old row when there was nothing to wrap."""

    row: _Waiting
    sealed: bytes


async def wrap(
    database: Database,
    keys: HubKeys,
    parameters: Argon2Parameters = SITE_PARAMETERS,
    progress: Callable[[WrapProgress], None] = lambda _: None,
    stop: asyncio.Event | None = None,
) -> int:
    """Wrap what waits until nothing does or `stop` is set; how many rows. StoreError, VaultError.

    Rows that somebody else changes meanwhile are left to the next run.
    """
    total, done = await waiting(database), 0
    begun = time.monotonic()
    async for rows in _batches(database):
        if stop is not None and stop.is_set():
            break
        done += await _write(database, await _compute(keys, rows, parameters))
        seconds = time.monotonic() - begun
        progress(WrapProgress(done, max(total, done), done / seconds if seconds else 0.0))
    return done


async def waiting(database: Database, feed: str | None = None) -> int:
    """How many rows wait, in one feed or in all."""
    asked = select(func.count()).select_from(PATRON).where(PATRON.c.unwrapped)
    if feed is not None:
        asked = asked.where(PATRON.c.feed == feed)
    async with database.reading() as connection:
        return int((await connection.execute(asked)).scalar_one())


async def wrapped_all(verifiers: Sequence[bytes], parameters: Argon2Parameters) -> list[bytes]:
    """Packed bcrypts, each wrapped, in threads. VaultError: no memory."""
    lanes = min(_THREADS, os.cpu_count() or 1)
    parts = [verifiers[lane::lanes] for lane in range(lanes)]
    done = await asyncio.gather(
        *(asyncio.to_thread(_wrapped_each, part, parameters) for part in parts)
    )
    found = [b""] * len(verifiers)
    for lane, part in enumerate(done):
        found[lane::lanes] = part
    return found


def _wrapped_each(verifiers: Sequence[bytes], parameters: Argon2Parameters) -> list[bytes]:
    try:
        return [wrap_bcrypt(to_text(packed), parameters) for packed in verifiers]
    except (HashingError, MemoryError) as error:
        raise VaultError(f"argon2id: {str(error) or 'no memory'}; close other programs") from None


async def _batches(database: Database) -> AsyncIterator[list[_Waiting]]:
    """What waits, feed by feed: from a random card to the end, then from the beginning to it."""
    feed: str | None = ""
    while feed is not None and (feed := await _next_feed(database, feed)) is not None:
        middle = _somewhere()
        ranges = ((middle, PATRON.c.card > middle), (b"", PATRON.c.card <= middle))
        for start, within in ranges:
            after = start
            while rows := await _read(database, feed, after, within):
                yield rows
                after = rows[-1].card


def _somewhere() -> bytes:
    return secrets.token_bytes(16)


async def _next_feed(database: Database, after: str) -> str | None:
    asked = select(func.min(PATRON.c.feed)).where(PATRON.c.unwrapped, PATRON.c.feed > after)
    async with database.reading() as connection:
        found = (await connection.execute(asked)).scalar_one_or_none()
        return None if found is None else str(found)


async def _read(
    database: Database, feed: str, after: bytes, within: ColumnElement[bool]
) -> list[_Waiting]:
    asked = (
        select(PATRON.c.feed, PATRON.c.card, PATRON.c.sealed, PATRON.c.change)
        .where(PATRON.c.unwrapped, PATRON.c.feed == feed, PATRON.c.card > after, within)
        .order_by(PATRON.c.card)
        .limit(BATCH)
    )
    async with database.reading() as connection:
        return [_Waiting(*row) for row in await connection.execute(asked)]


async def _compute(
    keys: HubKeys, rows: Sequence[_Waiting], parameters: Argon2Parameters
) -> list[_Wrapped]:
    opened = await asyncio.to_thread(_open, keys, rows)
    verifiers = await wrapped_all([packed for _, packed in opened], parameters)
    new = {row.card: packed for (row, _), packed in zip(opened, verifiers, strict=True)}
    return await asyncio.to_thread(_seal, keys, rows, new)


def _open(keys: HubKeys, rows: Sequence[_Waiting]) -> list[tuple[_Waiting, bytes]]:
    found = []
    for row in rows:
        packed = keys.open_person(row.feed, row.card, row.sealed).verifier
        if packed is not None and isinstance(unpack_verifier(packed), Bcrypt):
            found.append((row, packed))
    return found


def _seal(keys: HubKeys, rows: Sequence[_Waiting], new: dict[bytes, bytes]) -> list[_Wrapped]:
    return [
        _Wrapped(row, _resealed(keys, row, new[row.card]) if row.card in new else row.sealed)
        for row in rows
    ]


def _resealed(keys: HubKeys, row: _Waiting, verifier: bytes) -> bytes:
    person = keys.open_person(row.feed, row.card, row.sealed)
    return keys.seal_person(row.feed, row.card, replace(person, verifier=verifier))


async def _write(database: Database, rows: Sequence[_Wrapped]) -> int:
    async with database.changing() as change:
        for one in rows:
            change.rows += await _put(change.connection, one, change.number)
        return change.rows


async def _put(connection: AsyncConnection, one: _Wrapped, number: int) -> int:
    """1 when the row was still what was read. Every change of a row moves its number."""
    row = one.row
    put = (
        update(PATRON)
        .where(PATRON.c.feed == row.feed, PATRON.c.card == row.card)
        .where(PATRON.c.change == row.change, PATRON.c.unwrapped)
        .values(sealed=one.sealed, unwrapped=False, change=number)
    )
    return (await connection.execute(put)).rowcount
