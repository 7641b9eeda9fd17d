"""The part of a branch's configuration that comes from the hub: sealed here, signed on its way.

Each publication replaces the one before it whole and has a number of its own; the older ones are
deleted, because their lists name cards. The number is the time of the publication in seconds, or
one more than the last: so it is new to every device, also where the hub's database came back from
a backup. A card whose day is over is left out of what is asked for and, by `forget_over`, out of
what is kept, under the same number.

Deliberately not here: what may be published (published_file), and what a device does with it.
"""

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.moment import stamp
from kioskd.errors import InputError, VaultError
from sync.hub.database import Database
from sync.hub.model import HubConfig
from sync.hub.published_file import PublishedPart, read_published
from sync.hub.schema import PUBLISHED
from sync.hub.sealing import HubKeys
from sync.hub_wire import PublishedCard, PublishedConfig, SignedConfig

NOTHING: Final = 0  # the version of a branch for which nothing was published
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class Publishing:
    """What was published for each branch."""

    def __init__(
        self,
        database: Database,
        keys: HubKeys,
        config: HubConfig,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._keys = keys
        self._config = config
        self._zone = ZoneInfo(config.timezone)
        self._now = now

    async def publish(self, branch: str, toml_text: str, file: str = "config") -> int:
        """Publish a file's text for a branch; its version. ConfigError: a line for every fault."""
        part = await self.check(branch, toml_text, file)
        # Only for the lock: of two at once each gets a number, and the later one stays.
        async with self._database.changing() as change:
            connection = change.connection
            now = self._now().astimezone(UTC)
            version = max(await _version(connection, branch) + 1, int(now.timestamp()))
            published = _published(branch, version, now, part)
            row = {"branch": branch, "version": version, "at": stamp(published.published)}
            row |= {"sealed": self._sealed(published)}
            await connection.execute(insert(PUBLISHED), row)
            older = (PUBLISHED.c.branch == branch) & (PUBLISHED.c.version < version)
            await connection.execute(delete(PUBLISHED).where(older))
            await self._database.tell(connection, "config")
        return version

    async def check(self, branch: str, toml_text: str, file: str = "config") -> PublishedPart:
        """What a file would publish; ConfigError as above, InputError: no such branch."""
        if self._config.branch(branch) is None:
            known = ", ".join(b.code for b in self._config.branches) or "none"
            raise InputError(f"{branch[:32]}: no such branch; there are: {known}")
        cards, today = self._config.cards, self._today()
        return await asyncio.to_thread(read_published, toml_text, file, cards, today)

    async def current(self, branch: str) -> SignedConfig:
        """What a device of this branch is told. VaultError: the hub's key does not open it."""
        key = _text64(self._keys.public_key)
        published = await self.published(branch)
        if published is None:
            return SignedConfig(NOTHING, "", "", key)
        payload = _ENCODER.encode(published)
        signature = _text64(self._keys.sign(payload))
        return SignedConfig(published.version, payload.decode("utf-8"), signature, key)

    async def published(self, branch: str) -> PublishedConfig | None:
        """The same for this hub's staff; None: nothing. Whoever shows it masks its cards."""
        asked = select(PUBLISHED).where(PUBLISHED.c.branch == branch)
        async with self._database.reading() as connection:
            newest = asked.order_by(PUBLISHED.c.version.desc()).limit(1)
            row = (await connection.execute(newest)).first()
        if row is None:
            return None
        return _without_over(self._opened(branch, row.version, row.sealed), self._today())

    async def version(self, branch: str) -> int:
        """The number of what is published for a branch; 0: nothing."""
        async with self._database.reading() as connection:
            return await _version(connection, branch)

    async def forget_over(self) -> int:
        """Take cards whose day is over out of what is kept; how many publications had some."""
        today, changed = self._today(), 0
        async with self._database.changing() as change:
            for row in (await change.connection.execute(select(PUBLISHED))).all():
                kept = self._opened(row.branch, row.version, row.sealed)
                left = _without_over(kept, today)
                if left != kept:
                    mine = (PUBLISHED.c.branch == row.branch) & (PUBLISHED.c.version == row.version)
                    less = update(PUBLISHED).where(mine).values(sealed=self._sealed(left))
                    await change.connection.execute(less)
                    changed += 1
        return changed

    def _sealed(self, published: PublishedConfig) -> bytes:
        text = _ENCODER.encode(published).decode("utf-8")
        return self._keys.seal_text(_context(published.branch, published.version), text)

    def _opened(self, branch: str, version: int, sealed: bytes) -> PublishedConfig:
        text = self._keys.open_text(_context(branch, version), sealed)
        try:
            return msgspec.json.decode(text, type=PublishedConfig)
        except msgspec.MsgspecError:
            raise VaultError(
                f"{branch}: what was published opens but is not understood; it was written by "
                "another version of kioskd-hub: publish it again"
            ) from None

    def _today(self) -> date:
        return self._now().astimezone(self._zone).date()


async def _version(connection: AsyncConnection, branch: str) -> int:
    newest = select(func.coalesce(func.max(PUBLISHED.c.version), NOTHING))
    found = await connection.execute(newest.where(PUBLISHED.c.branch == branch))
    return int(found.scalar_one())


def _published(branch: str, version: int, now: datetime, part: PublishedPart) -> PublishedConfig:
    return PublishedConfig(
        version=version,
        branch=branch,
        published=now,
        schedule=part.schedule,
        help_phone=part.help_phone,
        texts=part.texts or {},
        allow=part.allow,
        deny=part.deny,
    )


def _without_over(published: PublishedConfig, today: date) -> PublishedConfig:
    allow, deny = _left(published.allow, today), _left(published.deny, today)
    return msgspec.structs.replace(published, allow=allow, deny=deny)


def _left(entries: list[PublishedCard] | None, today: date) -> list[PublishedCard] | None:
    return None if entries is None else [e for e in entries if e.until >= today]


def _context(branch: str, version: int) -> str:
    return f"published {branch} {version}"


def _text64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
