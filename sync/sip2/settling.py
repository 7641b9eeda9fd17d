"""What became of a request whose answer was lost, found out by looking and never by asking again.

A loan or a return was not done only when two looks say so, a moment apart: a library system that
lost its client finishes what it was doing. A loan list is believed to lack an item only where it
is whole and the item's own record says that nobody has it: some systems list titles instead of
numbers, or hide the list from who does not say the PIN.

Deliberately not here: what to do about it (circulate).
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from kioskd.ports import Clock
from sync.sip2.asking import Asks
from sync.sip2.item_answers import ItemFacts
from sync.sip2.looking import Looker
from sync.sip2.settings import SipSettings

GRACE_SECONDS: Final = 1.0  # between two looks; a loan takes a busy system some tenths of one


class Stand(Enum):
    """How a thing stands that may have been done."""

    DONE = auto()
    NOT_DONE = auto()
    UNSURE = auto()


@dataclass(frozen=True, slots=True)
class Found:
    """facts: what the item's record said on the way, None where it was not asked."""

    stand: Stand
    facts: ItemFacts | None = None


_UNSURE: Final = Found(Stand.UNSURE)


class Settler:
    """Finds out how things stand. Deadlines as in Asks; nothing here raises a RegisterError."""

    def __init__(
        self,
        asks: Asks,
        settings: SipSettings,
        clock: Clock,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._looker = Looker(asks, settings, clock)
        self._clock = clock
        self._grace = grace_seconds

    async def loan(self, card: str, item: str, deadline: float, *, twice: bool = True) -> Found:
        """Whether this card has this item on loan. twice: look again before it is said not to."""
        found = await self._loan(card, item, deadline)
        if found.stand is not Stand.NOT_DONE or not twice:
            return found
        return await self._loan(card, item, deadline) if await self._wait(deadline) else _UNSURE

    async def returned(self, item: str, deadline: float, *, twice: bool = True) -> Found:
        """Whether nobody has this item on loan any more. twice: as above."""
        found = await self._returned(item, deadline)
        if found.stand is not Stand.NOT_DONE or not twice:
            return found
        return await self._returned(item, deadline) if await self._wait(deadline) else _UNSURE

    async def _loan(self, card: str, item: str, deadline: float) -> Found:
        loans = await self._looker.loans(card, deadline)
        if loans is None:
            return _UNSURE
        if loans.has(item):
            return Found(Stand.DONE, await self._looker.item(item, deadline))
        if not loans.whole:
            return _UNSURE
        facts = await self._looker.item(item, deadline)
        free = facts is not None and facts.with_library
        return Found(Stand.NOT_DONE if free else Stand.UNSURE, facts)

    async def _returned(self, item: str, deadline: float) -> Found:
        facts = await self._looker.item(item, deadline)
        if facts is None:
            return _UNSURE
        if facts.on_loan or not facts.known:
            return Found(Stand.NOT_DONE, facts)
        return Found(Stand.DONE if facts.with_library else Stand.UNSURE, facts)

    async def _wait(self, deadline: float) -> bool:
        """Let the grace pass; False, at once, where the deadline comes first."""
        until = self._clock.monotonic() + self._grace
        if until >= deadline:
            return False
        await self._clock.sleep_until(until)
        return True
