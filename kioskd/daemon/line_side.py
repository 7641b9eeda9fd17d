"""What the line asks of the device and tells it, in the child: sync.line_report over the link.

    LinkedDevice   heartbeat parts, the file's text, commands, published configurations
    LinkedReport   every report becomes one LineState, told to the daemon when it changed

A cache that was dropped on the hub's word is not filled again before the hub says sync-now: the
mark for that is the file `cache.held`, which outlives a restart.

Deliberately not here: the line (sync.line), and the daemon's part (line_duties).
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from kioskd.config.model import Config
from kioskd.daemon.config_copy import ConfigCopy
from kioskd.daemon.line_link import DaemonLink, plain
from kioskd.daemon.line_outbox import JournalOutbox
from kioskd.daemon.line_wire import LineState
from kioskd.daemon.published import KEY, UNREADABLE
from kioskd.domain.moment import Moment
from kioskd.errors import StoreError
from kioskd.store.faults import is_there, mapped
from kioskd.store.generations import sync_path
from kioskd.store.outbox_read import Waiting
from sync.hub_wire import (
    Anchor,
    CacheSays,
    Command,
    Heartbeat,
    PublishedConfig,
    SignedConfig,
)
from sync.line_ports import LineCache
from sync.line_report import Part, Pulled, Pushed
from sync.signed_config import KnownConfig

log = logging.getLogger("kioskd.line")
HELD: Final = "cache.held"


class Hold:
    """Whether the cache is to stay empty until the hub says otherwise. StoreError."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / HELD

    def is_on(self) -> bool:
        """Whether it is."""
        return is_there(self._path)

    def put(self) -> None:
        """From now on, also after a power cut."""
        with mapped(self._path):
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        sync_path(self._path.parent)

    def lift(self) -> None:
        """No longer."""
        with mapped(self._path):
            self._path.unlink(missing_ok=True)


class LinkedDevice:
    """sync.line_report.DeviceSide: what the daemon knows and does.

    held: of the cache, for the heartbeat; None where this line brings no credentials.
    """

    def __init__(
        self,
        config: Config,
        link: DaemonLink,
        cache: LineCache | None,
        outbox: JournalOutbox | None,
        report: "LinkedReport",
        hold: Hold,
    ) -> None:
        self._config = config
        self._link = link
        self._cache = cache
        self._outbox = outbox
        self._report = report
        self._hold = hold
        self._copy = ConfigCopy(config.path)

    async def state(self) -> Heartbeat:
        """How the device is. StoreError when the daemon does not say."""
        parts = await self._link.pulse()
        text = await self._file()
        anchor = Anchor(parts.journal, parts.seq, parts.hash) if parts.journal else None
        counts = await self._outbox.counts() if self._outbox else Waiting(0, 0)
        self._report.queue(counts.rows, counts.dead)
        return Heartbeat(
            at=datetime.now(UTC),  # the line puts its own there
            version=parts.version,
            anchor=anchor,
            cache=await self._cache_says(),
            doors=parts.doors,
            alerts=parts.alerts,
            waiting=counts.rows,
            dead=counts.dead,
            config_version=parts.config_version,
            config_digest=hashlib.sha256(text.encode()).hexdigest() if text else "",
        )

    async def config_text(self) -> str:
        """What is in force here, without comments and what may hold a password."""
        return await self._file()

    async def known(self) -> KnownConfig:
        """What is in force of published configurations, and whose signature counts."""
        parts = await self._link.pulse()
        if parts.config_key == UNREADABLE:
            path = self._config.storage.directory / KEY
            raise StoreError(f"{path}: cannot be read; it must belong to the user of the daemon")
        hub = self._config.register.hub
        pinned = hub.config_key if hub else ""
        return KnownConfig(
            self._config.site.branch, parts.config_version, pinned or parts.config_key
        )

    async def take_config(self, published: PublishedConfig, signed: SignedConfig) -> None:
        """Put it into force. StoreError: it was not; the last good one stays."""
        await self._link.publish(published, signed.key)
        self._report.config_taken()

    async def carry_out(self, command: Command) -> None:
        """Drop the cache, or let it be filled again."""
        if command.kind == "drop-cache":
            await asyncio.to_thread(self._hold.put)
            self._report.held(held=True)
            await self._link.drop()
        else:
            await asyncio.to_thread(self._hold.lift)
            self._report.held(held=False)

    async def _cache_says(self) -> CacheSays | None:
        if self._cache is None or self._hold.is_on():
            return None
        held = await self._cache.held()
        return CacheSays(held.count, self._report.state.pulled, held.generation)

    async def _file(self) -> str:
        return await asyncio.to_thread(self._copy.text)


class LinkedReport:
    """sync.line_report.Report: the state of the line, told when it changed.

    tell: takes a state. moment: of now.
    """

    def __init__(
        self, tell: Callable[[LineState], None], moment: Callable[[], Moment], state: LineState
    ) -> None:
        self.state = state
        self._tell = tell
        self._moment = moment

    def synced(self, pulled: Pulled) -> None:
        """A complete pull."""
        if pulled.changed:
            log.info(
                "line.pulled",
                extra={
                    "put": pulled.put,
                    "removed": pulled.removed,
                    "restricted": pulled.restricted,
                    "bad": pulled.bad,
                    "snapshot": pulled.snapshot,
                    "seconds": round(pulled.seconds, 2),
                },
            )
        rows = pulled.put + pulled.removed + pulled.restricted
        self._now(up=True, why="", pulled=self._moment().wall, rows=rows)

    def pushed(self, pushed: Pushed) -> None:
        """Events or activities went."""
        waiting = max(0, self.state.waiting - pushed.delivered - pushed.dead)
        self._now(up=True, why="", dead=self.state.dead + pushed.dead, waiting=waiting)
        if pushed.dead:
            log.warning("line.rejected", extra={"events": pushed.dead})

    def failed(self, part: Part, why: str, times: int) -> None:
        """A part failed; the first of a row loudly."""
        level = logging.WARNING if times == 1 else logging.DEBUG
        log.log(level, "line.failed", extra={"part": part.value, "why": plain(why), "n": times})
        if part in (Part.PULL, Part.HEARTBEAT):
            self._now(why=plain(why))
        elif part is Part.CONFIG:
            self._now(config_why=plain(why))

    def line(self, *, up: bool, why: str) -> None:
        """Whether the hub is to be had."""
        self._now(up=up, why=plain(why))

    def hints(self, *, live: bool, why: str) -> None:
        """Whether changes are told at once."""
        if not live and why:
            log.info("line.polls", extra={"why": plain(why)})
        self._now(hints=live)

    def token(self, *, accepted: bool, why: str) -> None:
        """Whether the hub knows this device."""
        self._now(refused=not accepted, up=accepted, why=plain(why))
        if not accepted:
            log.error("line.refused", extra={"why": plain(why)})

    def certificate(self, days: int) -> None:
        """Days until the hub's certificate ends."""
        self._now(certificate_days=days)

    def skew(self, seconds: float) -> None:
        """This clock minus the hub's."""
        self._now(skew_seconds=seconds)

    def queue(self, waiting: int, dead: int) -> None:
        """How many events wait, and how many the hub refused."""
        self._now(waiting=waiting, dead=dead)

    def config_taken(self) -> None:
        """What was published is in force."""
        self._now(config_why="")

    def held(self, *, held: bool) -> None:
        """Whether the cache waits for the hub's word."""
        self._now(held=held)

    def _now(self, **changed: object) -> None:
        to_be = replace(self.state, **changed)
        if to_be != self.state:
            self.state = to_be
            self._tell(to_be)
