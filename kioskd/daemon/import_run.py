"""A feed import, step by step. Whatever stops it before the switch leaves the cache as it was.

    import lock -> keys -> rows sealed and staged -> generation built -> plausible? -> switched
    -> PINs of staff for lost and deleted cards removed

A full feed takes the newest index and seal keys of the keyring; a delta those of the generation
that it changes. A full feed that would lose more than half of the credentials is taken for a
broken export unless somebody says that it is not. A dry run reads, sorts and counts; it seals
under keys that nobody keeps, and leaves no file behind.

Deliberately not here: the process around it (import_worker) and rows (import_sealing).
"""

import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from kioskd.clock.system import SystemClock
from kioskd.config.model import Config
from kioskd.daemon.import_enrolled import NOBODY, read_enrolled, remove_enrolled
from kioskd.daemon.import_sealing import RowFormat, RowSealer, SealingKeys, seal_all
from kioskd.daemon.importing import (
    MAX_BAD_ROWS,
    BadLine,
    Event,
    ImportReport,
    ImportRequest,
    Progress,
)
from kioskd.daemon.keys import open_keyring
from kioskd.daemon.line_side import HELD
from kioskd.daemon.verifier_kinds import VerifierKinds, site_verifier
from kioskd.domain.card import CodePatterns
from kioskd.domain.moment import Moment
from kioskd.errors import InputError, StoreError, StoreFull, VaultError
from kioskd.ports import Checkpoint, pass_by
from kioskd.store import generations
from kioskd.store.cache_builder import BuiltGeneration, abandon, build_generation, switch_to
from kioskd.store.cache_delta import Delta, DeltaResult, KindOf, read_state
from kioskd.store.cache_schema import CacheMeta
from kioskd.store.cache_staging import Staging
from kioskd.store.faults import is_there, mapped
from kioskd.vault.keys import Purpose
from kioskd.vault.sealing import Sealer
from kioskd.vault.verifiers import pack_verifier
from sync.feed_file import Chunk, FeedFile, refuse_unknown
from sync.feed_rows import BadRow, RowRules

