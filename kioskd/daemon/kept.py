"""What the doctor looks at in the storage directory: cache, journal, state; whether the key fits.

Read-only, beside a daemon and without one; what the daemon itself says of them comes first.
Raises PermissionError where this account may not look (sight).
Deliberately not here: any judgement.
"""

import os
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from kioskd.access.schedule import StaffException
from kioskd.clock.system import SystemClock
from kioskd.config.model import Config
from kioskd.daemon.asked import Told
from kioskd.daemon.sight import is_guest, lies_open, may_look
from kioskd.domain.moment import Moment
from kioskd.entry.dossier import age_of
from kioskd.errors import StoreError, VaultError
from kioskd.health.examined import CacheLook, CoverageLook, FileLook, JournalLook
from kioskd.store import generations
from kioskd.store.cache_schema import CacheMeta, read_meta
from kioskd.store.engine import connect
from kioskd.store.generations import CURRENT
from kioskd.store.journal_glance import JournalGlance
from kioskd.store.journal_start import JOURNAL
from kioskd.store.state import STATE, StateDatabase
from kioskd.vault.device_key import read_device_key
from kioskd.vault.keyring import FILE_NAME as KEYRING
from kioskd.vault.keyring import Keyring

COVERAGE_DAYS: Final = 30


def newest_trusted(directory: Path) -> datetime | None:
    """The time of the newest trusted row; None where there is none, or it cannot be read."""
    if not lies_open(directory, JOURNAL) or not os.access(directory / JOURNAL, os.F_OK):
        return None
    try:
        with closing(JournalGlance(directory)) as glance:
            return glance.newest_trusted()
    except StoreError:
        return None


def accepted_clock(directory: Path) -> Moment | None:
    """When staff accepted the clock as it was."""
    if not os.access(directory / STATE, os.R_OK):
        return None
    try:
        with closing(_state(directory)) as state:
            return state.clock_mark()
    except StoreError:
        return None


def exceptions(directory: Path) -> tuple[StaffException, ...]:
    """Hours that staff gave single dates; none where this user may not look."""
    if not os.access(directory / STATE, os.R_OK):
        return ()
    try:
        with closing(_state(directory)) as state:
            return state.exceptions()
    except StoreError:
        return ()


def hidden_key(config: Config, file: FileLook) -> str:
    """Which file of key and keyring this account may not read; empty when it may, or is its."""
    directory, path = config.storage.directory, Path(file.path)
    if file.there and is_guest(path) and not os.access(path, os.R_OK):
        return file.path
    return "" if lies_open(directory, KEYRING) else str(directory / KEYRING)


def has_keyring(directory: Path) -> bool:
    """Whether there is a keyring that this account can see."""
    return os.access(directory / KEYRING, os.F_OK)


def why_key(config: Config, file: FileLook) -> str:
    """Why the key does not open the keyring; empty when it does, or there is none yet."""
    directory = config.storage.directory
    if not file.there or not has_keyring(directory):
        return ""
    try:
        Keyring.open(directory, read_device_key(config.secrets.device_key))
    except VaultError as error:
        return str(error)
    return ""


def cache_look(config: Config, told: Told) -> CacheLook:
    """The credentials in use."""
    directory, asked_for = config.storage.directory, told.cache()
    good_for = timedelta(hours=config.policy.max_credential_age_hours)
    if asked_for is not None and (not asked_for.readable or not lies_open(directory, CURRENT)):
        return asked_for
    try:
        meta = _meta(directory)
    except PermissionError:
        if asked_for is None:
            raise
        return asked_for
    except StoreError as error:
        return CacheLook(imported=True, readable=False, why=str(error))
    if meta is None:
        return CacheLook(imported=False)
    return CacheLook(
        imported=True,
        credentials=meta.credentials,
        without_pin=meta.verifiers.get("none", 0),
        generation=meta.generation,
        age=age_of(meta.synced, SystemClock().moment()),
        good_for=good_for,
    )


def _meta(directory: Path) -> CacheMeta | None:
    """What the generation in use says of itself; needs no key."""
    may_look(directory, CURRENT)
    held = generations.hold_current(directory)
    if held is None:
        return None
    current, hold = held
    path = generations.database_of(directory, current.generation)
    try:
        may_look(directory, path.name)
        if not path.exists():
            raise StoreError(f"{path}: is missing; {generations.WAY_OUT}")
        with closing(connect(path, read_only=True)) as connection:
            return read_meta(connection, path)
    finally:
        hold.release()


def coverage_look(config: Config) -> CoverageLook | None:
    """For whom this device has verifiers; None before the first feed."""
    directory = config.storage.directory
    may_look(directory, JOURNAL, STATE)
    meta = _meta(directory)
    if meta is None:
        return None
    counts: Mapping[str, Mapping[str, int]] = {}
    if (directory / JOURNAL).exists():
        since = SystemClock().moment().wall.astimezone(UTC) - timedelta(days=COVERAGE_DAYS)
        with closing(JournalGlance(directory)) as glance:
            counts = glance.reasons(since)
    by_door = {door.name: counts.get(door.name, {}) for door in config.doors}
    return CoverageLook(COVERAGE_DAYS, meta.credentials, _enrolled(directory), by_door)


def _enrolled(directory: Path) -> int | None:
    if not (directory / STATE).exists():
        return 0
    try:
        with closing(_state(directory)) as state:
            return sum(1 for _ in state.sealed_rows())
    except StoreError:
        return None


def _state(directory: Path) -> StateDatabase:
    def unseal(index: bytes, sealed: bytes) -> Any:
        raise StoreError("not needed here")

    return StateDatabase(directory, unseal, read_only=True)


def journal_look(directory: Path, told: Told | None = None) -> JournalLook:
    """How far the journal reaches, and how far it was seen to reach."""
    asked_for = told.journal() if told else None
    if asked_for is not None and (asked_for.why or not lies_open(directory, JOURNAL)):
        return asked_for
    may_look(directory, JOURNAL)
    path = directory / JOURNAL
    if not path.exists():
        return JournalLook(there=False)
    seen = _mirrored(directory)  # before the journal is read: it only grows
    try:
        with closing(JournalGlance(directory)) as glance:
            extent = glance.extent()
    except StoreError as error:
        return JournalLook(there=True, why=str(error))
    files = (path, path.with_name(path.name + "-wal"))
    size = sum(file.stat().st_size for file in files if file.exists())
    return JournalLook(
        True,
        seq=extent.seq,
        rows=extent.rows,
        size=size,
        anchor=extent.anchor,
        seen=seen,
        takes_rows=is_guest(directory) or os.access(path, os.W_OK),
    )


def _mirrored(directory: Path) -> int:
    if not (directory / STATE).exists():
        return 0
    try:
        with closing(_state(directory)) as state:
            mirror = state.mirror()
    except StoreError:
        return 0
    return mirror.seq if mirror else 0
