"""The daemon, or the process of a feed import, that kills itself at a named point. For tests only.

    stopping.py POINT NTH run --config FILE ...    all that `kioskd run` does, until then
    stopping.py POINT NTH import REQUEST           all that an import's process does, until then

SIGKILL comes as the point is passed for the NTH time. Every point that is passed is told on
standard output first; what was told outlives the process.

Instead of `run`, a daemon with a fault put in, which the tests beside this must notice:
`run-late` commits grants long after the strike moved, `run-uncharged` forgets to charge an attempt.

Deliberately not here: any change to what is run. Production has checkpoints and no way to stop
at one.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from unittest.mock import patch

from kioskd.access.lockout import Lockout
from kioskd.cli.main import main as command
from kioskd.clock.trust import WallClockTrust
from kioskd.daemon import import_worker, site
from kioskd.daemon import run as daemon
from kioskd.daemon.stores import WitnessedJournal
from kioskd.domain.record import Record
from kioskd.ports import Checkpoint
from kioskd.store.journal import NoJournal, ThreadedJournal

STANDARD_OUTPUT = 1
LATE_SECONDS = 60.0  # longer than any test lets such a daemon live


class Stop:
    """A checkpoint that kills the process at one point."""

    def __init__(self, point: str, nth: int) -> None:
        self._point = point
        self._left = nth

    def __call__(self, name: str) -> None:
        """Tell that the point was passed; never return from the last one."""
        os.write(STANDARD_OUTPUT, f"{name}\n".encode())  # unbuffered: nothing of it can be lost
        if name == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class LateJournal(WitnessedJournal):
    """Says that a grant is committed, and commits it much later."""

    def __init__(
        self,
        journal: ThreadedJournal | NoJournal,
        trust: WallClockTrust,
        happened: Callable[[Record], None],
        written: Callable[[Record], None],
    ) -> None:
        super().__init__(journal, trust, happened, written)
        self._late: list[asyncio.Task[None]] = []

    async def append(self, record: Record, cleared: tuple[bytes, ...] = ()) -> None:
        """Return at once where somebody is let in."""
        if record.decision is None or not record.decision.granted:
            await super().append(record, cleared)
            return
        self._late.append(asyncio.create_task(self._append_late(record, cleared)))

    async def _append_late(self, record: Record, cleared: tuple[bytes, ...]) -> None:
        await asyncio.sleep(LATE_SECONDS)
        await super().append(record, cleared)


class UnchargedJournal(WitnessedJournal):
    """Says that an attempt is charged, and writes nothing."""

    def __init__(
        self,
        journal: ThreadedJournal | NoJournal,
        trust: WallClockTrust,
        happened: Callable[[Record], None],
        written: Callable[[Record], None],
    ) -> None:
        super().__init__(journal, trust, happened, written)
        self.charge = self._charge_nothing

    async def _charge_nothing(self, card: bytes, lockout: Lockout) -> None:
        return


def run_daemon(
    stop: Checkpoint, arguments: list[str], journal: type[WitnessedJournal] = WitnessedJournal
) -> int:
    """`kioskd run` with these arguments, its checkpoint and journal replaced."""
    with (
        patch.object(daemon, "run", partial(daemon.run, checkpoint=stop)),
        patch.object(site, "WitnessedJournal", journal),
    ):
        return command(["run", *arguments])


def run_import(stop: Checkpoint, arguments: list[str]) -> int:
    """What the process of `kioskd feed import` does with this request."""
    return import_worker.main(arguments, stop)


PROGRAMS: dict[str, Callable[[Checkpoint, list[str]], int]] = {
    "run": run_daemon,
    "run-late": partial(run_daemon, journal=LateJournal),
    "run-uncharged": partial(run_daemon, journal=UnchargedJournal),
    "import": run_import,
}


def main(arguments: Sequence[str]) -> int:
    """Run the program that is named; the exit code, when the point was never passed."""
    point, nth, program, *rest = arguments
    return PROGRAMS[program](Stop(point, int(nth)), rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
