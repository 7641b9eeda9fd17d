"""A new device key: everything that is sealed is sealed anew, in steps that may be cut short.

    keyring under the new device key, with new seal and index keys; the old ones stay in it
    -> cache sealed anew into a new generation, under the same index key
    -> enrolled verifiers sealed anew, in one transaction

Each step finds out by itself whether it is done, so that running it again completes what a power
cut left. The new cache index key takes effect with the next full feed; the new state index key at
once for what is written from now on, while look-ups try the old one as well. Old keys go with the
daemon's retention (retire_keys), once nothing made with them can be left.

Deliberately not here: whether the daemon is stopped; the command holds the directory's lock.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from kioskd.config.model import Config
from kioskd.daemon.keys import open_keyring
from kioskd.daemon.verifier_kinds import VerifierKinds
from kioskd.domain.credential import Credential
from kioskd.errors import InputError, KioskError, StoreDamaged, StoreFull, VaultError
from kioskd.ports import Checkpoint, pass_by
from kioskd.store import generations
from kioskd.store.cache_builder import build_generation, switch_to
from kioskd.store.cache_delta import read_state
from kioskd.store.cache_schema import CacheMeta, cache_faults, read_meta
from kioskd.store.cache_staging import StagedRow, Staging
from kioskd.store.engine import connect
from kioskd.store.faults import is_there
from kioskd.store.state import STATE, NoState, StateDatabase
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose
from kioskd.vault.sealing import Sealer

OLDER = "older-indices"  # value in state.db: rows that may be indexed under an older key, as hex
_ROWS = "SELECT card, sealed FROM credential ORDER BY card"

Sealed = tuple[bytes, bytes]
Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What one run did. cache_fault: why the cache was left under its old key; it still opens."""

    keyring: bool = False
    credentials: int = 0
    enrolled: int = 0
    cache_fault: str = ""


def rekey(
    directory: Path,
    old_key: bytes,
    new_key: bytes,
    told: Told = lambda rows: None,
    checkpoint: Checkpoint = pass_by,
) -> Rekeyed:
    """Do what is left to do. KioskError: run it again once the cause is mended."""
    with generations.import_lock(directory):
        generations.sweep_unfinished(directory)
        keyring, is_new = _keyring(directory, old_key, new_key)
        checkpoint("rekey-keyring")
        credentials, fault = _cache(directory, keyring, told, checkpoint)
        checkpoint("rekey-cache")
        enrolled = _state(directory, keyring)
        checkpoint("rekey-state")
    return Rekeyed(is_new, credentials, enrolled, fault)


def _keyring(directory: Path, old_key: bytes, new_key: bytes) -> tuple[Keyring, bool]:
    # The new key first: after a run that was cut short the old one opens nothing any more.
    try:
        return Keyring.open(directory, new_key), False
    except VaultError as error:
        first = error
    try:
        keyring = Keyring.open(directory, old_key)
    except VaultError as error:
        raise VaultError(
            f"the keyring opens neither with the present device key ({error}) nor with the new "
            f"one ({first}); name the present key with --key-file"
        ) from None
    return keyring.rekeyed(new_key), True


def _cache(
    directory: Path, keyring: Keyring, told: Told, checkpoint: Checkpoint
) -> tuple[int, str]:
    """How many credentials were sealed anew. A cache that cannot be is left: it is replaceable."""
    try:
        return _resealed_cache(directory, keyring, told, checkpoint), ""
    except StoreFull:
        raise
    except KioskError as error:
        return 0, str(error)


def _resealed_cache(directory: Path, keyring: Keyring, told: Told, checkpoint: Checkpoint) -> int:
    newest = keyring.newest(Purpose.CACHE_SEAL)
    current = generations.read_current(directory)
    if current is None:
        return 0
    with _generation(directory) as (meta, rows), Staging(directory) as staging:
        if meta.seal_key == newest.id:
            return 0
        old, new = Sealer(keyring.by_id(meta.seal_key).secret), Sealer(newest.secret)
        staging.extend(_resealed_rows(rows, old, new))
        built = build_generation(
            directory,
            staging,
            CacheMeta(
                generations.new_generation(meta.synced.wall), meta.index_key, newest.id, meta.synced
            ),
            site_verifier=lambda kinds: meta.site_verifier,
            written=told,
            checkpoint=checkpoint,
        )
    switch_to(built, checkpoint)
    return built.meta.credentials


