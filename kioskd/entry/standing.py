"""How a door stands while nobody uses it: what its screens show to whoever comes.

Facts without a card, read twice a second. A closed library is told as closed, whatever else is
the matter: nobody is to ring the help phone at night for a door that would not open anyway.
"""

from collections.abc import Callable

from kioskd.access.facts import Facts
from kioskd.access.notices import FAULT_CODE, STRIKE_FAULT_CODE
from kioskd.access.schedule import Schedule
from kioskd.domain.decision import Reason
from kioskd.domain.hours import HoursState
from kioskd.domain.notice import Notice, Shown

KEYPAD_FAULT_CODE = "42"  # a PIN is needed and its keypad is not there


class Standing:
    """The standing notice of one door, and the fault behind it.

    strike_there, keypad_there: whether these are connected; a door without a keypad has it there.
    writes: whether the journal takes rows; nobody is let in without.
    pin_required: whether a PIN is asked for in these hours.
    """

    def __init__(
        self,
        place: Callable[[], Facts],
        schedule: Callable[[], Schedule],
        strike_there: Callable[[], bool],
        keypad_there: Callable[[], bool],
        pin_required: Callable[[HoursState], bool],
        writes: Callable[[], bool] = lambda: True,
    ) -> None:
        self._writes = writes
        self._place = place
        self._schedule = schedule
        self._strike_there = strike_there
        self._keypad_there = keypad_there
        self._pin_required = pin_required

    def shown(self) -> Shown:
        """What to show while nobody is served."""
        facts = self._place()
        if facts.lockdown:
            return Shown(Notice.LOCKDOWN, standing=True)
        code = self._code(facts)
        told_anyway = code == FAULT_CODE[Reason.CLOCK_UNTRUSTED]
        if facts.hours is HoursState.CLOSED and not told_anyway:
            opens = self._schedule().next_opening(facts.now)
            return Shown(Notice.CLOSED, opens=opens, standing=True)
        return Shown(Notice.FAULT if code else Notice.IDLE, code=code, standing=True)

    def fault(self) -> str:
        """The code of what keeps the door from working, at any hour; empty when it works."""
        return self._code(self._place())

    def _code(self, facts: Facts) -> str:
        if not (facts.clock_trusted or facts.door.allow_when_clock_untrusted):
            return FAULT_CODE[Reason.CLOCK_UNTRUSTED]
        if not self._writes():
            return FAULT_CODE[Reason.STORE_FAILED]
        if not self._strike_there():
            return STRIKE_FAULT_CODE
        if not facts.cache_readable:
            return FAULT_CODE[Reason.CACHE_UNREADABLE]
        asks = self._pin_required(facts.hours)
        return KEYPAD_FAULT_CODE if asks and not self._keypad_there() else ""
