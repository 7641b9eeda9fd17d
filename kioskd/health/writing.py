"""Whether rows of the journal come to the medium: a disk that refuses or stalls them is noticed.

Deliberately not here: what happens to a row that could not be written (the door stays secured).
"""

from collections.abc import Callable
from typing import Final

from kioskd.domain.record import Record

STALLED_SECONDS: Final = 10.0  # a slow card takes two; nobody is let in meanwhile


class Writing:
    """Told of each row when it happened and when it was written. monotonic: seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._waits_since: float | None = None

    def happened(self, record: Record) -> None:
        """A row is about to be written."""
        if self._waits_since is None:
            self._waits_since = self._monotonic()

    def written(self, record: Record) -> None:
        """A row is on the medium, so the journal takes rows."""
        self._waits_since = None

    def failing(self) -> bool:
        """Whether rows have waited for too long, or were refused since the last one written."""
        since = self._waits_since
        return since is not None and self._monotonic() - since >= STALLED_SECONDS
