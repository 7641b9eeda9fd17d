"""ports.Credentials over the generation in use: one point read on a held connection.

`find` runs in the loop: a primary-key read of a local file that costs tens of microseconds. The
connection is in autocommit, so no read transaction stays open and a delta can always be folded
in. `refresh` reads the small file `current` and, when it names something new, opens that off the
loop, swaps, and lets go of the old generation, which is then deleted.

A cache that cannot be used is not an exception of `refresh` but a state: `state().readable` is
False and `find` says why and what to do. One row that does not open is a fault of that row alone.

Deliberately not here: keys. Whoever composes the daemon hands in what unseals.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from kioskd.domain.credential import Credential
from kioskd.errors import KioskError, StoreError, VaultError
from kioskd.ports import CacheState
from kioskd.store import generations
from kioskd.store.cache_schema import (
    FIND,
    FIRST,
    CacheMeta,
    cache_faults,
    damaged,
    read_meta,
)
from kioskd.store.engine import connect
from kioskd.store.generations import WAY_OUT, Current, Hold

Unseal = Callable[[bytes, bytes], Credential]
UnsealWith = Callable[[str], Unseal]
Adopted = Callable[[CacheMeta], None]

log = logging.getLogger("kioskd.store")

_UNREADABLE = CacheState(readable=False, synced=None)


class _NoCache(StoreError):
    """No feed was ever imported, or the cache was dropped."""


@dataclass(slots=True)
class _Generation:
    """An open generation; `close` lets go of the file before the claim on it."""

    path: Path
    current: Current
    hold: Hold
    connection: Connection
    meta: CacheMeta
    unseal: Unseal

    def close(self) -> None:
        self.connection.close()
        self.hold.release()


class CredentialCache:
    """ports.Credentials.

    unseal_with: the unsealer of a seal key's id, VaultError when it cannot be had. adopted: told
    in the loop's thread of each generation that comes into use and each delta to it, before any
    `find` sees it: the place to switch the index key and the site verifier.
    """

    def __init__(
        self,
        directory: Path,
        unseal_with: UnsealWith,
        adopted: Adopted = lambda meta: None,
    ) -> None:
        self._directory = directory
        self._unseal_with = unseal_with
        self._adopted = adopted
        self._open: _Generation | None = None
        self._fault: KioskError = _NoCache(_no_cache(directory), transient=False)
        self._told = ""

    def open(self) -> None:
        """Open the generation in use, blocking; for start-up and for commands. Never raises."""
        self._adopt(self._look())

    async def refresh(self) -> bool:
        """Take a new generation or delta if there is one; whether rows changed. Never raises.

        Cheap when nothing did: `current` is read, 60 bytes. One call at a time.
        """
        if not self._is_outdated():
            return False
        old = self._open
        changed = self._adopt(await asyncio.to_thread(self._look))
        if old is not None and old is not self._open:
            await asyncio.to_thread(self._let_go, old)
        return changed

    def find(self, index: bytes) -> Credential | None:
        """The credential of a card index, None when the cache lacks it. StoreError, VaultError."""
        generation = self._open
        if generation is None:
            raise self._fault
        try:
            row = generation.connection.exec_driver_sql(FIND, (index,)).first()
            return None if row is None else _unsealed(generation.unseal, index, row[0])
        except (SQLAlchemyError, UnicodeDecodeError, VaultError) as error:
            fault = _read_fault(generation.path, error)
            self._tell("cache.damaged", fault)
            raise fault from error

    def state(self) -> CacheState:
        """What is known of the cache at this moment."""
        if self._open is None:
            return _UNREADABLE
        meta = self._open.meta
        return CacheState(
            readable=True,
            synced=meta.synced,
            generation=meta.generation,
            credentials=meta.credentials,
        )

    @property
    def meta(self) -> CacheMeta | None:
        """What the generation in use says of itself; None while there is none to read."""
        return self._open.meta if self._open else None

    @property
    def fault(self) -> KioskError | None:
        """Why the cache cannot be read; None while it can."""
        return None if self._open else self._fault

    def close(self) -> None:
        """Let go of the generation in use."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _is_outdated(self) -> bool:
        if self._open is None:
            return True
        try:
            return generations.read_current(self._directory) != self._open.current
        except StoreError:
            return True

    def _look(self) -> "_Generation | KioskError":
        """The generation that `current` names, opened; or why that cannot be. Runs anywhere.

        A delta is taken like a new generation, on a connection of its own: the held one belongs
        to the loop.
        """
        try:
            claimed = generations.hold_current(self._directory)
            if claimed is None:
                return _NoCache(_no_cache(self._directory), transient=False)
            current, hold = claimed
            try:
                return self._opened(current, hold)
            except BaseException:
                hold.release()
                raise
        except (StoreError, VaultError) as error:
            return error

    def _opened(self, current: Current, hold: Hold) -> _Generation:
        path = generations.database_of(self._directory, current.generation)
        connection = _connected(path)
        try:
            meta = _checked_meta(connection, path, current)
            unseal = self._unseal_with(meta.seal_key)
            _try_first(connection, path, unseal)
        except BaseException:
            connection.close()
            raise
        return _Generation(path, current, hold, connection, meta, unseal)

    def _adopt(self, found: "_Generation | KioskError") -> bool:
        if isinstance(found, KioskError):
            return self._lose(found)
        try:
            self._adopted(found.meta)
        except (VaultError, ValueError) as error:
            found.close()
            return self._lose(error if isinstance(error, VaultError) else damaged(found.path))
        old, self._open, self._told = self._open, found, ""
        if old is not None and old.current.same_rows(found.current):
            return False  # only its age began anew
        extra = {"generation": found.meta.generation, "credentials": found.meta.credentials}
        log.info("cache.adopted", extra=extra)
        return True

    def _lose(self, fault: KioskError) -> bool:
        """Go on with what is open when its successor is no good; a cache that is gone is gone."""
        self._tell("cache.unreadable", fault)
        if self._open is not None and not isinstance(fault, _NoCache):
            return False
        changed, self._open, self._fault = self._open is not None, None, fault
        return changed

    def _tell(self, event: str, fault: KioskError) -> None:
        if str(fault) != self._told:
            self._told = str(fault)
            log.error(event, extra={"why": str(fault)})

    def _let_go(self, old: _Generation) -> None:
        old.close()
        for generation in generations.sweep(self._directory):
            log.info("cache.swept", extra={"generation": generation})


