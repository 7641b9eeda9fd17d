"""What the daemon does for its line to the hub: journal, keys, hours and lists are its own.

Deliberately not here: the child that asks (line_run), and how it is kept alive (line).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

from kioskd import __version__
from kioskd.control.people import Person
from kioskd.control.status import Standing
from kioskd.daemon.line_cache_lock import drop_cache
from kioskd.daemon.line_wire import NOT_TRIED, Delivered, LineState, Publish, SiteParts
from kioskd.daemon.published import (
    Published,
    keep,
    lists_of,
    published_of,
)
from kioskd.daemon.site import Site
from kioskd.domain.card import CodePatterns
from kioskd.domain.codes import same_branch
from kioskd.domain.record import Kind
from kioskd.domain.staff import HUB, ListEntry, Which
from kioskd.errors import InputError, StoreError, VaultError
from kioskd.store.journal import ThreadedJournal
from sync.hub_wire import DoorSays

log = logging.getLogger("kioskd.line")
_HUB = Person(HUB, frozenset())


class LineDuties:
    """line.Duties over a site.

    look: how the site stands. put_in_force: what was published, while the doors go on.
    """

    def __init__(
        self,
        site: Site,
        look: Callable[[], Standing],
        put_in_force: Callable[[Published], Awaitable[None]],
    ) -> None:
        self._site = site
        self._look = look
        self._put_in_force = put_in_force
        self._up: bool | None = None

    async def delivered(self, said: Delivered) -> None:
        """The hub has these rows."""
        at = self._site.clock.moment().wall
        await self._journal().mark_delivered(said.journal, said.through, said.dead, at)

    async def told(self, keys: list[bytes]) -> None:
        """The hub has these activities."""
        await self._journal().drop_activities(keys)

    async def pulse(self) -> SiteParts:
        """How the site stands, without a person and without a decision."""
        now = self._look()
        journal = self._site.stores.journal
        opened = journal.opened if isinstance(journal, ThreadedJournal) else None
        head = opened.file.head if opened else None
        return SiteParts(
            version=__version__,
            journal=opened.journal if opened else "",
            seq=head.seq if head else 0,
            hash=head.hash if head else "",
            doors=[DoorSays(door.name, door.state, door.fault) for door in now.doors],
            alerts=sorted({str(alert["alert"]) for alert in now.alerts}),
            config_version=self._site.published.version,
            config_key=self._site.published.key,
        )

    async def drop(self) -> None:
        """Forget the cache and its keys. VaultError, StoreError."""
        keyring = self._site.keys.keyring
        if keyring is None:
            raise VaultError(self._site.keys.why)
        await self._site.acts.write(_HUB, "drop-cache")
        await asyncio.to_thread(drop_cache, self._site.config.storage.directory, keyring)
        await self._site.stores.cache.refresh()
        log.warning("cache.dropped", extra={"why": "the hub said so"})

    async def publish(self, told: Publish) -> None:
        """Put hours, help phone and lists into force. InputError: the last good ones stay."""
        site, config = self._site, told.config
        if not same_branch(config.branch, site.config.site.branch):
            raise InputError(
                f"was published for {config.branch}, this is {site.config.site.branch}"
            )
        to_be = published_of(config, told.key)
        lists = await asyncio.to_thread(self._lists, told)
        detail: dict[str, object] = {"version": config.version}
        detail |= {which.value: len(cards) for which, cards in lists.items()}
        await site.acts.write(_HUB, "publish", detail=detail)
        await site.staff_hours.put_entries_of(HUB, lists)
        await asyncio.to_thread(keep, site.config.storage.directory, config, told.key)
        # Last: its version says that all of it is in force.
        await self._put_in_force(to_be)

    def state(self, line: LineState) -> None:
        """Note when the line goes and when it is back."""
        tried = line.up or line.why not in ("", NOT_TRIED)
        if line.up != self._up and tried:
            if self._up is not None or not line.up:
                kind = Kind.SYNC_DONE if line.up else Kind.SYNC_FAILED
                self._site.notebook.note(kind, detail={"line": "up" if line.up else line.why[:200]})
            self._up = line.up

    def _lists(self, told: Publish) -> dict[Which, tuple[ListEntry, ...]]:
        site = self._site
        cards = site.config.cards
        patterns = CodePatterns(cards.patron, cards.item)
        zone, now = ZoneInfo(site.config.site.timezone), site.clock.moment().wall
        found = lists_of(told.config, site.keys.index, patterns, zone, now)
        lists = {Which.ALLOW: found.allow, Which.DENY: found.deny}
        return {which: entries for which, entries in lists.items() if entries is not None}

    def _journal(self) -> ThreadedJournal:
        journal = self._site.stores.journal
        if not isinstance(journal, ThreadedJournal):
            raise StoreError("there is no journal")
        return journal
