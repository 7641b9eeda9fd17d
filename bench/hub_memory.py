"""Memory and processor time of programs that are measured from outside.

    with Watch(pid) as seen: ...
    seen.largest(pid)         # peak RSS of it alone, MB (10^6 bytes)
    seen.processor            # seconds that it and those that it waited for have used

Deliberately not here: what may be used.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

EVERY_SECONDS: Final = 0.05
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Watch:
    """Peaks of a process and of all below it, from entering on; looked at in a thread."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peaks: dict[int, float] = {}
        self._together = 0.0
        self._began = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.processor = 0.0

    def __enter__(self) -> Self:
        forget_peak(self._pid)
        self._began = processor_seconds(self._pid)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._once()
        self.processor = processor_seconds(self._pid) - self._began

    @property
    def own(self) -> float:
        """Peak RSS of the process itself, MB."""
        return self._peaks.get(self._pid, 0.0)

    @property
    def below(self) -> float:
        """Peak RSS of the largest process below it, MB; 0 where there was none."""
        return max((peak for pid, peak in self._peaks.items() if pid != self._pid), default=0.0)

    @property
    def together(self) -> float:
        """Peak of the memory of all of them, shared pages divided (PSS), MB."""
        return self._together

    def _look(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self._once()

    def _once(self) -> None:
        shared = 0.0
        for pid in (self._pid, *descendants(self._pid)):
            peak = megabytes(pid, "status", "VmHWM:")
            self._peaks[pid] = max(self._peaks.get(pid, 0.0), peak)
            shared += megabytes(pid, "smaps_rollup", "Pss:")
        self._together = max(self._together, shared)


def forget_peak(pid: int) -> None:
    """Let the kernel's peak of a process start at what it has now."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def rss(pid: int) -> float:
    """Resident memory now, MB."""
    return megabytes(pid, "status", "VmRSS:")


def processor_seconds(pid: int) -> float:
    """Used by a process and by the children that it waited for; 0 for one that has ended."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    fields = told.rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def processor_of_machine() -> float:
    """Used by everything on this machine since it started."""
    first = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()
    user, nice, system, _, _, irq, soft = map(int, first[1:8])
    return (user + nice + system + irq + soft) / _TICKS


def processor_of_all(pid: int) -> float:
    """The same of a process with all that live below it."""
    return sum(processor_seconds(one) for one in (pid, *descendants(pid)))


def descendants(pid: int) -> Iterator[int]:
    """Processes below this one."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, listed.read_text(encoding="ascii").split()):
                yield child
                yield from descendants(child)


def megabytes(pid: int, file: str, name: str) -> float:
    """A line of a process's files in /proc; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    kilobytes = next((float(line.split()[1]) for line in lines if line.startswith(name)), 0.0)
    return kilobytes * 1024 / 1e6
