"""Which tasks go on, and how long the loop makes them wait: what a watchdog is fed by.

Deliberately not here: what is done about a task that is late (kioskd.daemon.watchdog).
"""

from collections.abc import Callable
from typing import Final

from kioskd.ports import Tick

LATE_SECONDS: Final = 3.0  # a door's task ticks each second; two may be missed
LAG_SECONDS: Final = 60.0  # how long a bad moment of the loop is told

Monotonic = Callable[[], float]


class Ticks:
    """When each task ticked last. monotonic: seconds."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._at: dict[str, float] = {}

    def ticker(self, name: str) -> Tick:
        """What the task of that name calls. It counts from now, before its first tick too.

        A task that begins anew under its name has not ticked by that: one that fails at once,
        again and again, is late all the same.
        """
        at = self._at
        at.setdefault(name, self._monotonic())

        def tick() -> None:
            if name in at:  # one that was forgotten stays forgotten
                at[name] = self._monotonic()

        return tick

    def forget(self, name: str) -> None:
        """The task is gone for good: it is late no more."""
        self._at.pop(name, None)

    def late(self, limit_seconds: float = LATE_SECONDS) -> tuple[str, ...]:
        """The tasks that have not ticked for longer than that, by name."""
        now = self._monotonic()
        return tuple(sorted(name for name, at in self._at.items() if now - at > limit_seconds))


class LoopLag:
    """How much later than asked for the loop woke somebody up, at worst, of late."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._begun = monotonic()
        self._now = self._before = 0.0

    def woke(self, late_seconds: float) -> None:
        """Somebody woke up so much later than it wanted."""
        self._turn()
        self._now = max(self._now, late_seconds)

    def worst(self) -> float:
        """Seconds: the worst of the last minute, or of the last two."""
        self._turn()
        return max(self._now, self._before)

    def _turn(self) -> None:
        passed = self._monotonic() - self._begun
        if passed < LAG_SECONDS:
            return
        self._before = self._now if passed < 2 * LAG_SECONDS else 0.0
        self._now = 0.0
        self._begun = self._monotonic()
