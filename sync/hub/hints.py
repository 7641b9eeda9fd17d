"""Hints to the open streams of GET /v1/changes: that there is something, never what.

A stream that is slow gets one hint of a kind and not a thousand: what it has not taken yet is a
set. A device has at most STREAMS_EACH streams; a further one ends the oldest, because a device that
lost its line opens a new one long before the hub notices that the old one is dead.

When the database has not answered for BLIND_SECONDS, all streams end: a hub that cannot see changes
must not look as if there were none.

Deliberately not here: what changed (signs), when to look (waking), server-sent events (changes).
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Final

from kioskd.errors import StoreError
from sync.hub.app_parts import PullStreams
from sync.hub.database import Database
from sync.hub.model import Branch
from sync.hub.signs import Hint, Signs, read_signs, told
from sync.hub.waking import LOOK_SECONDS, waking

STREAMS_EACH: Final = 2
BLIND_SECONDS: Final = 10.0
_AGAIN_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)
_log = logging.getLogger("kioskd.hub")


class Subscription:
    """One open stream."""

    def __init__(self, device: str, branch: str) -> None:
        self.device = device
        self.branch = branch
        self._ended = asyncio.Event()
        self._token: bytes | None = None
        self._pending: set[Hint] = set()
        self._something = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether the stream is to close."""
        return self._ended.is_set()

    def look(self, token: bytes | None) -> None:
        """What is kept of the device's token now; REVOKED unless it is as at the last look.

        So the first look after a stream began makes it ask, whatever happened before that.
        """
        if token is None or token != self._token:
            self.add(frozenset({Hint.REVOKED}))
        self._token = token

    def add(self, hints: frozenset[Hint]) -> None:
        """Keep these until they are taken."""
        if hints:
            self._pending |= hints
            self._something.set()

    def end(self) -> None:
        """The stream is to close at once."""
        self._ended.set()
        self._something.set()

    async def rest(self, seconds: float) -> None:
        """Wait, unless it ends: what comes meanwhile is gathered."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    async def take(self, seconds: float) -> frozenset[Hint]:
        """What is waiting; empty when nothing came within these seconds, or when it has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._something.wait()
        taken = frozenset(self._pending)
        self._pending.clear()
        if not self.ended:
            self._something.clear()
        return taken


class Hints:
    """Looks for changes while `run` runs, and tells whom they concern."""

    def __init__(self, database: Database, pulls: PullStreams, look: float = LOOK_SECONDS) -> None:
        self._database = database
        self._pulls = pulls
        self._look = look
        self._signs: Signs | None = None
        self._streams: list[Subscription] = []
        self._closed = False
        self._positions: dict[str, tuple[tuple[int, int], str]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._streams)

    async def run(self) -> None:
        """Until cancelled; a database that does not answer is asked again."""
        fails = 0
        blind_since: float | None = None
        while True:
            started = self._signs
            try:
                await self._watch()
            except StoreError as error:
                loop = asyncio.get_running_loop()
                if self._signs is not started or blind_since is None:
                    fails, blind_since = 0, loop.time()
                self._complain(error, again=fails > 0)
                if loop.time() - blind_since > BLIND_SECONDS:
                    self._end_all()
                await asyncio.sleep(_AGAIN_SECONDS[min(fails, len(_AGAIN_SECONDS) - 1)])
                fails += 1

    @contextlib.contextmanager
    def subscribed(self, device: str, branch: str) -> Iterator[Subscription]:
        """A stream of this device; it ends when the block does."""
        stream = Subscription(device, branch)
        own = [other for other in self._streams if other.device == device]
        for oldest in own[: len(own) + 1 - STREAMS_EACH]:
            oldest.end()
        self._streams.append(stream)
        if self._closed:
            stream.end()
        try:
            yield stream
        finally:
            self._streams.remove(stream)

    def has_commands(self, device: str) -> bool:
        """Whether something waits to be done by this device, as of the last look."""
        return self._signs is not None and bool(self._signs.commands.get(device))

    async def position(self, branch: Branch) -> str:
        """Where the branch stands; asked once for all its streams as long as nothing changes."""
        if self._signs is None:
            return await self._pulls.position(branch)
        async with self._turns.setdefault(branch.code, asyncio.Lock()):
            place = self._signs.place(branch.code)
            known = self._positions.get(branch.code)
            if known is None or known[0] != place:
                known = (place, await self._pulls.position(branch))
                self._positions[branch.code] = known
            return known[1]

    def close(self) -> None:
        """Every stream ends now, and new ones at once."""
        self._closed = True
        self._end_all()

    async def _watch(self) -> None:
        async with waking(self._database, self._look) as woken:
            while True:
                self._tell(await read_signs(self._database))
                await woken()

    def _tell(self, after: Signs) -> None:
        before, self._signs = self._signs, after
        differs = before is not None and before != after
        for stream in self._streams:
            stream.look(after.tokens.get(stream.device))
            if before is not None and differs:
                stream.add(told(before, after, stream.device, stream.branch))

    def _end_all(self) -> None:
        for stream in self._streams:
            stream.end()

    def _complain(self, error: StoreError, *, again: bool) -> None:
        level = logging.DEBUG if again else logging.WARNING
        _log.log(level, "changes cannot be seen", extra={"why": str(error)})
