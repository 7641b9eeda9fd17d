"""A file kept only to be given up: on a full disk even DELETE fails without room for its WAL."""

import os
from dataclasses import dataclass
from pathlib import Path

RESERVE_BYTES = 1 << 20
_ROOM_FACTOR = 4  # taken back only when the disk has room for it several times over


@dataclass(slots=True)
class Reserve:
    """The reserve of one storage directory."""

    path: Path

    def take(self) -> bool:
        """Hold the reserve if the disk has room; whether it is held."""
        try:
            if self.path.exists() and self.path.stat().st_size >= RESERVE_BYTES:
                return True
            disk = os.statvfs(self.path.parent)
            if disk.f_bavail * disk.f_frsize < RESERVE_BYTES * _ROOM_FACTOR:
                return False
            # Written, not allocated: some file systems of cards know no preallocation.
            self.path.write_bytes(bytes(RESERVE_BYTES))
        except OSError:
            return False
        return True

    def free(self) -> bool:
        """Give the reserve up; whether there was one."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True