_PROGRESS_EVERY: Final = 20  # chunks of 1,000 lines
_KEY_BYTES: Final = 32

Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Progress that nobody looks at."""


def run_import(
    request: ImportRequest, config: Config, emit: Emit = ignore, checkpoint: Checkpoint = pass_by
) -> ImportReport:
    """Import a feed in this process. KioskError: nothing was loaded."""
    _refuse_held(config)
    work = FeedImport(request, config, emit, checkpoint)
    try:
        if request.dry_run:
            return work.delta() if request.delta else work.rehearse_full()
        _make_directory(work.directory)
        with generations.import_lock(work.directory):
            generations.sweep_unfinished(work.directory)
            return work.delta() if request.delta else work.full()
    except StoreFull as error:
        raise StoreFull(f"{error}; the cache is as it was") from error


@dataclass(slots=True)
class _Tally:
    """What was read. `first_bad`: the first bad rows, by line."""

    rows: int = 0
    bad: int = 0
    first_bad: list[BadRow] = field(default_factory=list)

    def note_bad(self, bad: list[BadRow]) -> None:
        self.bad += len(bad)
        self.first_bad += bad[: MAX_BAD_ROWS - len(self.first_bad)]

    def told(self) -> str:
        """The bad rows in a line of a refusal, which has no report."""
        if not self.first_bad:
            return ""
        first = self.first_bad[0]
        return f"\n{self.bad} bad rows, the first in line {first.line}: {first.why}"


@dataclass(slots=True)
class _Outcome:
    """What is in the cache now, or would be."""

    credentials: int
    verifiers: Mapping[str, int]
    loaded: int
    deleted: int
    previous: int | None
    generation: str = ""
    cache_bytes: int = 0


class Lines(Protocol):
    """Lines that are being read. size in bytes, 0: not known; position: read so far."""

    @property
    def name(self) -> str: ...
    @property
    def format(self) -> RowFormat: ...
    @property
    def size(self) -> int: ...
    @property
    def position(self) -> int: ...
    def chunks(self) -> Iterator[Chunk]: ...


class FeedImport:
    """One import of a feed file. Where a hub's snapshot differs, it says so in line_cache_load."""

    def __init__(
        self, request: ImportRequest, config: Config, emit: Emit, checkpoint: Checkpoint
    ) -> None:
        self.directory = config.storage.directory
        self._request = request
        self._config = config
        self._emit = emit
        self._checkpoint = checkpoint
        self._synced: Moment = SystemClock().moment()  # a feed is no younger than its reading
        self._started = time.monotonic()
        self._tally = _Tally()
        self._enrolled = NOBODY
        self._pins_removed, self._state_fault = 0, ""

    def full(self) -> ImportReport:
        """Build a new generation and switch to it."""
        keyring = open_keyring(self._config)
        index, seal = keyring.newest(Purpose.CACHE_INDEX), keyring.newest(Purpose.CACHE_SEAL)
        self._enrolled = read_enrolled(self.directory, keyring)
        generation = generations.new_generation(self._synced.wall)
        with Staging(self.directory) as staging:
            self._stage(staging, SealingKeys(index.secret, seal.secret))
            built = build_generation(
                self.directory,
                staging,
                self._placed(CacheMeta(generation, index.id, seal.id, self._synced)),
                site_verifier=site_verifier,
                written=lambda rows: self._emit(Progress("writing", rows, staging.rows)),
                checkpoint=self._checkpoint,
            )
        previous = self._switch(built)
        if index.pending:
            # Read anew: what is in memory would bring back keys that were dropped meanwhile.
            open_keyring(self._config).take_cache_index(index.id)
        self._unenrol(staging)
        n, kinds = built.meta.credentials, built.meta.verifiers
        outcome = _Outcome(n, kinds, n, staging.removed, previous, generation, built.size)
        return self._report(staging, outcome)

    def rehearse_full(self) -> ImportReport:
        """Count what a full feed would put; plausibility is judged as if it were meant."""
        kinds: Counter[str] = Counter()
        keys = SealingKeys(secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_KEY_BYTES))
        aside = self.directory if self.directory.is_dir() else Path(tempfile.gettempdir())
        with Staging(aside) as staging:
            self._stage(staging, keys)
            for bucket in staging.sorted_buckets():
                kinds.update(row.kind for row in bucket if row.sealed is not None)
        previous = self._previous()
        self._refuse_shrinking(previous, kinds.total())
        outcome = _Outcome(kinds.total(), kinds, kinds.total(), staging.removed, previous)
        return self._report(staging, outcome)

    def delta(self) -> ImportReport:
        """Change the generation in use; in a dry run, count what would change."""
        current = generations.read_current(self.directory)
        if current is None:
            raise InputError(
                f"{self.directory}: there is no cache that a delta could change; "
                f"{generations.WAY_OUT} first"
            )
        before = read_state(self.directory, current)
        keyring = open_keyring(self._config)
        keys = SealingKeys(
            keyring.by_id(before.index_key).secret, keyring.by_id(before.seal_key).secret
        )
        delta = Delta(self.directory, current, kind_in_rows(Sealer(keys.seal)), site_verifier)
        self._enrolled = read_enrolled(self.directory, keyring)
        with Staging(self.directory) as staging:
            self._stage(staging, keys)
            result = self._applied(delta, staging)
        if not self._request.dry_run:
            self._unenrol(staging)
        meta, counts = result.meta, result.counts
        size = _size(generations.database_of(self.directory, current.generation))
        outcome = _Outcome(
            meta.credentials,
            meta.verifiers,
            counts.put,
            counts.removed,
            before.credentials,
            meta.generation,
            size,
        )
        return self._report(staging, outcome)

    def _applied(self, delta: Delta, staging: Staging) -> DeltaResult:
        if self._request.dry_run:
            return delta.count(staging)
        return delta.apply(staging, self._synced, self._checkpoint)

    def _unenrol(self, staging: Staging) -> None:
        # After the switch: a feed that is not loaded takes nothing from anybody.
        self._pins_removed, fault = remove_enrolled(self.directory, staging.enrolled)
        self._state_fault = fault or self._enrolled.fault

    def _stage(self, staging: Staging, keys: SealingKeys) -> None:
        """Read the whole feed into the staging. InputError when it has columns it must not have."""
        unknown: dict[str, int] = {}
        rules = row_rules(self._config, self._synced)
        with self._lines() as feed:
            sealer = RowSealer(feed.format, rules, keys, self._enrolled)
            with closing(seal_all(sealer, feed.chunks(), feed.size)) as chunks:
                for number, chunk in enumerate(chunks):
                    unknown = chunk.unknown | unknown
                    self._tally.note_bad(chunk.bad)
                    if not unknown:
                        staging.extend(chunk.rows)
                    if number % _PROGRESS_EVERY == 0:
                        self._emit(Progress("reading", feed.position, feed.size))
        self._tally.rows = staging.rows - staging.left_out + self._tally.bad
        refuse_unknown(feed.name, unknown)

    def _lines(self) -> AbstractContextManager[Lines]:
        return FeedFile.open(Path(self._request.feed))

    def _placed(self, seed: CacheMeta) -> CacheMeta:
        """What the new generation says of itself, once all is read. InputError: it is no good."""
        return seed

    def _switch(self, built: BuiltGeneration) -> int | None:
        previous = self._previous()
        try:
            self._refuse_shrinking(previous, built.meta.credentials)
        except InputError:
            abandon(built)
            raise
        switch_to(built, self._checkpoint)
        return previous

    def _previous(self) -> int | None:
        """How many credentials the cache in use has; None where it cannot say."""
        try:
            current = generations.read_current(self.directory)
            return None if current is None else read_state(self.directory, current).credentials
        except StoreError:
            return None

    def _refuse_shrinking(self, previous: int | None, now: int) -> None:
        if self._request.confirm_shrink or (now > 0 and 2 * now >= (previous or 0)):
            return
        before = "no cache" if previous is None else f"{previous} credentials"
        raise InputError(
            f"{self._request.feed}: {now} credentials would take the place of {before}; nothing "
            f"was loaded. If that is right, run it again with --confirm-shrink{self._tally.told()}"
        )

    def _report(self, staging: Staging, outcome: _Outcome) -> ImportReport:
        tally = self._tally
        return ImportReport(
            rows=tally.rows,
            loaded=outcome.loaded,
            bad=tally.bad,
            duplicates=staging.duplicates,
            deleted=outcome.deleted,
            credentials=outcome.credentials,
            previous=outcome.previous,
            verifiers=dict(outcome.verifiers),
            generation=outcome.generation,
            cache_bytes=outcome.cache_bytes,
            seconds=time.monotonic() - self._started,
            delta=self._request.delta,
            dry_run=self._request.dry_run,
            bad_rows=[BadLine(row.line, row.why) for row in tally.first_bad],
            pins_removed=self._pins_removed,
            state_fault=self._state_fault,
        )


