"""Waiting for whichever comes first, on the clock that tests can move.

Deliberately not here: what is waited for.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from kioskd.ports import Clock


class Bell:
    """Wakes one waiting task; rings while it is busy are one ring."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake who waits, or who waits next."""
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Until it rings or the time is over; whether it rang."""
        until = self._clock.monotonic() + seconds
        rang = self._rung.is_set() or await first_of(
            self._rung.wait(), self._clock.sleep_until(until)
        )
        self._rung.clear()
        return rang


async def first_of(work: Coroutine[Any, Any, object], limit: Coroutine[Any, Any, object]) -> bool:
    """Run both until one ends, and end the other; whether `work` ended. What it raised is raised.

    Both have ended when this returns, cancelled or not.
    """
    tasks = (asyncio.ensure_future(work), asyncio.ensure_future(limit))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = tasks[0].done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if ended:
        tasks[0].result()
    return ended
