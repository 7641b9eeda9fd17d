"""What a device pulls: a snapshot of its branch, and what changed after its cursor.

    stream = await pulls.credentials(branch, cursor, limit)     # Gone, StoreError: before a byte
    async with contextlib.aclosing(stream):
        async for chunk in stream: ...                          # lines, the last one a Trailer

A snapshot is one view of the database from its first line to its last, however long the device
takes to read it. A page is read as a whole before its first byte, so a slow device holds no
connection. What fails in between ends the stream without a trailer, and the device discards it.

Restrictions are asked for by themselves and more often. A cursor of a snapshot is good for both
streams; one that ends inside a change is good for its own alone.

Deliberately not here: HTTP, gzip, deadlines, and how many streams may run at once.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from sync.hub.cursor import Within
from sync.hub.database import Database
from sync.hub.model import Branch, HubConfig
from sync.hub.pull_lines import (
    LineOf,
    Lines,
    Viewer,
    credential,
    present_restriction,
    restriction,
)
from sync.hub.pull_rows import Changed, changed, effective, live
from sync.hub.pull_standing import (
    Gone,
    Standing,
    nonce_of,
    parsed,
    standing_of,
    sync_branches,
)
from sync.hub.rights import near_days_of, tells_all
from sync.hub.sealing import HubKeys
from sync.hub_wire import MAX_PAGE

__all__ = ["Gone", "Pulls", "Stream", "sync_branches"]


class Stream:
    """Chunks of lines, the last line a Trailer. Close it: a snapshot holds a connection."""

    def __init__(self, chunks: AsyncGenerator[bytes, None]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._chunks)

    async def aclose(self) -> None:
        """Let go of everything; safe at any time and twice."""
        await self._chunks.aclose()


class Pulls:
    """The streams of a hub. `sync_branches` was called before with the same configuration."""

    def __init__(
        self, database: Database, keys: HubKeys, config: HubConfig, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._keys = keys
        self._config = config
        self._now = now
        self._zone = ZoneInfo(config.timezone)
        self._near_days = near_days_of(config)

    async def position(self, branch: Branch) -> str:
        """The cursor of whoever has everything by now."""
        async with self._database.reading() as connection:
            return (await standing_of(connection, self._config, branch)).cursor()

    async def snapshot(self, branch: Branch) -> Stream:
        """Every credential of the branch, in one view."""
        return await self._whole(branch, credential)

    async def credentials(self, branch: Branch, cursor: str | None, limit: int) -> Stream:
        """The credentials that changed after the cursor, at most `limit`; a snapshot without."""
        if cursor is None:
            return await self.snapshot(branch)
        return await self._page(branch, cursor, limit, Within.CREDENTIALS, credential)

    async def restrictions(self, branch: Branch, cursor: str | None, limit: int) -> Stream:
        """The cards whose restrictions changed after the cursor; without, all restricted ones."""
        if cursor is None:
            return await self._whole(branch, present_restriction, restricted=tells_all(branch))
        return await self._page(branch, cursor, limit, Within.RESTRICTIONS, restriction)

    async def _whole(self, branch: Branch, line_of: LineOf, *, restricted: bool = False) -> Stream:
        chunks = self._whole_chunks(branch, line_of, restricted=restricted)
        await anext(chunks)  # up to where the view is taken and nothing can be Gone any more
        return Stream(chunks)

    async def _whole_chunks(
        self, branch: Branch, line_of: LineOf, *, restricted: bool
    ) -> AsyncGenerator[bytes, None]:
        lines = self._lines(branch, line_of)
        async with self._database.reading() as connection:
            standing = await standing_of(connection, self._config, branch)
            yield b""
            async for rows in live(connection, branch.feeds, restricted=restricted):
                if data := await asyncio.to_thread(lines.render, rows):
                    yield data
        yield lines.trailer(standing.cursor(), standing.generation, more=False)

    async def _page(
        self, branch: Branch, text: str, limit: int, order: Within, line_of: LineOf
    ) -> Stream:
        cursor, most = parsed(text, branch), min(max(limit, 1), MAX_PAGE)
        lines = self._lines(branch, line_of)
        async with self._database.reading() as connection:
            standing = await standing_of(connection, self._config, branch, cursor.change)
            standing.check(cursor, order)
            rows = await changed(connection, branch.feeds, cursor, order, most + 1)
            there = [row.stored for row in rows[:most]]
            blocks = [block async for block in effective(connection, branch.feeds, there)]
            following = await _following(connection, standing, rows, most, order)
        data = [await asyncio.to_thread(lines.render, block) for block in blocks]
        more = len(rows) > most
        return Stream(_chunks([*data, lines.trailer(following, standing.generation, more=more)]))

    def _lines(self, branch: Branch, line_of: LineOf) -> Lines:
        today = self._now().astimezone(self._zone).date()
        return Lines(Viewer(self._keys, branch, today, self._near_days), line_of)


async def _following(
    connection: AsyncConnection,
    standing: Standing,
    rows: Sequence[Changed],
    most: int,
    order: Within,
) -> str:
    """The cursor after the first `most` rows, of which there may be more."""
    if len(rows) <= most:
        return standing.cursor()
    last, change = rows[most - 1]
    nonce = await nonce_of(connection, change)
    if rows[most].change != change:
        return standing.cursor_at(change, nonce)
    return standing.cursor_at(change, nonce, order, last.card, last.feed)


async def _chunks(data: Sequence[bytes]) -> AsyncGenerator[bytes, None]:
    for chunk in data:
        yield chunk