def _connected(path: Path) -> Connection:
    with cache_faults(path):
        return connect(path, read_only=True)


def _checked_meta(connection: Connection, path: Path, current: Current) -> CacheMeta:
    with cache_faults(path):
        meta = read_meta(connection, path)
    if meta.generation != current.generation:
        raise damaged(path)
    return meta


def _try_first(connection: Connection, path: Path, unseal: Unseal) -> None:
    """Open one row, so that a wrong key shows here and not at the door."""
    with cache_faults(path):
        row = connection.exec_driver_sql(FIRST).first()
    if row is None:
        return
    try:
        _unsealed(unseal, row[0], row[1])
    except VaultError as error:
        raise VaultError(
            f"{path}: the credential cache does not open with this device's keys; {WAY_OUT}"
        ) from error


def _unsealed(unseal: Unseal, index: object, sealed: object) -> Credential:
    # In a damaged file a value may come back as another type.
    if not isinstance(index, bytes) or not isinstance(sealed, bytes):
        raise VaultError("a row of the credential cache is not what was written")
    return unseal(index, sealed)


def _read_fault(path: Path, error: Exception) -> StoreError:
    """What a failed read means. The first row opened with this key, so another one must too."""
    if isinstance(error, VaultError):
        return damaged(path)
    try:
        with cache_faults(path):
            raise error
    except StoreError as fault:
        return fault


def _no_cache(directory: Path) -> str:
    return f"{directory}: there is no credential cache yet; {WAY_OUT}"
