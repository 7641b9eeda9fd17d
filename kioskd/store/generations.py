"""Generations of the credential cache as files, and which one is in use.

    credentials.<generation>.db        one whole cache, SQLite in WAL mode
    credentials.<generation>.inuse     empty; readers hold a shared lock on it
    credentials.<generation>.building  half a cache; its builder holds the import lock
    current                            {"generation": ..., "change": ..., "touch": ...}, replaced
                                       atomically
    cache.dropped                      empty; there is no `current` because the cache was dropped
    import.lock                        empty; one import at a time

A database in WAL mode is never renamed over and never unlinked while somebody has it open
("malformed" was measured). Readers lock a side file and not the database, because closing any
second descriptor of the database would drop the locks that SQLite itself holds on it. A reader
takes its lock and then looks at `current` again; the sweeper takes the exclusive lock of a
generation that `current` does not name. A name never comes back, so one of the two always sees
the other.

Deliberately not here: what is in a cache (cache_schema), and how it is built.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from kioskd.errors import InputError, StoreDamaged, StoreError
from kioskd.store.faults import is_there, mapped

CURRENT: Final = "current"
IMPORT_LOCK: Final = "import.lock"
DROPPED: Final = "cache.dropped"
WAY_OUT: Final = "run a full `kioskd feed import`"

_NAME = re.compile(r"credentials\.([0-9A-Za-z-]{1,64})\.(?:db|db-wal|db-shm|inuse)")
_GENERATION = re.compile(r"[0-9A-Za-z-]{1,64}")
_CURRENT_MOST: Final = 1024  # bytes; it has about 60
_RACES: Final = 8  # switches in a row that a reader follows before it gives up


@dataclass(frozen=True, slots=True)
class Current:
    """Which generation is in use; `change` rises with each delta applied to it.

    touch rises where only what it says of itself was written anew, its age for one.
    """

    generation: str
    change: int = 0
    touch: int = 0

    def same_rows(self, other: "Current") -> bool:
        """Whether the two stand for the same credentials."""
        return (self.generation, self.change) == (other.generation, other.change)


def new_generation(now: datetime) -> str:
    """A name that no other generation ever had; the time in it is for people."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def database_of(directory: Path, generation: str) -> Path:
    """The database file of a generation."""
    return directory / f"credentials.{generation}.db"


def building_of(directory: Path, generation: str) -> Path:
    """The file in which a generation is built, before it has a name that readers know."""
    return directory / f"credentials.{generation}.building"


def read_current(directory: Path) -> Current | None:
    """The generation in use, None before the first feed. StoreDamaged when it is nonsense."""
    path = directory / CURRENT
    with mapped(path):
        try:
            text = _beginning(path)
        except FileNotFoundError:
            return None
    current = _parsed(text)
    if current is None:
        raise StoreDamaged(f"{path}: does not name a cache; {WAY_OUT}")
    return current


def write_current(directory: Path, current: Current) -> None:
    """Make `current` name this generation; after a power cut it names the old or the new one."""
    path = directory / CURRENT
    aside = directory / f"{CURRENT}.new"
    text = json.dumps(asdict(current)) + "\n"
    with mapped(path):
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        (directory / DROPPED).unlink(missing_ok=True)
    sync_path(directory)


def drop(directory: Path) -> None:
    """Have no cache: `current` goes, and each generation as soon as nobody reads it any more.

    Without the mark a `current` that got lost would make every sweeper delete the caches.
    """
    mark = directory / DROPPED
    with mapped(mark):
        mark.touch(mode=0o600)
    sync_path(directory)
    with mapped(directory / CURRENT):
        (directory / CURRENT).unlink(missing_ok=True)
    sync_path(directory)
    sweep(directory)


def sync_path(path: Path) -> None:
    """Bring a file's content, or a directory's names, to the disk."""
    with mapped(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Hold:
    """A reader's claim on a generation: as long as it is held, nobody unlinks the files."""

    def __init__(self, generation: str, descriptor: int | None) -> None:
        self.generation = generation
        self._descriptor = descriptor

    @classmethod
    def take(cls, directory: Path, generation: str) -> Self:
        """Claim it. On a medium that takes no writes there may be nothing to lock, nor to fear."""
        path = _inuse(directory, generation)
        with mapped(path):
            descriptor = _open_lock(path)
            if descriptor is not None:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
        return cls(generation, descriptor)

    def release(self) -> None:
        """Let go; the database is closed by then."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def hold_current(directory: Path) -> tuple[Current, Hold] | None:
    """Claim the generation in use; None before the first feed. StoreError."""
    for _ in range(_RACES):
        current = read_current(directory)
        if current is None:
            return None
        hold = Hold.take(directory, current.generation)
        after = read_current(directory)
        if after is not None and after.generation == current.generation:
            return after, hold
        hold.release()
    raise StoreError(f"{directory / CURRENT}: keeps changing; try again")


def sweep(directory: Path) -> tuple[str, ...]:
    """Delete the generations that are neither in use nor named by `current`; their names.

    Quiet about what cannot be deleted: the next import tries again.
    """
    try:
        return tuple(g for g in sorted(_generations(directory)) if _sweep_one(directory, g))
    except (StoreError, OSError):
        return ()


def sweep_unfinished(directory: Path) -> None:
    """Delete what an import left half built. Only for the holder of the import lock."""
    for pattern in ("credentials.*.building*", f"{CURRENT}.new"):
        for path in directory.glob(pattern):
            with contextlib.suppress(OSError):
                path.unlink()


def has_any(directory: Path) -> bool:
    """Whether a cache was ever built here. StoreError where this account may not look."""
    return is_there(directory / CURRENT) or bool(_generations(directory))


@contextlib.contextmanager
def import_lock(directory: Path) -> Iterator[None]:
    """Be the only import of this directory. InputError when another one runs."""
    path = directory / IMPORT_LOCK
    with mapped(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise InputError(
            f"{directory}: another feed import is running; wait for its end and try again"
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)


def create_inuse(directory: Path, generation: str) -> None:
    """Make the side file that readers lock, before anybody can read the generation."""
    path = _inuse(directory, generation)
    with mapped(path):
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _beginning(path: Path) -> bytes:
    # Not blocking: whoever opens a named pipe waits for its other end, for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StoreDamaged(f"{path}: not a plain file; move it away and {WAY_OUT}")
        return os.read(descriptor, _CURRENT_MOST)
    finally:
        os.close(descriptor)


def _parsed(text: bytes) -> Current | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match found:
        case {"generation": str(generation), "change": int(change)}:
            touch = found.get("touch", 0)
            sound = _GENERATION.fullmatch(generation) and isinstance(touch, int)
            return Current(generation, change, touch) if sound else None
        case _:
            return None


def _sweep_one(directory: Path, generation: str) -> bool:
    current = read_current(directory)
    named = current.generation if current else None
    if named == generation or (named is None and not is_there(directory / DROPPED)):
        return False
    path = _inuse(directory, generation)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        base = database_of(directory, generation)
        for suffix in ("-wal", "-shm", ""):
            base.with_name(base.name + suffix).unlink(missing_ok=True)
        path.unlink(missing_ok=True)  # last: what remains after a power cut is found again
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _generations(directory: Path) -> set[str]:
    found = (_NAME.fullmatch(path.name) for path in directory.glob("credentials.*"))
    return {match[1] for match in found if match}


def _inuse(directory: Path, generation: str) -> Path:
    return directory / f"credentials.{generation}.inuse"


def _open_lock(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return None
