"""Decide an entry. Pure and total: the same facts give the same decision.

`decide` and `evaluate` read the same table, so what `explain` says is what the door does.
"""

from dataclasses import dataclass

from kioskd.access.facts import Facts
from kioskd.access.rules import AT_SCAN, RULES, Outcome
from kioskd.domain.decision import Decision, Reason

_GRANTED = Decision(Reason.OK)
_DENIED = {rule.reason: Decision(rule.reason) for rule in RULES}
_SCAN_RULES = tuple(rule for rule in RULES if rule.reason in AT_SCAN)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule and what came of it; `passed` is None where it does not apply."""

    reason: Reason
    passed: Outcome


def decide(facts: Facts) -> Decision:
    """The first failing rule decides; with none, the door opens."""
    for rule in RULES:
        if rule.check(facts) is False:
            return _DENIED[rule.reason]
    return _GRANTED


def evaluate(facts: Facts) -> tuple[RuleResult, ...]:
    """Every rule in order, for staff who ask why."""
    return tuple(RuleResult(rule.reason, rule.check(facts)) for rule in RULES)


def refused_at_scan(facts: Facts) -> Reason | None:
    """What ends the session before a PIN is asked for, whoever holds the card.

    A deny-listed card is no exception: it is asked for its PIN like any other.
    """
    for rule in _SCAN_RULES:
        if rule.check(facts) is False:
            return rule.reason
    # Without keys no card can be looked up, so no PIN could be verified.
    return None if facts.keys_usable else Reason.CACHE_UNREADABLE
