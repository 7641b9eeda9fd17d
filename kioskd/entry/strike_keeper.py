"""Keeps one strike: the only place that releases it, and what secures it again.

The strike is released while somebody holds it: a pulse, which lets one person in, or an unlock of
the schedule, which is held for seconds at a time and held again. A hold has three ends, each
enough by itself: its own time, the end of the task that asked for it, and any failure on the way.
`watch` runs as a task of its own, so a door task that hangs, fails or is cancelled leaves no
strike released. While `watch` does not run, nothing is released.

Deliberately not here: who may have the strike released, and rows of the journal (doorway).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from kioskd.errors import DeviceError
from kioskd.ports import Clock, Strike, Tick

log = logging.getLogger("kioskd.entry")
BEAT_SECONDS = 0.5  # a task of a door tells twice a second that it goes on
_RETRY_SECONDS = 0.5  # while a relay does not take the secure frame
_LAST_TRIES = 4  # at the end of a daemon that stops in the middle of a pulse

Owner = asyncio.Task[object]
"""A release lasts no longer than the task that asked for it."""


class _Kind(Enum):
    PULSE = auto()
    UNLOCK = auto()


@dataclass(frozen=True, slots=True)
class _Hold:
    """until: monotonic seconds. why: it ends then, as its row tells."""

    until: float
    owner: Owner
    why: str


def no_tick() -> None:
    """A Tick that nobody waits for."""


class StrikeKeeper:
    """Owns a strike. `secured(why)` is called each time the secure frame ended a release.

    why: pulse, owner gone, exit, or what the unlock or `end_now` was told.
    """

    def __init__(
        self, door: str, strike: Strike, clock: Clock, secured: Callable[[str], None]
    ) -> None:
        self._door = door
        self._strike = strike
        self._clock = clock
        self._secured = secured
        self._holds: dict[_Kind, _Hold] = {}
        self._released = False
        self._why = ""
        self._changes = 0
        self._changed = asyncio.Event()
        self._watched = False
        self._failing = False

    @property
    def released(self) -> bool:
        """Whether the strike is released, or its end did not get out yet."""
        return self._released

    @property
    def unlocked(self) -> bool:
        """Whether an unlock holds the strike now."""
        return self._holds_now(_Kind.UNLOCK)

    async def release(self, seconds: float, owner: Owner) -> None:
        """A pulse of `seconds`, as long as `owner` lives. DeviceError: it was secured again.

        A pulse that is running is made longer, never shorter.
        """
        running = self._holds.get(_Kind.PULSE)
        until = self._clock.monotonic() + seconds
        if running is not None:
            until = max(until, running.until)
        await self._release(_Kind.PULSE, _Hold(until, owner, "pulse"))

    async def unlock(self, seconds: float, owner: Owner, why: str) -> None:
        """An unlock, to be held again within `seconds` and as long as `owner` lives.

        why: it ends when nobody does. DeviceError: it was secured again.
        """
        hold = _Hold(self._clock.monotonic() + seconds, owner, why)
        await self._release(_Kind.UNLOCK, hold)

    def hold_again(self, seconds: float, why: str) -> bool:
        """Hold a running unlock for `seconds` from now, without another frame; False: it ended."""
        if not (self.unlocked and self._is_watched()):
            return False
        owner = self._holds[_Kind.UNLOCK].owner
        self._holds[_Kind.UNLOCK] = _Hold(self._clock.monotonic() + seconds, owner, why)
        self._changed.set()
        return True

    def end_unlock(self, why: str) -> None:
        """End an unlock; a pulse that is running keeps its time."""
        if self._holds.pop(_Kind.UNLOCK, None) is not None:
            self._tell_watch(why)

    def end_now(self, why: str = "pulse") -> None:
        """End every hold early; `watch` does it."""
        self._holds.clear()
        if self._released:
            self._tell_watch(why)

    async def secure_now(self, why: str) -> None:
        """End every hold and send the secure frame, released or not. DeviceError: no frame out."""
        self.end_now(why)
        await self._strike.secure()

    async def watch(self, tick: Tick = no_tick) -> None:
        """End every release in time, until cancelled; then secure once more."""
        self._watched = True
        try:
            while True:
                tick()
                await self._next_end()
        finally:
            self._watched = False
            await asyncio.shield(asyncio.ensure_future(self._secure_at_last()))

    async def _release(self, kind: _Kind, hold: _Hold) -> None:
        if not self._is_watched():
            raise DeviceError(f"{self._door}: nobody watches the strike; the daemon is stopping")
        # The end is set before the beginning: whatever happens in between, `watch` secures.
        self._holds[kind] = hold
        self._released = True
        self._tell_watch(hold.why)
        try:
            await self._strike.release()
        except BaseException:
            self.end_now("fault")
            raise
        if not self._is_watched():
            await self._secure()
            raise DeviceError(f"{self._door}: secured at once; the daemon is stopping")

    def _tell_watch(self, why: str) -> None:
        self._why = why
        self._changes += 1
        self._changed.set()

    async def _next_end(self) -> None:
        self._changed.clear()
        self._drop_ended()
        if self._released and not self._holds:
            await self._end_release()
        else:
            await self._until_something()

    def _drop_ended(self) -> None:
        now = self._clock.monotonic()
        for kind, hold in list(self._holds.items()):
            if hold.owner.done() or hold.until <= now:
                self._why = "owner gone" if hold.owner.done() else hold.why
                del self._holds[kind]

    async def _end_release(self) -> None:
        ended = self._changes
        if not await self._secure():
            await self._clock.sleep_until(self._clock.monotonic() + _RETRY_SECONDS)
        elif self._changes == ended:  # else a new release began while this one was being ended
            self._released = False
            self._secured(self._why)

    async def _until_something(self) -> None:
        beat = self._clock.monotonic() + BEAT_SECONDS
        until = min([beat, *(hold.until for hold in self._holds.values())])
        timer = asyncio.ensure_future(self._clock.sleep_until(until))
        change = asyncio.ensure_future(self._changed.wait())
        owners = {hold.owner for hold in self._holds.values()}
        try:
            await asyncio.wait({timer, change, *owners}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            change.cancel()

    def _holds_now(self, kind: _Kind) -> bool:
        hold = self._holds.get(kind)
        return hold is not None and hold.until > self._clock.monotonic() and not hold.owner.done()

    def _is_watched(self) -> bool:
        return self._watched

    async def _secure(self) -> bool:
        try:
            await self._strike.secure()
        except DeviceError as error:
            # The driver secures a relay that comes back before anything else reaches it.
            level = logging.DEBUG if self._failing else logging.WARNING
            log.log(level, "strike.not_secured", extra={"door": self._door, "why": str(error)})
            self._failing = True
            return False
        self._failing = False
        return True

    async def _secure_at_last(self) -> None:
        tries = _LAST_TRIES if self._released else 1
        while not await self._secure():
            tries -= 1
            if not tries:
                return
            await self._clock.sleep_until(self._clock.monotonic() + _RETRY_SECONDS)
        self._holds.clear()
        self._released = False
        self._secured("exit")
