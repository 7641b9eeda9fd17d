"""From a finished PIN step to a committed decision: charge, verify, decide, journal.

The attempt is charged before its outcome shows anywhere, the decision is committed before the
strike moves, and both have a time after which the door stays secured.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from kioskd.access.facts import DoorPolicy, Facts, PinOutcome
from kioskd.access.policy import decide, refused_at_scan
from kioskd.domain.decision import DecidedBy, Decision, Reason
from kioskd.domain.hours import HoursState
from kioskd.domain.record import Kind, Owed, Record
from kioskd.entry.dossier import Dossier, Subject, with_pin
from kioskd.entry.in_time import GRANT_SECONDS, in_time
from kioskd.entry.lockouts import Lockouts
from kioskd.errors import StoreError, VaultError
from kioskd.ports import CardActivity, Checkpoint, Clock, Journal, PinVerifier

log = logging.getLogger("kioskd.entry")

Lapsed = Callable[[str, str], None]
"""Told the id of a granted row that was written and that nobody will act on, and why."""


@dataclass(frozen=True, slots=True)
class PinStep:
    """How the PIN step ended: an outcome, or digits still to be verified."""

    outcome: PinOutcome | None = None
    digits: str = ""
    acceptable: bool = True  # whether the digits can be a PIN at this door at all

    def __repr__(self) -> str:
        return f"PinStep({self.outcome})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with its facts; `good_until` is when a grant lapses (monotonic).

    entry: the id of its row, empty with STORE_FAILED.
    """

    decision: Decision
    facts: Facts
    entry: str
    good_until: float


class Judge:
    """Decides entries of one door and journals them."""

    def __init__(
        self,
        door: str,
        policy: DoorPolicy,
        pin_required: Callable[[HoursState], bool],
        dossier: Dossier,
        lockouts: Lockouts,
        verifier: PinVerifier,
        journal: Journal,
        clock: Clock,
        checkpoint: Checkpoint,
        activity: CardActivity | None = None,
    ) -> None:
        self._door = door
        self._policy = policy
        self._pin_required = pin_required
        self._dossier = dossier
        self._lockouts = lockouts
        self._verifier = verifier
        self._journal = journal
        self._clock = clock
        self._checkpoint = checkpoint
        self._activity = activity

    def look_up(self, number: str) -> Subject:
        """The card's facts as they are now."""
        return self._dossier.look_up(number, self._policy)

    async def judge(self, number: str, step: PinStep, lapsed: Lapsed) -> Verdict:
        """Decide on the facts of this moment. No KioskError: what fails denies.

        A grant whose row gets written after the verdict was given up is told to `lapsed`.
        """
        subject = self.look_up(number)
        try:
            facts = await self._with_pin(subject, step)
        except StoreError as error:
            return self._store_failed(with_pin(subject, PinOutcome.WRONG), error)
        except VaultError as error:
            log.error("pin.not_checked", extra={"door": self._door, "why": str(error)})  # noqa: TRY400
            facts = replace(subject.facts, keys_usable=False)
        return await self._commit(subject, facts, decide(facts), lapsed)

    async def _with_pin(self, subject: Subject, step: PinStep) -> Facts:
        if step.outcome is PinOutcome.NOT_REQUIRED and self._pin_required(subject.facts.hours):
            # The hours changed after the scan: the PIN that is asked for now did not come.
            return with_pin(subject, PinOutcome.TIMED_OUT)
        if step.outcome is not None:
            return with_pin(subject, step.outcome)
        if refused_at_scan(subject.facts) is not None or subject.keys is None:
            # The door closed while the PIN was typed: nothing is verified, nothing is charged.
            return with_pin(subject, PinOutcome.NOT_ASKED)
        right = await self._charged_and_verified(subject, step)
        credential = subject.facts.credential
        if credential is not None and credential.verifier is None:
            return with_pin(subject, PinOutcome.NOT_SET)
        return with_pin(subject, PinOutcome.RIGHT if right else PinOutcome.WRONG)

    async def _charged_and_verified(self, subject: Subject, step: PinStep) -> bool:
        assert subject.keys is not None  # noqa: S101
        credential = subject.facts.credential
        verifier = credential.verifier if credential and step.acceptable else None
        charged = self._lockouts.charge(subject.keys.state, self._clock.moment())
        charge = asyncio.ensure_future(self._journal.charge(subject.keys.state[0], charged))
        charge.add_done_callback(self._charged)
        # The two run side by side; neither shows before the other is done.
        right = await self._verifier.check(verifier, step.digits)
        self._checkpoint("verified")
        await in_time(charge, self._clock.monotonic() + GRANT_SECONDS, self._clock)
        return right

    def _charged(self, task: "asyncio.Future[None]") -> None:
        if not task.cancelled() and task.exception() is None:
            self._checkpoint("charged")

    async def _commit(
        self, subject: Subject, facts: Facts, decision: Decision, lapsed: Lapsed
    ) -> Verdict:
        good_until = self._clock.monotonic() + GRANT_SECONDS
        record = self._record(subject, facts, decision)
        right = facts.pin is PinOutcome.RIGHT and subject.keys is not None
        cleared = subject.keys.state if right and subject.keys else ()
        self._checkpoint("before-commit")
        row = self._journal.append(record, cleared)
        append = asyncio.ensure_future(row)
        try:
            await in_time(append, good_until, self._clock)
        except StoreError as error:
            _tell_when_written(append, decision, lambda: lapsed(record.id, "late"))
            return self._store_failed(facts, error)
        except asyncio.CancelledError:
            _tell_when_written(append, decision, lambda: lapsed(record.id, "stopping"))
            raise
        self._lockouts.clear(cleared)
        self._checkpoint("after-commit")
        return Verdict(decision, facts, record.id, good_until)

    def _store_failed(self, facts: Facts, error: StoreError) -> Verdict:
        log.error("journal.failed", extra={"door": self._door, "why": str(error)})
        return Verdict(Decision(Reason.STORE_FAILED), facts, "", 0.0)

    def _record(self, subject: Subject, facts: Facts, decision: Decision) -> Record:
        detail: dict[str, object] = {}
        if facts.cache_age is not None:
            detail["cache_age_s"] = int(facts.cache_age.total_seconds())
        if not facts.clock_trusted:
            detail["clock"] = "untrusted"
        listed = decision.reason is Reason.DENY_LISTED or (decision.granted and facts.allow_listed)
        return Record(
            id=self._clock.new_id(),
            at=facts.now,
            kind=Kind.ENTRY_DECIDED,
            door=self._door,
            decision=decision,
            decided_by=DecidedBy.LIST if listed else DecidedBy.CACHE,
            detail=detail,
            card=subject.keys.state[0] if subject.keys else None,
            known=facts.credential is not None or facts.allow_listed or facts.deny_listed,
            trusted=facts.clock_trusted,
            activity=self._owed(facts) if decision.granted else None,
        )

    def _owed(self, facts: Facts) -> Owed | None:
        """The day's activity of the card. A day that no clock vouches for is told to nobody."""
        ref = facts.credential.ref if facts.credential else None
        if self._activity is None or ref is None or not facts.clock_trusted:
            return None
        return self._activity.owed(ref, facts.today)


def _tell_when_written(
    append: "asyncio.Future[None]", decision: Decision, tell: Callable[[], None]
) -> None:
    """Tell of a granted row as soon as it is there; never of one that the disk refused."""

    def ended(work: "asyncio.Future[None]") -> None:
        written = not work.cancelled() and work.exception() is None
        if written and decision.granted:
            tell()

    append.add_done_callback(ended)
