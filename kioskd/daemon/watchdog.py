"""Feeds systemd's watchdog while every task ticks, and tells when one does not.

It runs in the loop that it watches over: a loop that hangs feeds nobody.
"""

import logging
from collections.abc import Mapping
from typing import Final

from kioskd.daemon.notify import Notify, watchdog_seconds
from kioskd.health.ticks import LoopLag, Ticks
from kioskd.ports import Clock

log = logging.getLogger("kioskd.watchdog")
LONGEST_SECONDS: Final = 1.0  # between two looks, also where nobody has to be fed
SHORTEST_SECONDS: Final = 0.05  # a watchdog shorter than twice this cannot be served


async def feed(
    ticks: Ticks,
    clock: Clock,
    notify: Notify,
    environment: Mapping[str, str],
    lag: LoopLag | None = None,
) -> None:
    """Look at half the watchdog's time, at most a second, until cancelled.

    environment: WATCHDOG_USEC and WATCHDOG_PID as systemd gives them. Without them, or with
    another process's, what is late is logged all the same.
    """
    wanted = watchdog_seconds(environment)
    seconds = max(SHORTEST_SECONDS, min(LONGEST_SECONDS, (wanted or 2 * LONGEST_SECONDS) / 2))
    told: tuple[str, ...] = ()
    while True:
        due = clock.monotonic() + seconds
        await clock.sleep_until(due)
        if lag is not None:
            lag.woke(clock.monotonic() - due)
        late = ticks.late()
        if not late and wanted is not None:
            notify.alive()
        if late != told:
            _tell(late, set(late) - set(told), fed=wanted is not None)
            told = late


def _tell(late: tuple[str, ...], new: set[str], *, fed: bool) -> None:
    if not late:
        log.info("watchdog.fed_again" if fed else "tasks.on_time")
        return
    event = "watchdog.unfed" if fed else "tasks.late"
    extra = {"late": ", ".join(late), "why": "a task does not go on"}
    log.log(logging.ERROR if new else logging.DEBUG, event, extra=extra)
