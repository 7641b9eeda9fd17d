"""Keeps the last good strike map in the storage directory, for `kioskd secure` alone.

Written at every start that went well and every reload, so that a strike is secured although its
configuration was spoilt, or cut down, since. Reading needs no database, no key, no configuration.

Deliberately not here: what is in it and what it counts for (kioskd.config.strike_map).
"""

import logging
import os
import stat
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Final

from kioskd.config.model import Config
from kioskd.config.strike_map import StrikeMap, map_of, read, written
from kioskd.errors import StoreError

log = logging.getLogger("kioskd")
NAME: Final = "strikes.json"
DEFAULT_STORAGE: Final = Path("/var/lib/kioskd")
MOST_BYTES: Final = 200_000  # a thousand doors
READ_SECONDS: Final = 1.0  # a disk that stalls must not keep the other strikes from their frames


@dataclass(frozen=True, slots=True)
class LastGood:
    """The map that was found; none and the reason where there is none that counts."""

    strikes: StrikeMap = field(default_factory=dict)
    why: str = ""


def keep(config: Config) -> bool:
    """Write the map of a configuration that is in force; blocking. Whether it has changed.

    StoreError when it cannot be written.
    """
    from kioskd.vault.files import replace_whole

    path, data = config.storage.directory / NAME, written(map_of(config))
    with suppress(OSError):
        if _raw(path) == data:
            return False
    try:
        replace_whole(path, data)
    except OSError as error:
        why = error.strerror or "cannot be written"
        raise StoreError(f"{path}: {why}; make room, and check its owner") from error
    return True


def kept(config: Config) -> None:
    """As `keep`, for the daemon: a map that cannot be written is logged and nothing else."""
    try:
        keep(config)
    except StoreError as error:
        log.warning("strikes.not_kept", extra={"why": str(error)})


def last_good(directory: Path) -> LastGood:
    """The map of a storage directory. Never raises, and ends within READ_SECONDS."""
    found: Future[LastGood] = Future()
    path = directory / NAME
    # A daemon thread: where the disk hangs, nobody waits for it.
    Thread(target=lambda: found.set_result(_read(path)), name="map", daemon=True).start()
    try:
        return found.result(READ_SECONDS)
    except TimeoutError:
        return LastGood(why=f"{path}: the disk does not answer")


def storage_of(legible: Path | None, environment: Mapping[str, str]) -> Path:
    """Where the map may be: the storage directory as far as it is known, else systemd's."""
    if legible is not None:
        return legible
    first = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(first) if first.startswith("/") else DEFAULT_STORAGE


def _read(path: Path) -> LastGood:
    try:
        return LastGood(read(_raw(path)))
    except FileNotFoundError:
        return LastGood()
    except OSError as error:
        return LastGood(why=f"{path}: cannot be read: {error.strerror or error}")
    except ValueError as wrong:
        return LastGood(why=f"{path}: {wrong}; ignored")


def _raw(path: Path) -> bytes:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise OSError("not a file of ours")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MOST_BYTES)
    finally:
        os.close(descriptor)
