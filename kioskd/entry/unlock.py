"""A scheduled unlock: free entry while staff are there, once the first of them is in.

The strike is held released for a few seconds at a time, again and again, never beyond the staffed
hours; whatever stops this task, or the loop, lets the hold run out. Whatever ended an unlock, the
next one needs a first person anew, and so does one after a lockdown or a `lock`.

Deliberately not here: people who come with a card; the door takes them as at any other time.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from kioskd.access.facts import Facts
from kioskd.access.schedule import Schedule
from kioskd.domain.hours import HoursState
from kioskd.domain.record import Kind, Record
from kioskd.entry.doorway import Doorway
from kioskd.entry.first_person import FirstPerson
from kioskd.entry.in_time import GRANT_SECONDS, in_time
from kioskd.entry.strike_keeper import Owner
from kioskd.errors import DeviceError, StoreError
from kioskd.ports import Clock, Journal

log = logging.getLogger("kioskd.entry")
HOLD_SECONDS = 3.0  # a beat is half a second; after this the strike is secured without us
_AGAIN_SECONDS = 30.0  # after a journal that took no row


class ScheduledUnlock:
    """The unlock of one door whose staffed hours are `unlocked`.

    place: the facts of this moment without a card. first: shared by the doors of the site.
    """

    def __init__(
        self,
        doorway: Doorway,
        place: Callable[[], Facts],
        schedule: Callable[[], Schedule],
        first: FirstPerson,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._doorway = doorway
        self._place = place
        self._schedule = schedule
        self._first = first
        self._journal = journal
        self._clock = clock
        self._running = False
        # Made anew (a start, a changed configuration), it knows of nobody who is in.
        self._anew_since = clock.monotonic()
        self._not_before = float("-inf")
        self._awaits = False

    @property
    def awaits_first_person(self) -> bool:
        """Whether the door would be unlocked now if staff were in."""
        return self._awaits

    def forget(self) -> None:
        """The next unlock needs a first person who comes from now on."""
        self._anew_since = self._clock.monotonic()

    def button(self) -> None:
        """The staff button was pressed; it counts in staffed hours without a lockdown."""
        facts = self._place()
        staffed = facts.hours is HoursState.STAFFED
        counts = staffed and facts.clock_trusted and not facts.lockdown
        log.info("staff_button", extra={"door": self._doorway.name, "counts": counts})
        if counts:
            self._first.came(facts.today, self._clock.monotonic(), "button")

    async def step(self, owner: Owner) -> None:
        """Begin, go on with or end the unlock, as things are now. Takes 2 s at most."""
        facts = self._place()
        why = self._why_not(facts)
        if facts.lockdown:
            self.forget()
        if self._running:
            self._go_on(facts, why)
        self._awaits = False
        if self._running or why or self._clock.monotonic() < self._not_before:
            return
        if self._first.is_in(facts.today, self._anew_since):
            await self._begin(facts, owner)
        else:
            self._awaits = True

    def _why_not(self, facts: Facts) -> str:
        """Why the door may not stand unlocked, as its row tells; empty when it may."""
        if facts.lockdown:
            return "lockdown"
        if not facts.clock_trusted:
            return "clock"
        if facts.hours is not HoursState.STAFFED:
            return "schedule"
        return "" if self._doorway.strike_there() else "fault"

    def _go_on(self, facts: Facts, why: str) -> None:
        keeper = self._doorway.keeper
        if not why and keeper.hold_again(*self._hold(facts)):
            return
        log.info("door.unlock_over", extra={"door": self._doorway.name, "why": why or "ended"})
        self._doorway.end_unlock(why)
        self._running = False
        self.forget()

    def _hold(self, facts: Facts) -> tuple[float, str]:
        """For how long to hold, and why it ends then: the staffed hours end to the moment."""
        change = self._schedule().next_change(facts.now)
        left = (change - facts.now).total_seconds() if change else HOLD_SECONDS
        return (left, "schedule") if left <= HOLD_SECONDS else (HOLD_SECONDS, "not held")

    async def _begin(self, facts: Facts, owner: Owner) -> None:
        good_until, locks = self._clock.monotonic() + GRANT_SECONDS, self._doorway.locks
        record = self._record(facts, {"why": "schedule", "first": self._first.how})
        row = asyncio.ensure_future(self._journal.append(record))
        try:
            await in_time(row, good_until, self._clock)
        except StoreError as error:
            self._not_before = self._clock.monotonic() + _AGAIN_SECONDS
            log.error("door.not_unlocked", extra={"door": record.door, "why": str(error)})  # noqa: TRY400
            _when_written(row, lambda: self._doorway.not_opened(record.id, "late"))
            return
        except asyncio.CancelledError:
            _when_written(row, lambda: self._doorway.not_opened(record.id, "stopping"))
            raise
        if self._clock.monotonic() > good_until:
            self._doorway.not_opened(record.id, "late")
        else:
            await self._act_on(record, owner, locks)

    async def _act_on(self, record: Record, owner: Owner, locks: int) -> None:
        # What was true before the row was written need not be true after it.
        facts = self._place()
        if why := self._why_not(facts):
            self._doorway.not_opened(record.id, why)
            return
        self._running = True
        try:
            seconds, ends = self._hold(facts)
            self._running = await self._doorway.unlock(seconds, record.id, owner, locks, ends)
        except DeviceError as error:
            self._doorway.not_opened(record.id, "strike")
            log.error("door.not_unlocked", extra={"door": record.door, "why": str(error)})  # noqa: TRY400
        else:
            if self._running:
                log.info("door.unlocked", extra={"door": record.door, "id": record.id})

    def _record(self, facts: Facts, detail: Mapping[str, object]) -> Record:
        return Record(
            self._clock.new_id(),
            facts.now,
            Kind.STRIKE_RELEASED,
            door=self._doorway.name,
            detail=detail,
            trusted=facts.clock_trusted,
        )


def _when_written(row: "asyncio.Future[None]", tell: Callable[[], None]) -> None:
    """Tell once a row is there after all that nobody will act on."""

    def ended(work: "asyncio.Future[None]") -> None:
        if not work.cancelled() and work.exception() is None:
            tell()

    row.add_done_callback(ended)
