"""A decision as something to show: the notice, what its words need, and how long it stands."""

from math import ceil

from kioskd.access.facts import Facts
from kioskd.access.notices import FAULT_CODE, notice_of
from kioskd.access.policy import refused_at_scan
from kioskd.access.rules import restriction
from kioskd.access.schedule import Schedule
from kioskd.domain.credential import RestrictionKind
from kioskd.domain.decision import Decision, Reason
from kioskd.domain.notice import Notice, Shown

_UNTIL = {
    Notice.USE_BAN: RestrictionKind.USE_BAN,
    Notice.SELF_SERVICE_BLOCK: RestrictionKind.SELF_SERVICE_BLOCK,
}

_READING = 8.0  # seconds for two short sentences; the same for every denial, so none stands out
HOLD_SECONDS: dict[Notice, float] = {
    **dict.fromkeys(Notice, _READING),
    Notice.IDLE: 0.0,
    Notice.ENTER_PIN: 0.0,  # as long as the session asks
    Notice.WAIT: 3.0,
    Notice.NOT_A_LIBRARY_CODE: 4.0,
    Notice.GRANTED: 5.0,  # at least; as long as the release
    Notice.CLOSED: 10.0,  # a date to be remembered
    Notice.FAULT: 15.0,  # a telephone number and a code to be written down
}


def shown_for(decision: Decision, facts: Facts, schedule: Schedule) -> Shown:
    """What to show for a decision; a block's date only where the notice tells of the block."""
    notice = notice_of(decision, facts)
    if notice is Notice.FAULT:
        return Shown(notice, code=_fault_code(decision, facts))
    if notice is Notice.TRY_LATER:
        return Shown(notice, minutes=max(1, ceil(facts.locked_for.total_seconds() / 60)))
    if notice is Notice.CLOSED:
        return Shown(notice, opens=schedule.next_opening(facts.now))
    if notice in _UNTIL:
        found = restriction(facts, _UNTIL[notice])
        return Shown(notice, until=found.until if found else None)
    return Shown(notice)


def _fault_code(decision: Decision, facts: Facts) -> str:
    if decision.reason in FAULT_CODE:
        return FAULT_CODE[decision.reason]
    # A deny-listed card at a faulty door sees the fault that everybody sees.
    return FAULT_CODE[refused_at_scan(facts) or Reason.STORE_FAILED]
