"""Keeps one strike: the only place that releases it, and what secures it again.

A pulse has three ends, each enough by itself: its own time, the end of the task that asked for
it, and any failure on the way. `watch` runs as a task of its own, so a door task that hangs,
fails or is cancelled leaves no strike released.
"""

import asyncio
import logging
from collections.abc import Callable

from kioskd.errors import DeviceError
from kioskd.ports import Clock, Strike

log = logging.getLogger("kioskd.entry")
_RETRY_SECONDS = 0.5  # while a relay does not take the secure frame


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
        self._changed = asyncio.Event()

    @property
    def released(self) -> bool:
        """Whether a pulse is running, or its end did not get out yet."""
        return self._until is not None

    async def release(self, seconds: float, owner: "asyncio.Task[object]") -> None:
        """Release for `seconds`, as long as `owner` lives. DeviceError: it was secured again."""
        # The end is set before the beginning: whatever happens in between, `watch` secures.
        self._until = self._clock.monotonic() + seconds
        self._owner = owner
        self._changed.set()
        try:
            await self._strike.release()
        except BaseException:
            self._until = self._clock.monotonic()
            self._changed.set()
            raise

    def end_now(self) -> None:
        """End a pulse early; `watch` does it."""
        if self._until is not None:
            self._until = self._clock.monotonic()
            self._changed.set()

    async def watch(self) -> None:
        """End every pulse, until cancelled; then secure once more."""
        try:
            while True:
                await self._next_end()
        finally:
            await self._secure_at_last()

    async def _next_end(self) -> None:
        if self._until is None:
            await self._changed.wait()
            self._changed.clear()
            return
        if self._until > self._clock.monotonic() and not self._owner_gone():
            await self._until_something()
            return
        await self._end_pulse(self._until, "owner gone" if self._owner_gone() else "pulse")

    async def _end_pulse(self, until: float, why: str) -> None:
        if not await self._secure():
            await self._clock.sleep_until(self._clock.monotonic() + _RETRY_SECONDS)
        elif self._until == until:  # else a new pulse began while this one was being ended
            self._until = self._owner = None
            self._secured(why)

    async def _until_something(self) -> None:
        self._changed.clear()
        assert self._until is not None and self._owner is not None  # noqa: S101, PT018
        timer = asyncio.ensure_future(self._clock.sleep_until(self._until))
        change = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({timer, change, self._owner}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            change.cancel()

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
        self._until = None
        if await asyncio.shield(asyncio.ensure_future(self._secure())):
            self._secured("exit")