def _refuse_held(config: Config) -> None:
    """The hub had the credentials dropped: no file brings them back, as long as there is a hub."""
    held = config.storage.directory / HELD
    if config.register.uses_hub and is_there(held):
        raise InputError(
            f"{held}: the hub had the credentials of this device dropped, so none are loaded from "
            "a file; the hub's word ends that: `kioskd-hub device command NAME sync-now` there, "
            "or `kioskd setup --join CODE` here"
        )


def row_rules(config: Config, now: Moment) -> RowRules:
    """What this site says about the rows of a feed that is read now."""
    return RowRules(
        patterns=CodePatterns(config.cards.patron, config.cards.item),
        pack=pack_verifier,
        today=now.wall.astimezone(ZoneInfo(config.site.timezone)).date(),
        near=timedelta(hours=config.policy.max_credential_age_hours),
    )


def kind_in_rows(sealer: Sealer) -> KindOf:
    """Names the kinds of verifiers in sealed rows; None for a row that does not open."""
    kinds = VerifierKinds()

    def kind_in(card: bytes, sealed: bytes) -> str | None:
        try:
            return kinds.kind_of(sealer.unseal(card, sealed).verifier)
        except (VaultError, ValueError):
            return None  # a damaged row: the delta may be what mends it

    return kind_in


def _make_directory(directory: Path) -> None:
    with mapped(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _size(path: Path) -> int:
    with mapped(path):
        return path.stat().st_size
