"""Small secret files: 0600, whole or not there, on the disk before the call returns.

Deliberately not here: what is in them, and what an OSError means; callers say that.
"""

import contextlib
import os
import secrets
import stat
from pathlib import Path

OWNER_ONLY = 0o600
UNFINISHED = ".unfinished"


class NotPlain(OSError):
    """A directory, a named pipe or a device where a file should be."""


def read_plain(path: Path, most: int) -> bytes:
    """A plain file's bytes, `most` of them at most. NotPlain, OSError; never waits for anybody."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotPlain(f"{path}: not a plain file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that was not there before. FileExistsError, OSError; leaves no half file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """As write_new, and a power cut leaves no half file either. FileExistsError, OSError."""
    aside = _aside(path)
    write_new(aside, data)
    try:
        os.link(aside, path)  # unlike a rename, a link never takes the place of another file
    finally:
        aside.unlink(missing_ok=True)
    sync_directory(path.parent)


def replace_whole(path: Path, data: bytes) -> None:
    """Put a file in the place of an old one; a power cut leaves the old or the new one whole."""
    aside = _aside(path)
    write_new(aside, data)
    try:
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    _sweep(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")


def _sweep(path: Path) -> None:
    # What a power cut left beside the file may hold keys that were dropped since.
    for stale in path.parent.glob(f"{path.name}.*{UNFINISHED}"):
        with contextlib.suppress(OSError):
            stale.unlink()
