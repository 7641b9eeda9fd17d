"""Whether somebody of the staff is in today: what a scheduled unlock waits for.

An allow-listed entry at any door of the site counts, and so does the staff button of a door.

Deliberately not here: memory beyond the process. After a restart nobody is known to be in, so the
doors stay on card and PIN until staff come in, or press the button, once more: rather once too
often than a door that opens by itself to an empty house.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

How = Literal["button", "entry"]


@dataclass(slots=True)
class FirstPerson:
    """When staff were last seen to come in, for one site. Times are monotonic seconds.

    how: what told of it last; None before anything did.
    """

    how: How | None = None
    _day: date | None = None
    _at: float = float("-inf")

    def came(self, day: date, at: float, how: How) -> None:
        """Staff are in. day: the site's local day, by a clock that is trusted."""
        self._day, self._at, self.how = day, at, how

    def is_in(self, today: date, since: float) -> bool:
        """Whether they came today, and not before `since`."""
        return self._day == today and self._at >= since
