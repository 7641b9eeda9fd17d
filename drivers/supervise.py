"""Keeps one device's link alive: tries, tells, waits, tries again, until cancelled.

The first failure is logged as a warning and told to the watch; repeats are logged for
debugging only. The wait doubles from 0.1 s to 2 s and starts small again once a link has stood
for a while, so a cable put back is noticed within 2 s and one that flaps does not spin.

A device that is back is told at once, unless it goes again soon after: then its link has to stand
ever longer before it is told back, and before its next loss is news. So a bad cable writes a
handful of rows, and about two a minute at worst. Who depends on the device hears of every end of
its link all the same, and the device is used as soon as its link stands.

Deliberately not here: how a link is made and what flows over it.
"""

import asyncio
import logging
from abc import ABC, abstractmethod

from kioskd.errors import DeviceError
from kioskd.ports import Clock, DeviceWatch

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0  # unplugged and back must work within 5 s
STEADY_SECONDS = 2.0  # a link that stood this long was a good one
CALM_SECONDS = 60.0  # a device that stood this long does not flap; the longest wait to be told back

_log = logging.getLogger("kioskd.drivers")


def wait_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row (from 1)."""
    doublings = min(failures - 1, 8)  # 2 ** 8 is far beyond the cap
    return min(FIRST_WAIT_SECONDS * 2.0**doublings, LONGEST_WAIT_SECONDS)


def proof_seconds(before: float, stood: float) -> float:
    """How long a link must stand to be told back, after one that was told back and stood so long.

    before: what was asked of that one; all in seconds.
    """
    if stood >= CALM_SECONDS:
        return 0.0
    return min(max(STEADY_SECONDS, 2 * before), CALM_SECONDS)


class Supervised(ABC):
    """A Device whose link is made anew whenever it is lost. Subclasses give one link's life."""

    def __init__(self, name: str, clock: Clock, watch: DeviceWatch) -> None:
        self._name = name
        self._clock = clock
        self._watch = watch
        self._present = False
        self._reported_lost = False
        self._reported_back = False
        self._proof = 0.0  # seconds
        self._failures = 0
        self._up_since = 0.0
        self._tried = asyncio.Event()
        self._standing: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def present(self) -> bool:
        """Whether the link stands now."""
        return self._present

    async def tried(self) -> bool:
        """Wait for the first attempt; whether the device was there."""
        await self._tried.wait()
        return self._present

    async def run(self) -> None:
        """Hold the link until cancelled. Nothing that a device does ends this."""
        try:
            while True:
                self._went_down(await self._why_it_ended())
                await self._clock.sleep_until(
                    self._clock.monotonic() + wait_seconds(self._failures)
                )
        finally:
            self._present = False
            self._stand_no_more()

    @abstractmethod
    async def _session(self) -> None:
        """One life of the link: make it, call `_came_up`, raise DeviceError when it is lost."""

    async def _why_it_ended(self) -> str:
        try:
            await self._session()
        except DeviceError as error:
            return str(error)
        except Exception as error:
            # A mistake of ours must not take the door with it. Only its kind is logged: its text
            # and its traceback may hold what a patron scanned.
            _log.error("device.fault", extra={"device": self._name, "why": type(error).__name__})
            return f"{self._name}: fault in the driver ({type(error).__name__}); please report it"
        return f"{self._name}: ended"

    def _came_up(self) -> None:
        self._present = True
        self._up_since = self._clock.monotonic()
        self._tried.set()
        if self._reported_lost and self._proof:
            self._standing = asyncio.create_task(self._stand(), name=f"{self._name} standing")
        elif self._reported_lost:
            self._tell_back()

    async def _stand(self) -> None:
        await self._clock.sleep_until(self._up_since + self._proof)
        self._tell_back()

    def _stand_no_more(self) -> None:
        standing, self._standing = self._standing, None
        if standing is not None:
            standing.cancel()

    def _tell_back(self) -> None:
        self._reported_lost = False
        self._reported_back = True
        _log.info("device.back", extra={"device": self._name})
        self._watch.back(self._name)

    def _went_down(self, why: str) -> None:
        self._stand_no_more()
        was_there, self._present = self._present, False
        stood = self._clock.monotonic() - self._up_since if was_there else 0.0
        self._failures = 1 if stood >= STEADY_SECONDS else self._failures + 1
        self._tried.set()
        news = not self._reported_lost
        if news:
            self._tell_lost(why, stood)
        else:
            _log.debug("device.lost", extra={"device": self._name, "why": why})
        if news or was_there:
            self._watch.dropped(self._name)

    def _tell_lost(self, why: str, stood: float) -> None:
        self._reported_lost = True
        if self._reported_back:
            self._proof = proof_seconds(self._proof, stood)
        _log.warning("device.lost", extra={"device": self._name, "why": why})
        self._watch.lost(self._name, why)
