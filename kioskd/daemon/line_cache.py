"""sync.line_ports.LineCache over the credential cache: what the hub sends, off the loop.

One change at a time, each in a thread and under the import lock; a snapshot in a process of its
own. What `held` says is remembered as long as `current` names the same cache, so that an idle pull
opens no database. A cache whose rows turned out damaged, or whose keys are gone, holds nothing; one
whose index key a full feed is to replace holds no positions. The next pull is then a snapshot.

Deliberately not here: pulling (sync), and what becomes of lines (line_cache_pages).
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from kioskd.clock.system import SystemClock
from kioskd.config.model import Config
from kioskd.daemon.importing import ImportRequest
from kioskd.daemon.keys import open_keyring
from kioskd.daemon.line_cache_lock import drop_cache
from kioskd.daemon.line_cache_pages import (
    CacheSite,
    apply_page,
    drop_positions,
    restrict_page,
    touch_cache,
)
from kioskd.daemon.line_cache_sink import ChildSink
from kioskd.domain.moment import Moment
from kioskd.errors import StoreDamaged, VaultError
from kioskd.store import generations
from kioskd.store.cache_delta import read_state
from kioskd.store.cache_schema import CacheMeta
from kioskd.store.generations import Current
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose
from sync.hub_wire import Trailer
from sync.line_ports import Applied, Held, SnapshotSink
from sync.threads import in_thread

__all__ = ["HubCache", "drop_cache"]

T = TypeVar("T")


class HubCache:
    """sync.line_ports.LineCache. Made and used in one event loop; several beside each other wait
    for the same lock.

    keyring: opens the keyring anew each time it is asked, because others rekey and drop keys.
    """

    def __init__(
        self,
        config: Config,
        moment: Callable[[], Moment] | None = None,
        keyring: Callable[[], Keyring] | None = None,
    ) -> None:
        self._site = CacheSite(
            config,
            keyring or (lambda: open_keyring(config)),
            moment or SystemClock().moment,
        )
        self._turn = asyncio.Lock()
        self._known: tuple[Current, CacheMeta] | None = None
        self._damaged = ""  # the generation whose rows cannot be changed

    async def held(self) -> Held:
        """What the cache was last told. VaultError without the device key."""
        return await self._in_turn(self._held)

    async def apply(self, lines: Sequence[bytes], trailer: Trailer) -> Applied:
        """A page of changed credentials. InputError: it does not continue the cache."""
        return await self._in_turn(lambda: apply_page(self._site, lines, trailer))

    async def restrict(self, lines: Sequence[bytes], trailer: Trailer) -> Applied:
        """A page of restrictions, for the cards that are here."""
        return await self._in_turn(lambda: restrict_page(self._site, lines, trailer))

    async def touch(self, trailer: Trailer) -> None:
        """A pull found nothing new. InputError: it was a pull from another cache than this."""
        await self._in_turn(lambda: touch_cache(self._site, trailer))

    async def snapshot(self) -> SnapshotSink:
        """A sink for a whole snapshot, its last line included."""
        return await ChildSink.start(ImportRequest(str(self._site.config.path), "-", hub=True))

    async def drop_positions(self) -> None:
        """Have the next pull be a snapshot; the cache stays in use until then."""
        await self._in_turn(lambda: drop_positions(self._site))

    async def _in_turn(self, work: Callable[[], T]) -> T:
        async with self._turn:
            return await in_thread(lambda: self._watched(work))

    def _watched(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except StoreDamaged:
            current = self._current()
            self._damaged = current.generation if current else ""
            raise

    def _held(self) -> Held:
        current = self._current()
        meta = self._meta(current) if current else None
        if meta is None:
            return Held()
        keyring = self._site.keyring()
        if meta.generation == self._damaged or not _opens(keyring, meta):
            return Held()
        if keyring.newest(Purpose.CACHE_INDEX).pending:
            return Held(count=meta.credentials)
        return Held(
            meta.hub_generation,
            meta.credentials_cursor,
            meta.restrictions_cursor,
            meta.credentials,
        )

    def _current(self) -> Current | None:
        try:
            return generations.read_current(self._site.directory)
        except StoreDamaged:
            return None

    def _meta(self, current: Current) -> CacheMeta | None:
        if self._known is not None and self._known[0] == current:
            return self._known[1]
        try:
            meta = read_state(self._site.directory, current)
        except StoreDamaged:
            return None
        self._known = current, meta
        return meta


def _opens(keyring: Keyring, meta: CacheMeta) -> bool:
    """Whether the keys that a cache was made with are still here."""
    try:
        keyring.cache_index(meta.index_key)
        keyring.by_id(meta.seal_key)
    except VaultError:
        return False
    return True
