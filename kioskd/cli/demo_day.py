"""The whole day in its order, and which reasons it must have shown when it is over.

A reader is slowed after ten failed PINs in a minute, so those are spread over the day: each start
of the door, and a reload that changes it, begins to count anew.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from kioskd.cli.demo_moves_ils import ILS
from kioskd.cli.demo_script import PATRONS, START
from kioskd.cli.demo_script_door import DOOR, END, FILES
from kioskd.cli.demo_script_staff import STAFF
from kioskd.cli.demo_seen import Seen
from kioskd.domain.decision import Reason

DAY: Final = (*START, *ILS, *PATRONS, *DOOR, *STAFF, *FILES, *END)

IMPOSSIBLE: Final[Mapping[Reason, str]] = {
    Reason.NOT_KNOWN_OFFLINE: "no register verifies PINs online in this version",
    Reason.FULL: "nothing counts who is inside in this version",
}


def reasons_of(day: Iterable[Seen]) -> Counter[Reason]:
    """How often each reason decided, journalled or not."""
    told = (one.split()[1] for seen in day for one in (*seen.decided, *seen.unwritten))
    return Counter(map(Reason, told))


def unseen(reasons: Mapping[Reason, int]) -> list[Reason]:
    """Reasons that a whole day should have shown and did not."""
    return [reason for reason in Reason if reason not in IMPOSSIBLE and not reasons.get(reason)]
