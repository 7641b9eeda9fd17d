"""Does the chores of a hub in the background: each on its own, once among all hubs of a database.

A chore that fails is told once, loudly, and tried again, later and later; when it works again
that is told too. None of them ends the server, and `stop` ends them all.

Deliberately not here: what the chores are (chores).
"""

import asyncio
import contextlib
import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from kioskd.errors import KioskError
from sync.hub.chores import Chore, House, chores_of
from sync.hub.leases import Pause, lease

LEASE_SECONDS: Final = 60.0
FIRST_RETRY: Final = 30.0  # seconds; doubled with each failure
LAST_RETRY: Final = 900.0

log = logging.getLogger("kioskd.hub")

__all__ = ["Chore", "House", "Housekeeper", "keep_house"]


async def keep_house(
    house: House,
    stop: asyncio.Event,
    *,
    chores: Sequence[Chore] | None = None,
    pause: Pause = asyncio.sleep,
) -> None:
    """Do all chores until `stop` is set. Raises nothing."""
    keeper = Housekeeper(house, stop, pause)
    async with asyncio.TaskGroup() as group:
        for chore in chores_of(house, stop) if chores is None else chores:
            group.create_task(keeper.keep(chore), name=f"chore {chore.name}")


class Housekeeper:
    """One hub's share of the chores."""

    def __init__(self, house: House, stop: asyncio.Event, pause: Pause) -> None:
        self._house = house
        self._stop = stop
        self._pause = pause
        self._me = secrets.token_hex(8)

    async def keep(self, chore: Chore) -> None:
        """Do one chore again and again until the hub stops."""
        failures = 0
        while not self._stop.is_set():
            wait, failures = await self._turn(chore, failures)
            await self._wait(wait)

    async def _turn(self, chore: Chore, failures: int) -> tuple[float, int]:
        """Do it once, if it falls to this hub; how long to wait, and failures in a row."""
        try:
            done = await self._unless_stopped(lambda: self._do(chore))
        except Exception as error:  # a fault of ours must not end the server either
            _tell(chore, error, failures)
            return min(FIRST_RETRY * 2 ** min(failures, 10), LAST_RETRY), failures + 1
        if not done:  # another hub has it; look again when that one may have died
            return LEASE_SECONDS, failures
        if failures:
            log.info("chore.works", extra={"chore": chore.name})
        return chore.wait(self._house.now()), 0

    async def _do(self, chore: Chore) -> bool:
        house, name = self._house, f"chore {chore.name}"
        held = lease(house.database, name, self._me, LEASE_SECONDS, house.now, self._pause)
        async with held as mine:
            if mine:
                await chore.run()
            return mine

    async def _wait(self, seconds: float) -> None:
        async def sleep() -> bool:
            await self._pause(seconds)
            return True

        await self._unless_stopped(sleep)

    async def _unless_stopped(self, work: Callable[[], Awaitable[bool]]) -> bool:
        """The work, cut off when the hub stops."""

        async def run() -> bool:
            return await work()

        task = asyncio.create_task(run())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else False
        finally:
            for left in (task, stopping):
                left.cancel()
            for left in (task, stopping):
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await left


def _tell(chore: Chore, error: Exception, failures: int) -> None:
    known = isinstance(error, KioskError)
    # The text of an error that nobody foresaw may have anything in it; where it was says enough.
    why = str(error) if known else f"{type(error).__name__} at {_where(error)}"
    level = logging.DEBUG if failures else logging.ERROR
    log.log(level, "chore.failed", extra={"chore": chore.name, "why": why})


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere"
