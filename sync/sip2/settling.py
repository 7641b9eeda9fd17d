"""What became of a request whose answer was lost, found out by looking and never by asking again.

A library system that lost its client may still be at work, for as long as it likes. So what a look
does not find may be done a moment later: it is in doubt, and never "not done". A second look, after
a pause, helps one that is slow.

    loan      done where it stands on the patron's loans
    return    done where the item's record is as a return at its own branch leaves it: on its shelf
              with nobody waiting, or on the hold shelf. Whoever brought it then has it on their
              loans no more, whether this return did that or another one.

An item in transit is in doubt: it was so before it came, or a return sent it off. So is one on its
shelf that somebody waits for: a return would have set it aside. On loan, recalled, lost, in
process or unknown, it is as no return leaves it.

Deliberately not here: what is said of it (circulate), and renewals, whose day before is not known.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from kioskd.ports import Clock
from sync.sip2.asking import Asks
from sync.sip2.item_answers import ItemFacts
from sync.sip2.looking import Looker
from sync.sip2.settings import SipSettings

PAUSE_SECONDS: Final = 1.0  # between two looks; a loan takes a busy system some tenths of one


@dataclass(frozen=True, slots=True)
class Found:
    """done: without a doubt; else nobody knows. facts: the item's record, None if not looked at."""

    done: bool
    facts: ItemFacts | None = None


class Settler:
    """Finds out how things stand. Deadlines as in Asks; nothing here raises a RegisterError."""

    def __init__(
        self,
        asks: Asks,
        settings: SipSettings,
        clock: Clock,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._looker = Looker(asks, settings, clock)
        self._clock = clock
        self._pause = pause_seconds

    async def loan(self, card: str, item: str, deadline: float) -> Found:
        """Whether this card has this item on loan."""
        return await self._looked(lambda: self._loan(card, item, deadline), deadline)

    async def returned(self, item: str, deadline: float) -> Found:
        """Whether this item stands as a return leaves it."""
        return await self._looked(lambda: self._returned(item, deadline), deadline)

    async def _looked(self, look: Callable[[], Awaitable[Found]], deadline: float) -> Found:
        first = await look()
        if first.done or not await self._wait(deadline):
            return first
        second = await look()
        return second if second.done or second.facts else first

    async def _loan(self, card: str, item: str, deadline: float) -> Found:
        loans = await self._looker.loans(card, deadline)
        if loans is None or not loans.has(item):
            return Found(done=False)
        return Found(done=True, facts=await self._looker.item(item, deadline))

    async def _returned(self, item: str, deadline: float) -> Found:
        facts = await self._looker.item(item, deadline)
        return Found(facts is not None and facts.as_returned, facts)

    async def _wait(self, deadline: float) -> bool:
        """Let the pause pass; False, at once, where the deadline comes first."""
        until = self._clock.monotonic() + self._pause
        if until >= deadline:
            return False
        await self._clock.sleep_until(until)
        return True
