"""A wall clock that a demo can move: the machine's own plus an offset that another process sets.

The offset is eight bytes of a file in the demo's directory, mapped into memory, so that reading
the time reads no file. Boot time and monotonic time stay as they are. A tool of the demo alone:
`kioskd run` has no such clock.
"""

import mmap
import struct
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kioskd.clock.system import SystemClock
from kioskd.domain.moment import Moment

_SECONDS: Final = struct.Struct("<d")


class Offset:
    """Seconds by which a demo's wall clock is ahead. Both processes see a change at once."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(_SECONDS.pack(0.0))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), _SECONDS.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._shared.close()

    @property
    def seconds(self) -> float:
        """As it was set last."""
        return float(_SECONDS.unpack(self._shared[:])[0])

    def move(self, seconds: float) -> float:
        """Move the clock on, or back; the offset that comes of it."""
        moved = self.seconds + seconds
        self._shared[:] = _SECONDS.pack(moved)
        return moved


class MovedClock(SystemClock):
    """The machine's clocks, the wall clock moved by an offset."""

    def __init__(self, offset: Offset) -> None:
        super().__init__()
        self._offset = offset

    def moment(self) -> Moment:
        """One reading; the wall clock is the moved one."""
        now = super().moment()
        return replace(now, wall=now.wall + timedelta(seconds=self._offset.seconds))
