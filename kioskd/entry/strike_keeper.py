"""Keeps one strike: the only place that releases it, and what secures it again.

A pulse has three ends, each enough by itself: its own time, the end of the task that asked for
it, and any failure on the way. `watch` runs as a task of its own, so a door task that hangs,
fails or is cancelled leaves no strike released. While `watch` does not run, nothing is released.
"""

import asyncio
import logging
from collections.abc import Callable

from kioskd.errors import DeviceError
from kioskd.ports import Clock, Strike

log = logging.getLogger("kioskd.entry")
_RETRY_SECONDS = 0.5  # while a relay does not take the secure frame
_LAST_TRIES = 4  # at the end of a daemon that stops in the middle of a pulse


class StrikeKeeper:
    """Owns a strike. `secured(why)` is called each time the secure frame got out."""

    def __init__(
        self, door: str, strike: Strike, clock: Clock, secured: Callable[[str], None]
    ) -> None:
        self._door = door
        self._strike = strike
        self._clock = clock
        self._secured = secured
        self._until: float | None = None
        self._owner: asyncio.Task[object] | None = None
        self._changes = 0
        self._changed = asyncio.Event()
        self._watched = False

    @property
    def released(self) -> bool:
        """Whether a pulse is running, or its end did not get out yet."""
        return self._until is not None

    async def release(self, seconds: float, owner: "asyncio.Task[object]") -> None:
        """Release for `seconds`, as long as `owner` lives. DeviceError: it was secured again.

        A pulse that is running is made longer, never shorter.
        """
        if not self._is_watched():
            raise DeviceError(f"{self._door}: nobody watches the strike; the daemon is stopping")
        # The end is set before the beginning: whatever happens in between, `watch` secures.
        self._set_end(max(self._until or 0.0, self._clock.monotonic() + seconds))
        self._owner = owner
        try:
            await self._strike.release()
        except BaseException:
            self._set_end(self._clock.monotonic())
            raise
        if not self._is_watched():
            await self._secure()
            raise DeviceError(f"{self._door}: secured at once; the daemon is stopping")

    def end_now(self) -> None:
        """End a pulse early; `watch` does it."""
        if self._until is not None:
            self._set_end(self._clock.monotonic())

    async def watch(self) -> None:
        """End every pulse, until cancelled; then secure once more."""
        self._watched = True
        try:
            while True:
                await self._next_end()
        finally:
            self._watched = False
            await asyncio.shield(asyncio.ensure_future(self._secure_at_last()))

    def _set_end(self, until: float) -> None:
        self._until = until
        self._changes += 1
        self._changed.set()

    async def _next_end(self) -> None:
        self._changed.clear()
        if self._until is None:
            await self._changed.wait()
        elif self._owner_gone():
            await self._end_pulse("owner gone")
        elif self._until <= self._clock.monotonic():
            await self._end_pulse("pulse")
        else:
            await self._until_something(self._until)

    async def _end_pulse(self, why: str) -> None:
        ended = self._changes
        if not await self._secure():
            await self._clock.sleep_until(self._clock.monotonic() + _RETRY_SECONDS)
        elif self._changes == ended:  # else a new pulse began while this one was being ended
            self._until = self._owner = None
            self._secured(why)

    async def _until_something(self, until: float) -> None:
        assert self._owner is not None  # noqa: S101 - set with every pulse
        timer = asyncio.ensure_future(self._clock.sleep_until(until))
        change = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({timer, change, self._owner}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            change.cancel()

    def _is_watched(self) -> bool:
        return self._watched

    def _owner_gone(self) -> bool:
        return self._owner is not None and self._owner.done()

    async def _secure(self) -> bool:
        try:
            await self._strike.secure()
        except DeviceError as error:
            # The driver secures a relay that comes back before anything else reaches it.
            log.warning("strike.not_secured", extra={"door": self._door, "why": str(error)})
            return False
        return True

    async def _secure_at_last(self) -> None:
        tries = _LAST_TRIES if self.released else 1
        while not await self._secure():
            tries -= 1
            if not tries:
                return
            await self._clock.sleep_until(self._clock.monotonic() + _RETRY_SECONDS)
        self._until = self._owner = None
        self._secured("exit")
