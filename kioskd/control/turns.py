"""Turns, so that no crowd at the socket takes the loop or the journal from the doors.

Turns lets a few requests at a time to work, first come first served; while others wait, each is
followed by a rest, which leaves most of the loop to the doors. Looking counts looks at persons'
rows, each of which is a row itself.
Deliberately not here: how many may connect (room), and which verbs take a turn (connection).
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from kioskd import wire
from kioskd.control.people import Person
from kioskd.control.verbs import Refusal

AT_ONCE: Final = 8  # requests; each takes the loop for a fraction of a millisecond
AT_WORK: Final = 4  # verbs that take longer, in threads as a rule; doors use those threads too
SHARE: Final = 0.2  # of the loop, for as long as somebody waits
MOST_REST: Final = 0.05  # seconds; a request that waited for a disk took little of the loop
LOOKS: Final = 30  # in a minute, by one account
_MINUTE: Final = 60.0
_MOST_ACCOUNTS: Final = 256  # remembered; more than can be connected

Later = Callable[[float, Callable[[], None]], object]


class Turns:
    """So many requests at work at once.

    share: of the loop that they take all together while others wait. monotonic: seconds. later:
    calls something back after some seconds; the loop's by default.
    """

    def __init__(
        self,
        at_once: int = AT_ONCE,
        share: float = SHARE,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        later: Later | None = None,
    ) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._rest = at_once / share - 1  # for each second of work
        self._monotonic = monotonic
        self._later = later
        self._waiting = 0

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it for as long as the block lasts."""
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        began = self._monotonic()
        try:
            yield
        finally:
            self._end(self._monotonic() - began)

    def _end(self, took: float) -> None:
        # Whoever had the turn goes on at once; the next has it in the loop's next round at the
        # earliest, for hundreds of requests may have come in one.
        rest = min(took * self._rest, MOST_REST) if self._waiting else 0.0
        later = self._later or asyncio.get_running_loop().call_later
        later(rest, self._free.release)


class Looking:
    """How often each account looks at persons' rows. monotonic: seconds."""

    def __init__(self, most: int = LOOKS, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._monotonic = monotonic
        self._looks: dict[int, deque[float]] = {}

    def count(self, person: Person) -> None:
        """One more look. Refusal: there were enough of late."""
        if person.account is None:  # may read the journal's file as well
            return
        now = self._monotonic()
        looks = self._of(person.account, now)
        if len(looks) >= self._most:
            wait = int(looks[0] + _MINUTE - now) + 1
            raise Refusal(
                wire.BUSY,
                f"{person.name} looked at persons' rows {self._most} times within a minute, and "
                f"each look is journalled; go on in {wait} s",
            )
        looks.append(now)

    def _of(self, account: int, now: float) -> deque[float]:
        if account not in self._looks and len(self._looks) >= _MOST_ACCOUNTS:
            kept = {a: looks for a, looks in self._looks.items() if looks[-1] + _MINUTE > now}
            self._looks = kept
        looks = self._looks.setdefault(account, deque())
        while looks and looks[0] + _MINUTE <= now:
            looks.popleft()
        return looks
