"""clock-accept: an operator vouches for the wall clock as it is now, with a reason.

    {"reason"} -> {"accepted", "at", "note"}

The row that says so is written as trusted and becomes the newest trusted one, so that the clock
is believed after a restart too; a row of 2037 before it counts no more. For a device without a
battery clock it holds until the next boot: then nobody knows what the clock did meanwhile.

Deliberately not here: setting the clock (timedatectl does), and deleting by age: a clock that was
found far ahead is watched as before, for a mistake here must not delete the journal.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from kioskd.control.acts import Acts
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Run, only, text
from kioskd.domain.moment import Moment, stamp
from kioskd.domain.record import Kind
from kioskd.errors import InputError, StoreError
from kioskd.ports import AcceptableClock, Clock, ClockMark

EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)  # no device with this version is older


class Accepting:
    """The verb over the machine's clock."""

    def __init__(
        self, acts: Acts, clock: Clock, zone: ZoneInfo, trust: AcceptableClock, mark: ClockMark
    ) -> None:
        self._acts = acts
        self._clock = clock
        self._zone = zone
        self._trust = trust
        self._mark = mark

    def verbs(self) -> Mapping[str, Run]:
        """By name."""
        return {"clock-accept": self.accept}

    async def accept(self, person: Person, args: Arguments) -> Answer:
        """Believe the clock, if nobody else vouches for it."""
        only(args, "reason")
        reason, now = text(args, "reason"), self._clock.moment()
        judged = self._trust.judge(now)
        if judged.trusted:
            who = "a time server confirms it" if self._trust.synchronised else "it is trusted"
            return self._told(now, accepted=False, note=f"nothing to do: {who}")
        if now.wall < EARLIEST:
            raise InputError(
                f"the clock says {now.wall:%Y-%m-%d}, which is no time to believe; set it first "
                "(timedatectl set-time)"
            )
        detail = {"reason": reason, "why": judged.why}
        await self._acts.write(person, "clock-accept", detail=detail)
        return await self._believe(person, reason)

    async def _believe(self, person: Person, reason: str) -> Answer:
        now = self._clock.moment()
        detail = {"reason": reason, "accepted": stamp(now.wall)}
        kind = Kind.CLOCK_CORRECTED
        await self._acts.write(person, "clock-accept", detail=detail, kind=kind, trusted=True)
        self._trust.accept(now)
        try:
            await self._mark.put_clock_mark(now)
        except StoreError as error:
            return self._told(now, accepted=True, note=f"may not outlive a restart: {error}")
        return self._told(now, accepted=True, note="")

    def _told(self, now: Moment, *, accepted: bool, note: str) -> Answer:
        at = now.wall.astimezone(self._zone).isoformat(timespec="seconds")
        return {"accepted": accepted, "at": at, "note": note}