@contextmanager
def _generation(directory: Path) -> Iterator[tuple[CacheMeta, Iterator[Sealed]]]:
    """The generation in use and its rows, held until the block ends."""
    claimed = generations.hold_current(directory)
    if claimed is None:
        raise InputError(f"{directory}: there is no cache")
    current, hold = claimed
    path = generations.database_of(directory, current.generation)
    try:
        with cache_faults(path), closing(connect(path, read_only=True)) as connection:
            meta = read_meta(connection, path)
            rows = connection.execution_options(yield_per=1000).exec_driver_sql(_ROWS)
            yield meta, ((bytes(row[0]), bytes(row[1])) for row in rows)
    finally:
        hold.release()


def _resealed_rows(rows: Iterator[Sealed], old: Sealer, new: Sealer) -> Iterator[StagedRow]:
    kinds = VerifierKinds()
    for index, sealed in rows:
        credential = old.unseal(index, sealed)
        yield StagedRow(index, kinds.kind_of(credential.verifier), new.seal(index, credential))


def _state(directory: Path, keyring: Keyring) -> int:
    if not is_there(directory / STATE):
        return 0
    with closing(StateDatabase(directory, _unused)) as state:
        # Before any row can be written under the new index key: the daemon is stopped.
        state.put_value(OLDER, json.dumps([index.hex() for index in state.indices()]))
        due = list(_due(state.sealed_rows(), keyring))
        state.replace_sealed(due)
    return len(due)


def _due(rows: Iterator[Sealed], keyring: Keyring) -> Iterator[Sealed]:
    newest, *older = [Sealer(key.secret) for key in keyring.all(Purpose.STATE_SEAL)]
    for index, sealed in rows:
        with suppress(VaultError):
            newest.unseal_bytes(index, sealed)
            continue
        yield index, newest.seal_bytes(index, _opened(index, sealed, older))


def _opened(index: bytes, sealed: bytes, sealers: list[Sealer]) -> bytes:
    for sealer in sealers:
        with suppress(VaultError):
            return sealer.unseal_bytes(index, sealed)
    raise VaultError(
        f"{STATE}: an enrolled verifier does not open with any key of the keyring; restore the "
        "state from a backup, or remove the entry and enrol anew"
    )


def _unused(index: bytes, sealed: bytes) -> Credential:
    raise VaultError("rekeying opens no credential as a credential")


def retire_keys(config: Config, state: StateDatabase | NoState, now: datetime) -> tuple[str, ...]:
    """Delete superseded keys that nothing needs any more; their ids. KioskError.

    Persons in the journal are gone after the longest period that anything identified is kept;
    list entries and enrolled verifiers carry no key id, so all that were there at the rekeying
    must have gone; and the cache in use must not need the key. Otherwise all keys stay.
    """
    longest = max(
        config.storage.retention_days,
        config.retention.undelivered_days,
        config.retention.incident_hold_max_days,
    )
    before = now - timedelta(days=longest)
    directory = config.storage.directory
    with generations.import_lock(directory):
        keyring = open_keyring(config)  # anew: imports change the file as well
        due = {
            key.id
            for purpose in Purpose
            for key in keyring.all(purpose)
            if key.retired is not None and key.retired < before
        }
        if not due or not _older_rows_gone(state) or due & _needed(directory):
            return ()
        return keyring.retire(before)


def _older_rows_gone(state: StateDatabase | NoState) -> bool:
    if isinstance(state, NoState) or (noted := state.value(OLDER)) is None:
        return False
    try:
        older = {bytes.fromhex(index) for index in json.loads(noted)}
    except (ValueError, TypeError, RecursionError):
        raise StoreDamaged(
            f"{STATE}: its note of what an earlier rekey left is damaged, so no old key is "
            "deleted; run `kioskd rekey` again"
        ) from None
    return older.isdisjoint(state.indices())


def _needed(directory: Path) -> set[str]:
    current = generations.read_current(directory)
    if current is None:
        return set()
    meta = read_state(directory, current)
    return {meta.index_key, meta.seal_key}
