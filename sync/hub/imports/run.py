"""One import from its file to its report.

    parser = lambda rules: FeedParser.open(path, rules)
    report = await run_import(database, keys, config, request, parser, now, progress)

The whole file is read before anything is written, so a file that is refused changes nothing; then
it is compared with the hub, and what differs is written (applying). An InputError is the file's or
a second import's; with a StoreError the hub has whole batches of it, and the next full import
completes what is missing.

Deliberately not here: exit codes, the file's deletion, and the wrapping of many PINs.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select

from kioskd.errors import InputError, KioskError, StoreError
from kioskd.vault.kdf import SITE_PARAMETERS
from kioskd.vault.verifiers import Argon2Parameters
from sync.hub import wrapping
from sync.hub.database import Database
from sync.hub.imports import koha
from sync.hub.imports.applying import Applying
from sync.hub.imports.deciding import Decider
from sync.hub.imports.history import note_begun, note_ended, note_failed
from sync.hub.imports.lock import ImportLock
from sync.hub.imports.patron_rows import among
from sync.hub.imports.report import (
    ImportProgress,
    ImportReport,
    ImportRequest,
    Tally,
    report_of,
)
from sync.hub.imports.rows import Parser, ParserRules, Row
from sync.hub.imports.sealing_rows import RowSealer
from sync.hub.imports.shrink import judged
from sync.hub.imports.staging import Compared, RowKind, Staging, StoredDigest
from sync.hub.model import HubConfig
from sync.hub.rights import near_days_of
from sync.hub.schema import PATRON
from sync.hub.sealing import HubKeys
from sync.threads import in_thread

_READ: Final = 2000  # rows a chunk, and cards looked up at a time
_PAGE: Final = 10_000  # digests a page

ParserFor = Callable[[ParserRules], Parser]
Progress = Callable[[ImportProgress], None]


async def run_import(
    database: Database,
    keys: HubKeys,
    config: HubConfig,
    request: ImportRequest,
    parser_for: ParserFor,
    now: Callable[[], datetime],
    progress: Progress = lambda _: None,
    parameters: Argon2Parameters = SITE_PARAMETERS,
) -> ImportReport:
    """Import a file. InputError, StoreError, VaultError. parser_for: opens it, in a thread."""
    if request.feed not in config.feeds():
        known = ", ".join(config.feeds()) or "none"
        raise InputError(f"{request.feed}: no feed of {config.path}; there are {known}")
    async with ImportLock(database, request.feed, now) as lock:
        identity, begun = secrets.token_hex(8), now()
        await note_begun(database, identity, request, begun)
        try:
            run = _Run(database, keys, config, request, progress, parameters, lock, identity)
            report = await run.whole(parser_for, begun, now)
        except KioskError as fault:
            # A full disk takes no note of itself; the record then shows an import without an end.
            with contextlib.suppress(StoreError):
                await note_failed(database, identity, fault, now())
            raise
        await note_ended(database, report, now())
        return report


@dataclass(frozen=True, slots=True)
class _Run:
    database: Database
    keys: HubKeys
    config: HubConfig
    request: ImportRequest
    progress: Progress
    parameters: Argon2Parameters
    lock: ImportLock
    identity: str

    async def whole(
        self, parser_for: ParserFor, begun: datetime, now: Callable[[], datetime]
    ) -> ImportReport:
        tally = Tally()
        today = begun.astimezone(ZoneInfo(self.config.timezone)).date()
        staging = await in_thread(Staging)
        try:
            sealer = RowSealer(self.keys, self.request.feed, today)
            with contextlib.closing(await in_thread(parser_for, self._rules(today))) as parser:
                await self._read(parser, staging, sealer, tally)
                warnings = dict(parser.warnings)
            total = await self._plan(staging, tally)
            await self._apply(staging, today, tally, total)
        finally:
            await in_thread(staging.close)
        waiting = await wrapping.waiting(self.database, self.request.feed)
        seconds = (now() - begun).total_seconds()
        return report_of(
            self.identity,
            self.request,
            tally,
            seconds=seconds,
            waiting=waiting,
            warnings=warnings,
        )

    def _rules(self, today: date) -> ParserRules:
        near = near_days_of(self.config)
        ages = self.config.ages_of(self.request.feed)
        return ParserRules(self.config.cards, ages, today, near)

    async def _read(
        self, parser: Parser, staging: Staging, sealer: RowSealer, tally: Tally
    ) -> None:
        """All rows into the staging. A file that the parser refuses has changed nothing."""
        rows = await in_thread(parser.rows)
        while await in_thread(_read_some, rows, staging, sealer, tally):
            self.progress(ImportProgress("reading", parser.position, parser.size))
        await in_thread(staging.settle)

    async def _plan(self, staging: Staging, tally: Tally) -> int:
        """Compare with the hub, judge what may go; how many cards are to be written."""
        await self._know(staging)
        compared = await in_thread(staging.compare)
        tally.unchanged = compared.cards - compared.changed
        tally.duplicates = compared.duplicates
        going = judged(self.request, compared, broken=tally.broken, murky=tally.murky)
        tally.kept_back = going.kept_back
        if going.withdraw:
            await in_thread(staging.withdraw)
        if going.drop:
            await in_thread(staging.drop_missing)
        return _planned(compared, withdraw=going.withdraw, drop=going.drop)

    async def _know(self, staging: Staging) -> None:
        """Tell the staging what the hub has of this feed, or of the cards of a delta."""
        after: bytes | None = b""
        done = 0
        async with self.database.reading() as connection:
            while after is not None:
                wanted, after = await self._wanted(staging, after)
                found = await connection.execute(
                    select(PATRON.c.card, PATRON.c.source, PATRON.c.deleted)
                    .where(PATRON.c.feed == self.request.feed, wanted)
                    .order_by(PATRON.c.card)
                    .limit(_PAGE)
                )
                page = [StoredDigest(*row) for row in found]
                await in_thread(staging.know, page)
                if self._is_whole:
                    after = page[-1].card if len(page) == _PAGE else None
                done += len(page)
                self.progress(ImportProgress("comparing", done, 0))

    async def _wanted(
        self, staging: Staging, after: bytes
    ) -> tuple[ColumnElement[bool], bytes | None]:
        """Which rows are next, and after which card to go on."""
        if self._is_whole:
            return PATRON.c.card > after, after
        cards = await in_thread(staging.cards, after, _READ)
        return among(self.database, PATRON.c.card, cards), cards[-1] if len(
            cards
        ) == _READ else None

    @property
    def _is_whole(self) -> bool:
        return self.request.full and not self.request.patches

    async def _apply(self, staging: Staging, today: date, tally: Tally, total: int) -> None:
        decider = Decider(self.keys, self.request.feed, today, self.identity)
        one_card = self.request.format == koha.FORMAT
        applying = Applying(
            self.database, self.lock, decider, self.parameters, tally, one_card=one_card
        )
        await applying.run(
            staging, lambda done: self.progress(ImportProgress("writing", done, total))
        )


def _read_some(rows: Iterator[Row], staging: Staging, sealer: RowSealer, tally: Tally) -> bool:
    """Stage the next rows; False after the last one."""
    some = list(islice(rows, _READ))
    staged = sealer.staged(some, tally)
    tally.named += sum(row.kind is RowKind.BAD for row in staged)
    staging.add(staged)
    return bool(some)


def _planned(compared: Compared, *, withdraw: bool, drop: bool) -> int:
    withdrawn = compared.withdrawn if withdraw else 0
    return compared.changed + withdrawn + (compared.missing if drop else 0)
