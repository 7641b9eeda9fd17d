"""What the machine says of itself: files, file systems, swap, TPM, libraries. Only looks.

Everything below /proc, /sys and /dev is read under `root`, so that tests can draw a machine.
Deliberately not here: any judgement (kioskd.health).
"""

import grp
import os
import platform
import pwd
import sqlite3
import stat
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

from kioskd.health.examined import DiskLook, FileLook, MachineLook, Unseen

ROOT: Final = Path("/")
_LIBRARIES: Final = ("argon2-cffi", "bcrypt", "cryptography", "msgspec", "pyserial", "sqlalchemy")
_READ_WRITE: Final = 0o6


def file_look(path: Path) -> FileLook | None:
    """A file's metadata; None when this user may not look."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return FileLook(str(path), there=False)
    except OSError:
        return None
    mode = stat.S_IMODE(found.st_mode)
    return FileLook(
        str(path), owner=user_name(found.st_uid), group=group_name(found.st_gid), mode=mode
    )


def user_name(uid: int) -> str:
    """An account's name, else its number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def group_name(gid: int) -> str:
    """A group's name, else its number."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"gid {gid}"


def missing_groups(names: Iterable[str]) -> Iterable[str]:
    """Those of some groups that are not there, each once."""
    for name in dict.fromkeys(names):
        try:
            grp.getgrnam(name)
        except KeyError:
            yield name


def may_use(node: Path, user: os.stat_result) -> bool | None:
    """Whether the owner of something may read and write a node; None when that is not known."""
    try:
        found = node.stat()
    except OSError:
        return None
    if user.st_uid == 0:
        return True
    bits = stat.S_IMODE(found.st_mode)
    if found.st_uid == user.st_uid:
        bits >>= 6
    elif found.st_gid in _groups(user):
        bits >>= 3
    return bits & _READ_WRITE == _READ_WRITE


def _groups(user: os.stat_result) -> set[int]:
    try:
        account = pwd.getpwuid(user.st_uid)
        return {user.st_gid, *os.getgrouplist(account.pw_name, account.pw_gid)}
    except (KeyError, OSError):
        return {user.st_gid}


def has_tpm(root: Path = ROOT) -> bool:
    """Whether there is a TPM."""
    return (root / "sys/class/tpm/tpm0").exists()


def memory(root: Path = ROOT) -> MachineLook | Unseen:
    """Where memory may be written to."""
    try:
        swaps = (root / "proc/swaps").read_text(encoding="utf-8", errors="replace")
        pattern = (root / "proc/sys/kernel/core_pattern").read_text(errors="replace")
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
        return Unseen(why, "see `swapon --show` and `sysctl kernel.core_pattern`")
    used = tuple(line.split()[0] for line in swaps.splitlines()[1:] if line.strip())
    return MachineLook(used, pattern.strip())


def disk_look(directory: Path, root: Path = ROOT) -> DiskLook | Unseen | None:
    """The file system that a directory lies on; None before there is one. PermissionError."""
    try:
        found = os.statvfs(directory)
        reserve = (directory / "reserve.bin").exists()
    except FileNotFoundError:
        return None
    except PermissionError:
        raise
    except OSError as error:
        return Unseen(f"{directory}: {error.strerror}", "see `dmesg`")
    return DiskLook(
        free=found.f_bavail * found.f_frsize,
        total=found.f_blocks * found.f_frsize,
        kind=_kind(directory, root),
        read_only=bool(found.f_flag & os.ST_RDONLY),
        reserve=reserve,
    )


def _kind(directory: Path, root: Path) -> str:
    """The type of the file system, by the longest mount point above the directory."""
    try:
        lines = (root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    real = directory.resolve()
    kind, longest = "unknown", -1
    for point, name in _mounts(lines.splitlines()):
        # Of two mounts on one point the later hides the earlier.
        if (real == point or point in real.parents) and len(point.parts) >= longest:
            kind, longest = name, len(point.parts)
    return kind


def _mounts(lines: Iterable[str]) -> Iterable[tuple[Path, str]]:
    for line in lines:
        # proc(5): 36 35 98:0 /root /mount/point options optional... - type source options
        before, dash, after = line.partition(" - ")
        fields = before.split()
        if dash and len(fields) > 4 and after.split():
            point = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
            yield Path(point), after.split()[0]


def versions() -> Mapping[str, str]:
    """What a fault may hang on, by name."""
    found = {
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "Linux": f"{platform.release()} {platform.machine()}",
    }
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found
