"""A decision as something to show: the notice, and what its words need."""

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
