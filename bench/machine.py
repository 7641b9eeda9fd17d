"""What the figures were measured on: figures of another machine are other figures."""

import os
import platform
import re
import sqlite3
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path


def describe() -> dict[str, str | int | float]:
    """Facts about this machine and this code; nothing that names a person or a host."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cpu": _field("/proc/cpuinfo", r"^model name\s*:\s*(.+)$") or platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_mb": int(_field("/proc/meminfo", r"^MemTotal:\s*(\d+)") or 0) // 1024,
        "load": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "file_system": _file_system(Path(tempfile.gettempdir())),
    }


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def _field(path: str, pattern: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return ""
    return found[1].strip() if found else ""


def _file_system(folder: Path) -> str:
    """The type of the file system that benchmarks write to: a commit on tmpfs costs nothing."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    holding = [m.split()[1:3] for m in mounts if folder.is_relative_to(m.split()[1])]
    return max(holding, key=lambda mount: len(mount[0]), default=["", "unknown"])[1]
