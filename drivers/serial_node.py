"""Refuses a path that leads to no serial device, before anything is opened.

Opening alone does things: it starts a watchdog, lets a pipe's reader go on, rewinds a tape. And
`kioskd secure` runs as root with ports from a file that the daemon's user may write.

Deliberately not here: whether the serial device is the right one, which nobody can tell.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serial_device(path: str) -> Iterator[str]:
    """A name for what the path leads to now; the path may lead elsewhere before it is opened.

    The name holds while the block lasts. OSError: EISDIR, ENOTTY, or why there is nothing.
    """
    found = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _refuse_others(os.fstat(found))
        yield f"/proc/self/fd/{found}"
    finally:
        os.close(found)


def _refuse_others(node: os.stat_result) -> None:
    if stat.S_ISDIR(node.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISCHR(node.st_mode) or _kind(node.st_rdev) not in ("tty", ""):
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))


def _kind(device: int) -> str:
    """The kernel's name for this kind of device; none for pseudo-terminals."""
    known = Path(f"/sys/dev/char/{os.major(device)}:{os.minor(device)}/subsystem")
    try:
        return known.readlink().name
    except OSError:
        return ""
