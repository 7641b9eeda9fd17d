"""When to try again, and when something counts as down. Pure: chance and time are given.

    wait = backoff.wait(failures, chance, retry_after)
    recent = recent.after(ok=False)
    recent.down

Half of a wait is certain and half is chance, so that five thousand devices which lost one hub at
the same moment do not come back at the same moment.

Deliberately not here: sleeping, and what a failure is.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

MAX_RETRY_AFTER: Final = 900.0  # seconds; a server's word, but a block must arrive some time
_WINDOW: Final = 5
_DOWN: Final = 2  # failures among the last five: down
_UP: Final = 2  # in a row: up again


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits in seconds, from `first` to `most`."""

    first: float = 2.0
    most: float = 60.0

    def wait(self, failures: int, chance: float, retry_after: float | None = None) -> float:
        """Seconds after that many failures in a row; never less than the other side asked for.

        chance: in [0, 1). retry_after: what the server said; bounded by MAX_RETRY_AFTER.
        """
        doublings = min(max(failures, 1) - 1, 30)
        full = min(self.first * 2.0**doublings, self.most)
        waited = full / 2 + chance * full / 2
        if retry_after is None:
            return waited
        return max(waited, bounded(retry_after) + chance * self.first)


def bounded(retry_after: float) -> float:
    """A server's Retry-After within reason."""
    return min(max(retry_after, 0.0), MAX_RETRY_AFTER)


def retry_after(text: str | None) -> float | None:
    """Seconds of a Retry-After header; None where there is none or it is not a number.

    Its other form is a date of a clock that may not be ours: the usual back-off is as good.
    """
    digits = (text or "").strip()
    if not digits.isascii() or not digits.isdigit():
        return None
    return MAX_RETRY_AFTER if len(digits) > 9 else bounded(float(digits))


@dataclass(frozen=True, slots=True)
class Recent:
    """How the last calls went: down after two failures of five, up after two in a row that went."""

    oks: tuple[bool, ...] = ()
    down: bool = False

    def after(self, *, ok: bool) -> Self:
        """As it stands with one more call."""
        oks = (*self.oks, ok)[-_WINDOW:]
        if self.down and len(oks) >= _UP and all(oks[-_UP:]):
            return replace(self, oks=(), down=False)
        return replace(self, oks=oks, down=self.down or oks.count(False) >= _DOWN)
