"""How long a door has stood open: a warning first, then it counts as held."""

from dataclasses import dataclass
from enum import Enum, auto


class Held(Enum):
    """What has become due."""

    WARN = auto()
    OVER = auto()


@dataclass(slots=True)
class HeldTimer:
    """Two times after a start, in seconds. Moments are monotonic."""

    warn_after: float
    over_after: float
    _due: list[tuple[float, Held]] | None = None

    @property
    def next(self) -> float:
        """When something is due; infinity while nothing is."""
        return self._due[0][0] if self._due else float("inf")

    def start(self, now: float) -> None:
        """The door opened."""
        self._due = [(now + self.warn_after, Held.WARN), (now + self.over_after, Held.OVER)]

    def stop(self) -> None:
        """The door closed, or nobody can tell."""
        self._due = None

    def take(self, now: float) -> Held | None:
        """What became due, one at a time, the warning first."""
        if self._due and self._due[0][0] <= now:
            return self._due.pop(0)[1]
        return None
