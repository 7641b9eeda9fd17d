"""Which process holds a lease, so that a later one on the same machine can tell that it is dead.

    holder = new_holder()                   "hub1/BOOT/NAMESPACE/4711/88123/6f0c..."
    ...
    is_dead("hub1/BOOT/NAMESPACE/4711/88123/6f0c...")

A pid alone says little: another machine, boot or container may have it too, and it is given again.
So a holder names all four and the time at which its process began. Whatever is not known for sure
counts as alive; such a lease runs out by itself.

Deliberately not here: the lease.
"""

import contextlib
import os
import platform
import secrets
from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")
_FIELDS: Final = 6
_STATE, _START = 0, 19  # of /proc/PID/stat, counted from behind the name
_ENDED: Final = ("Z", "X")


def new_holder() -> str:
    """A name for one holder in this process; no two are the same."""
    place, began = _place(), _stat(os.getpid())
    token = secrets.token_hex(8)
    if place is None or began is None:
        return token
    return "/".join((*place, str(os.getpid()), began[_START], token))


def is_dead(holder: str) -> bool:
    """Whether it ran on this machine since its boot and is no more."""
    fields = holder.split("/")
    place = _place()
    if len(fields) != _FIELDS or place is None or tuple(fields[:3]) != place:
        return False
    pid, began = fields[3], fields[4]
    return pid.isdecimal() and int(pid) > 0 and not _runs(int(pid), began)


def _runs(pid: int, began: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's
    found = _stat(pid)
    return found is None or (found[_START] == began and found[_STATE] not in _ENDED)


def _place() -> tuple[str, str, str] | None:
    """This machine, its boot, and who sees the same pids; None where that is not told."""
    with contextlib.suppress(OSError):
        boot = _BOOT.read_text("ascii").strip()
        return platform.node().replace("/", "-"), boot, str(_NAMESPACE.readlink())
    return None


def _stat(pid: int) -> list[str] | None:
    with contextlib.suppress(OSError):
        # The name may hold anything, brackets and blanks too.
        told = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return told if len(told) > _START else None
    return None
