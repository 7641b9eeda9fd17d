"""Ends the daemon in time when a thread that hangs would keep it: a stalled disk, a locked file.

Every thread of an executor is waited for at the end of a Python process, however long that takes.
The strikes are secured before anything here happens; what the files miss then, they would miss
after a power cut too, and they are made for that.
"""

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Thread, Timer

log = logging.getLogger("kioskd")
LEAVE_SECONDS = 4.0  # after it was told to stop; CONTRACTS: ends within 5 s, log lines included


class LastResort:
    """Leaves the process some time after `arm`, if it is still there.

    `code` is the exit code then: 0 as long as every strike is secured and nothing failed. Whatever
    it is, the strikes are secured once more, by `secure`, before it leaves.
    """

    def __init__(self, secure: Callable[[], object], leave: Callable[[int], object] | None) -> None:
        self.code = 0
        self.secure = secure
        self._leave = leave
        self._armed = False

    def arm(self) -> None:
        """Begin to count; once is enough. Without a way to leave it never does."""
        if self._leave is None or self._armed:
            return
        self._armed = True
        timer = Timer(LEAVE_SECONDS, self._go, [self._leave])
        timer.daemon = True
        timer.start()

    def _go(self, leave: Callable[[int], object]) -> None:
        with suppress(Exception):
            self.secure()
        log.warning("stop.late", extra={"why": "something did not end in time; left without it"})
        leave(self.code)


async def done_within(seconds: float, work: Callable[[], None]) -> bool:
    """Do blocking work in a thread that nobody waits for; whether it was done in that time."""
    done: concurrent.futures.Future[None] = concurrent.futures.Future()
    # A daemon thread: unlike an executor's, it does not hold up the end of the process.
    Thread(target=_do, args=(work, done), name="close", daemon=True).start()
    ended, _ = await asyncio.wait({asyncio.wrap_future(done)}, timeout=seconds)
    for future in ended:
        future.result()
    return bool(ended)


def _do(work: Callable[[], None], done: "concurrent.futures.Future[None]") -> None:
    try:
        work()
    except BaseException as error:
        done.set_exception(error)
    else:
        done.set_result(None)
