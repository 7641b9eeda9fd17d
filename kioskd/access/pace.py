"""A reader's pace: never locked, only slowed when many sessions fail at the PIN step.

What slows it tells nothing of a card: an unknown card, a wrong PIN, a PIN that is not set, one
that was given up and one that never came all count alike, so that nobody learns from a slow
reader whether a card is known. Which of them were unknown cards is counted for an alert, which
nobody at the door sees.
"""

from collections import deque
from dataclasses import dataclass, field

from kioskd.access.facts import Facts, PinOutcome
from kioskd.domain.decision import Decision, Reason

_FAILED = frozenset(
    {
        PinOutcome.WRONG,
        PinOutcome.NOT_SET,
        PinOutcome.UNVERIFIABLE,
        PinOutcome.TIMED_OUT,
        PinOutcome.CANCELLED,
    }
)


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """`failed` sessions within `window` seconds slow the reader to one read per `gap` seconds.

    An entry takes six seconds at least, so ten in a minute are not an evening's mistakes.
    """

    failed: int = 10
    window: float = 60.0
    gap: float = 3.0


def failed_at_pin(decision: Decision, facts: Facts) -> bool:
    """Whether a session ended without the right PIN, whosever card it was."""
    if facts.pin is PinOutcome.NOT_REQUIRED:
        return decision.reason is Reason.UNKNOWN_CARD
    return facts.pin in _FAILED


@dataclass(slots=True)
class Pace:
    """Counts failed sessions of one reader. Times are monotonic seconds."""

    limits: PaceLimits = PaceLimits()
    _failed: deque[float] = field(default_factory=deque)
    _unknown: deque[float] = field(default_factory=deque)
    _last_read: float = float("-inf")

    def admits(self, at: float) -> bool:
        """Whether a scan at this time is taken; one that is not leaves no trace."""
        if self.slowed(at) and at - self._last_read < self.limits.gap:
            return False
        self._last_read = at
        return True

    def failed(self, at: float) -> None:
        """Count a session that failed at the PIN step."""
        self._count(self._failed, at)

    def unknown_card(self, at: float) -> bool:
        """Count one for the alert; whether they became many with it."""
        before = self._many(self._unknown, at)
        self._count(self._unknown, at)
        return self._many(self._unknown, at) and not before

    def slowed(self, at: float) -> bool:
        """Whether the reader is slow now."""
        return self._many(self._failed, at)

    def _count(self, times: deque[float], at: float) -> None:
        times.append(at)
        if len(times) > self.limits.failed:
            times.popleft()

    def _many(self, times: deque[float], at: float) -> bool:
        while times and at - times[0] >= self.limits.window:
            times.popleft()
        return len(times) >= self.limits.failed
