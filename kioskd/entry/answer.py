"""From a finished PIN step to what the person is told, and to a released strike when granted.

Deliberately not here: how the decision is made and journalled (verdict), and what a key or a
card does to a session (access_point).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from kioskd.access.facts import Facts, PinOutcome
from kioskd.access.notices import STRIKE_FAULT_CODE
from kioskd.access.pace import Pace, failed_at_pin
from kioskd.access.schedule import Schedule
from kioskd.access.session import Session
from kioskd.access.session_table import SessionSignal
from kioskd.config.model import Door
from kioskd.domain.decision import Reason
from kioskd.domain.notice import Notice, Shown
from kioskd.entry.doorway import Doorway
from kioskd.entry.first_person import FirstPerson
from kioskd.entry.shown import shown_for
from kioskd.entry.strike_keeper import Owner
from kioskd.entry.verdict import Judge, PinStep, Verdict
from kioskd.errors import DeviceError
from kioskd.ports import Checkpoint, Clock

log = logging.getLogger("kioskd.entry")
_OUTCOME = {
    SessionSignal.TIMER: PinOutcome.TIMED_OUT,
    SessionSignal.CLEAR_EMPTY: PinOutcome.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A card whose PIN step has ended. last_key: monotonic; seconds: of release, when granted."""

    number: str = field(repr=False)
    step: PinStep
    last_key: float
    seconds: float


def asked(session: Session, step: PinStep, door: Door) -> Asked:
    """What a finished session asks. step: of a card that is decided without a PIN."""
    seconds = door.long_release_seconds if session.longer_release else door.release_seconds
    if session.ended_by is not SessionSignal.CARD_DECIDES:
        step = _pin_step(session, door)
    return Asked(session.card, step, session.last_key_at, seconds)


def _pin_step(session: Session, door: Door) -> PinStep:
    if session.ended_by in _OUTCOME:
        return PinStep(_OUTCOME[session.ended_by])
    fits = session.ended_by is SessionSignal.ENTER and session.typed >= door.pin_min
    return PinStep(digits=session.pin, acceptable=fits)


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers for one door. deny_after: seconds from the last key to a denial's notice.

    many_unknown: told the door when somebody seems to try out cards.
    """

    judge: Judge
    doorway: Doorway
    pace: Pace
    deny_after: float
    schedule: Callable[[], Schedule]
    many_unknown: Callable[[str], None]
    clock: Clock
    checkpoint: Checkpoint
    first: FirstPerson = field(default_factory=FirstPerson)

    async def answer(self, asked: Asked, owner: Owner) -> Shown:
        """Decide, act, and say what to show now. A strike is released as long as `owner` lives."""
        locks = self.doorway.locks
        verdict = await self.judge.judge(asked.number, asked.step, self.doorway.not_opened)
        self.doorway.decided(verdict.facts.now, verdict.decision)
        if verdict.decision.granted:
            return await self._let_in(verdict, asked.seconds, owner, locks)
        return await self._turn_away(verdict, asked)

    async def _let_in(self, verdict: Verdict, seconds: float, owner: Owner, locks: int) -> Shown:
        if self.clock.monotonic() > verdict.good_until:
            self.doorway.not_opened(verdict.entry, "late")
            return Shown(Notice.FAULT, code=STRIKE_FAULT_CODE)
        try:
            went_in = self._first_person(verdict.facts)
            released = await self.doorway.release(seconds, verdict.entry, owner, locks, went_in)
        except DeviceError:
            self.doorway.not_opened(verdict.entry, "strike")
            return Shown(Notice.FAULT, code=STRIKE_FAULT_CODE)
        except BaseException as error:
            stopping = isinstance(error, asyncio.CancelledError)
            self.doorway.not_opened(verdict.entry, "stopping" if stopping else "fault")
            raise
        if not released:  # nothing is broken: staff locked the door
            return Shown(Notice.DENIED)
        self.checkpoint("after-on-frame")
        log.info("entry.granted", extra={"door": self.doorway.name, "id": verdict.entry})
        return Shown(Notice.GRANTED)

    def _first_person(self, facts: Facts) -> Callable[[], None] | None:
        # The day of an entry counts, so a clock that is not trusted makes nobody the first. Who
        # is let in while a lockdown keeps people out did not come to open the library.
        if not (facts.allow_listed and facts.clock_trusted) or facts.lockdown:
            return None
        return lambda: self.first.came(facts.today, self.clock.monotonic(), "entry")

    async def _turn_away(self, verdict: Verdict, asked: Asked) -> Shown:
        reason, door = verdict.decision.reason, self.doorway.name
        log.info("entry.denied", extra={"door": door, "reason": reason.value})
        self._count(verdict, asked.last_key)
        shown = shown_for(verdict.decision, verdict.facts, self.schedule())
        if asked.step.outcome is None:
            await self.clock.sleep_until(self._answer_at(asked.last_key))
        return shown

    def _count(self, verdict: Verdict, at: float) -> None:
        if failed_at_pin(verdict.decision, verdict.facts):
            self.pace.failed(at)
        if verdict.decision.reason is Reason.UNKNOWN_CARD and self.pace.unknown_card(at):
            self.many_unknown(self.doorway.name)

    def _answer_at(self, last_key: float) -> float:
        # Always on a beat after the last key, so that no reason is told by its time.
        beats = ceil((self.clock.monotonic() - last_key) / self.deny_after)
        return last_key + self.deny_after * max(1, beats)
