"""A reader's pace: never locked, only slowed when many unknown cards come."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """`unknown` cards within `window` seconds slow the reader to one read per `gap` seconds."""

    unknown: int = 10
    window: float = 60.0
    gap: float = 3.0


@dataclass(slots=True)
class Pace:
    """Counts unknown cards of one reader. Times are monotonic seconds."""

    limits: PaceLimits = PaceLimits()
    _unknown: deque[float] = field(default_factory=deque)
    _last_read: float = float("-inf")

    def admits(self, at: float) -> bool:
        """Whether a scan at this time is taken; one that is not leaves no trace."""
        if self.slowed(at) and at - self._last_read < self.limits.gap:
            return False
        self._last_read = at
        return True

    def unknown_card(self, at: float) -> bool:
        """Count one; whether the reader became slow with it."""
        before = self.slowed(at)
        self._unknown.append(at)
        return self.slowed(at) and not before

    def slowed(self, at: float) -> bool:
        """Whether the reader is slow now."""
        while self._unknown and at - self._unknown[0] >= self.limits.window:
            self._unknown.popleft()
        return len(self._unknown) >= self.limits.unknown
