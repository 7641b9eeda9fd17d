"""Whether a held database file is still the one that its name leads to.

SQLite goes on in a file that has no name any more: what it takes is gone with the process, and
what others write under the name it never sees.

Deliberately not here: files that are replaced on purpose (generations).
"""

import os
from pathlib import Path

from kioskd.errors import StoreDamaged
from kioskd.store.faults import mapped

_Identity = tuple[int, int]


class InUse:
    """A database file and its log, as they were when this was made; two calls of stat a look."""

    def __init__(self, path: Path, way_out: str) -> None:
        """way_out: what somebody can do about it, for the message."""
        self._path = path
        self._way_out = way_out
        self._opened = self._found()

    def check(self) -> None:
        """StoreDamaged when one of the two was removed, emptied or replaced since."""
        for opened, found in zip(self._opened, self._found(), strict=True):
            if opened is not None and opened != found:
                raise StoreDamaged(
                    f"{self._path}: was removed, emptied or replaced while in use; {self._way_out}"
                )

    def _found(self) -> "tuple[_Identity | None, _Identity | None]":
        with mapped(self._path):
            return _identity(f"{self._path}", least=1), _identity(f"{self._path}-wal", least=0)


def _identity(path: str, *, least: int) -> _Identity | None:
    """Which file has this name; None without one of at least so many bytes."""
    try:
        found = os.stat(path)  # noqa: PTH116  # a Path costs more than the call
    except FileNotFoundError:
        return None
    return (found.st_dev, found.st_ino) if found.st_size >= least else None
