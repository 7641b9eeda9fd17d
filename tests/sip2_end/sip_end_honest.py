"""What counts as honest.

Whatever happens between them, the outcome is the right one or says that it is none: UNAVAILABLE
(nothing was done), IN_DOUBT (nobody knows), or a RegisterError. And nothing is done twice.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from kioskd.domain.ils import PatronSummary, Refusal
from kioskd.errors import RegisterError
from tests.sip2_end.sip_end_world import World

Done = tuple[str, str, str]  # what, card, item; as Library.done has it
Outcome = object  # what a port returned, or the RegisterError that it raised


@dataclass(frozen=True, slots=True)
class Step:
    """code: the command that matters. right: whether this outcome is the one without faults.

    done: what the library has done by then, once each.
    """

    name: str
    code: str
    ask: Callable[[World], Awaitable[Outcome]]
    right: Callable[[Outcome], bool]
    done: tuple[Done, ...] = ()


async def outcome_of(step: Step, made: World) -> Outcome:
    """What comes of it; no other exception than a RegisterError is taken."""
    try:
        return await step.ask(made)
    except RegisterError as fault:
        return fault


def complaint(step: Step, outcome: Outcome, done: Sequence[Done]) -> str:
    """What is wrong with an outcome and with what was done by it; empty for nothing."""
    twice = Counter(done) - Counter(step.done)
    if twice:
        return f"{step.name}: done that should not be: {dict(twice)}"
    if isinstance(outcome, RegisterError):
        # An exception says nothing of what was done, so only what does nothing may raise one.
        return f"{step.name}: raised {outcome}" if step.done else ""
    return _dishonest(step, outcome, tuple(done))


def _dishonest(step: Step, outcome: Outcome, done: tuple[Done, ...]) -> str:
    refused = getattr(outcome, "refused", None)
    if refused is Refusal.IN_DOUBT:
        return ""
    if refused is not None and done:
        return f"{step.name}: {refused} and done all the same"
    if refused is None and Counter(done) != Counter(step.done):
        return f"{step.name}: said to be done, and is not: {outcome}"
    if refused is Refusal.UNAVAILABLE:
        return ""
    if refused is Refusal.REFUSED and not step.done:
        return ""  # nobody could be asked for the reason
    return "" if step.right(outcome) or _settled(step, outcome) else f"{step.name}: {outcome}"


def _settled(step: Step, outcome: Outcome) -> bool:
    """Found out afterwards: what it is about is right, but not all of it may be known."""
    if isinstance(outcome, PatronSummary):
        return not outcome.whole
    return bool(getattr(outcome, "settled", False)) and bool(step.done)
