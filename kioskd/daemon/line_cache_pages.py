"""Pages of a hub's changes become changes of the generation in use; blocking, for a thread.

Rows and cursor are one transaction. A page of credentials continues the generation of the hub that
the cache stands for; one of another is refused, because only a snapshot can tell what is gone.
Restrictions bind at once, whatever they continue: theirs is the safe side.

Deliberately not here: the snapshot (line_cache_load), and when to pull (sync).
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from kioskd.config.model import Config
from kioskd.daemon.import_enrolled import Enrolled, read_enrolled, remove_enrolled
from kioskd.daemon.import_run import kind_in_rows, row_rules
from kioskd.daemon.import_sealing import RowSealer, SealingKeys
from kioskd.daemon.line_cache_load import HubFormat
from kioskd.daemon.line_cache_lock import locked
from kioskd.daemon.line_cache_restrict import read_restrictions, restricted
from kioskd.daemon.verifier_kinds import site_verifier
from kioskd.domain.moment import Moment
from kioskd.entry.dossier import age_of
from kioskd.errors import InputError
from kioskd.store import generations
from kioskd.store.cache_delta import Delta, read_sealed, read_state, rewrite_meta
from kioskd.store.cache_schema import HUB, CacheMeta, Placed, without_positions
from kioskd.store.cache_staging import LEFT_OUT, Staging
from kioskd.store.generations import Current
from kioskd.vault.keyring import Keyring
from kioskd.vault.sealing import Sealer
from sync.feed_file import Chunk
from sync.feed_rows import RowRules
from sync.hub_wire import Trailer
from sync.line_ports import Applied

log = logging.getLogger("kioskd.line")
YOUNG: Final = timedelta(minutes=10)  # a memory card need not learn of every idle pull
CHUNK_LINES: Final = 1000


@dataclass(frozen=True, slots=True)
class CacheSite:
    """Where a cache is and what it is changed with. keyring: read anew for each page."""

    config: Config
    keyring: Callable[[], Keyring]
    moment: Callable[[], Moment]

    @property
    def directory(self) -> Path:
        return self.config.storage.directory


@dataclass(frozen=True, slots=True)
class _Open:
    """The generation in use with all that a page needs; under the lock."""

    current: Current
    meta: CacheMeta
    keys: SealingKeys
    enrolled: Enrolled
    now: Moment
    rules: RowRules


def apply_page(site: CacheSite, lines: Sequence[bytes], trailer: Trailer) -> Applied:
    """Lines of /v1/credentials. InputError: only a snapshot can go on from here."""
    if not lines:
        touch_cache(site, trailer)
        return Applied()
    with locked(site.directory):
        found = _opened(site)
        _continues(found.meta, trailer)
        sealer = RowSealer(HubFormat(), found.rules, found.keys, found.enrolled)
        with Staging(site.directory) as staging:
            bad = 0
            for chunk in _chunks(lines):
                sealed = sealer.sealed(chunk)
                staging.extend(sealed.rows)
                bad += len(sealed.bad)
            placed = _credentials_at(trailer)
            # A page with more behind it is no whole word: the cache gets no younger by it.
            return _changed(site, found, staging, placed, None if trailer.more else found.now, bad)


def restrict_page(site: CacheSite, lines: Sequence[bytes], trailer: Trailer) -> Applied:
    """Lines of /v1/restrictions, for the cards that are in the cache.

    A position that moved on over nothing is kept with the next touch: until then the same nothing
    is asked for again.
    """
    if not lines and _is_young(site, _in_use(site.directory)[1]):
        return Applied()
    with locked(site.directory):
        found = _opened(site)
        said, bad = read_restrictions(lines, found.rules, found.keys, found.enrolled)
        sealed = read_sealed(site.directory, found.current, said)
        rows = list(restricted(said, sealed, found.keys, found.rules.today))
        bad += sum(row.kind == LEFT_OUT for row in rows)
        placed = _restrictions_at(trailer)
        if not rows:
            if placed(found.meta) != found.meta:
                rewrite_meta(site.directory, found.current, placed)
            return Applied(bad=bad)
        with Staging(site.directory) as staging:
            staging.extend(rows)
            return _changed(site, found, staging, placed, None, bad)


def touch_cache(site: CacheSite, trailer: Trailer) -> None:
    """Nothing is new: the cache is as young as now, written down when that has become a while."""
    current, meta = _in_use(site.directory)
    _continues(meta, trailer)
    if _is_young(site, meta):
        return
    with locked(site.directory):
        current, meta = _in_use(site.directory)
        _continues(meta, trailer)
        at, now = _credentials_at(trailer), site.moment()
        rewrite_meta(site.directory, current, lambda meta: replace(at(meta), synced=now))


def drop_positions(site: CacheSite) -> None:
    """Have the next pull be a snapshot; without a cache it is one anyway."""
    with locked(site.directory):
        current = generations.read_current(site.directory)
        if current is not None:
            rewrite_meta(site.directory, current, without_positions)


def _is_young(site: CacheSite, meta: CacheMeta) -> bool:
    age = age_of(meta.synced, site.moment())
    return age is not None and age < YOUNG


def _in_use(directory: Path) -> tuple[Current, CacheMeta]:
    current = generations.read_current(directory)
    if current is None:
        raise InputError(f"{directory}: there is no cache that could be changed; take a snapshot")
    return current, read_state(directory, current)


def _opened(site: CacheSite) -> _Open:
    current, meta = _in_use(site.directory)
    keyring, now = site.keyring(), site.moment()
    keys = SealingKeys(
        keyring.cache_index(meta.index_key).secret, keyring.by_id(meta.seal_key).secret
    )
    enrolled = read_enrolled(site.directory, keyring)
    return _Open(current, meta, keys, enrolled, now, row_rules(site.config, now))


def _continues(meta: CacheMeta, trailer: Trailer) -> None:
    known = meta.source == HUB and meta.credentials_cursor != ""
    if not known or meta.hub_generation != trailer.generation:
        raise InputError("what the hub sent does not continue the cache; take a snapshot")


def _credentials_at(trailer: Trailer) -> Placed:
    return lambda meta: replace(meta, credentials_cursor=trailer.cursor)


def _restrictions_at(trailer: Trailer) -> Placed:
    def placed(meta: CacheMeta) -> CacheMeta:
        # The cursor of another generation would skip what was restricted before it.
        if meta.hub_generation != trailer.generation:
            return meta
        return replace(meta, restrictions_cursor=trailer.cursor)

    return placed


def _changed(
    site: CacheSite,
    found: _Open,
    staging: Staging,
    placed: Placed,
    synced: Moment | None,
    bad: int,
) -> Applied:
    kind_of = kind_in_rows(Sealer(found.keys.seal))
    delta = Delta(site.directory, found.current, kind_of, site_verifier, placed)
    counts = delta.apply(staging, synced).counts
    # Once it is loaded: what is not takes nothing from anybody.
    gone, fault = remove_enrolled(site.directory, staging.enrolled)
    if gone or fault or found.enrolled.fault:
        why = fault or found.enrolled.fault
        log.log(
            logging.WARNING if why else logging.INFO,
            "line.pins_removed",
            extra={"pins": gone, "why": why},
        )
    return Applied(counts.put, counts.removed, bad)


def _chunks(lines: Sequence[bytes]) -> Iterator[Chunk]:
    for first in range(0, len(lines), CHUNK_LINES):
        yield Chunk(first + 1, lines[first : first + CHUNK_LINES])
