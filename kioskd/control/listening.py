"""The socket as a file: made beside its place, given its mode, then put there in one step.

So nobody ever meets it with other rights, and a stale one is replaced without a gap. Everything
here blocks for a moment and belongs into a thread.
Deliberately not here: who connects, and what is said (server, connection).
"""

import os
import socket
import stat
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TAKEN: Final = "control.taken"
FAILED: Final = "control.failed"

MODE: Final = 0o660
_BACKLOG: Final = 256
_ANSWER_SECONDS: Final = 1.0
_ACL: Final = "system.posix_acl_access"
# linux/posix_acl_xattr.h: a version, then entries of tag, rights and number in this order.
_ACL_VERSION: Final = struct.pack("<I", 2)
_ACL_ENTRY: Final = struct.Struct("<HHI")
_OWNER, _OWNERS_GROUP, _GROUP, _MASK, _OTHER = 0x01, 0x04, 0x08, 0x10, 0x20
_READ_WRITE, _NOTHING, _NO_NUMBER = 6, 0, 2**32 - 1


class NotListening(Exception):
    """Why there is no socket. event: what the log calls it; the text names the way out."""

    def __init__(self, event: str, why: str) -> None:
        super().__init__(why)
        self.event = event


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket in its place. gids: the groups that may open it besides the owner's own."""

    socket: socket.socket
    path: Path
    file: tuple[int, int]  # device and inode
    gids: frozenset[int]

    def in_place(self) -> bool:
        """Whether its path still leads to it."""
        try:
            return _identity(self.path) == self.file
        except OSError:
            return False

    def leave(self) -> None:
        """Close it and take its file away; another's file in the same place stays."""
        if self.in_place():
            with suppress(OSError):
                self.path.unlink()
        self.socket.close()


def listen(path: Path, gids: Collection[int]) -> Listening:
    """Make the socket. NotListening when that cannot be, or another daemon is there."""
    try:
        _make_room(path)
        return _made(path, frozenset(gids))
    except OSError as error:
        raise NotListening(
            FAILED,
            f"{path}: {error.strerror or error}; make {path.parent} a directory that the daemon "
            "may write to, or set control.socket. Doors go on; commands cannot ask the daemon",
        ) from None


def _make_room(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise NotListening(
            FAILED, f"{path}: is there and is no socket; move it away or set control.socket"
        )
    if _answers(path):
        raise NotListening(
            TAKEN,
            f"{path}: another daemon answers there; stop it, or give each its own control.socket",
        )


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(_ANSWER_SECONDS)
        try:
            caller.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            # One that is too busy, or of another account, is somebody's as well.
            return True
    return True


def _made(path: Path, gids: frozenset[int]) -> Listening:
    # As long as the name itself: a socket's path has at most 107 bytes.
    aside = path.with_name(f"{path.name[:-1]}~")
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(aside.lstat().st_mode):
            aside.unlink()
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        made.bind(os.fspath(aside))
        aside.chmod(MODE)
        _admit(aside, gids)
        made.listen(_BACKLOG)
        file = _identity(aside)
        aside.rename(path)
    except BaseException:
        made.close()
        raise
    return Listening(made, path, file, gids)


def _admit(path: Path, gids: Collection[int]) -> None:
    """Let the groups that give a role open it too, where the file system has such lists.

    A socket has one group, roles have several. Without the list their members also join the
    daemon's own group. The mode still reads 0660.
    """
    if gids:
        with suppress(OSError):
            os.setxattr(path, _ACL, _ACL_VERSION + b"".join(_entries(gids)))


def _entries(gids: Collection[int]) -> Iterator[bytes]:
    yield _ACL_ENTRY.pack(_OWNER, _READ_WRITE, _NO_NUMBER)
    yield _ACL_ENTRY.pack(_OWNERS_GROUP, _READ_WRITE, _NO_NUMBER)
    for gid in sorted(gids):
        yield _ACL_ENTRY.pack(_GROUP, _READ_WRITE, gid)
    yield _ACL_ENTRY.pack(_MASK, _READ_WRITE, _NO_NUMBER)
    yield _ACL_ENTRY.pack(_OTHER, _NOTHING, _NO_NUMBER)


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
