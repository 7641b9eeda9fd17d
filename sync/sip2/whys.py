"""Why a loan, a renewal or a return was refused, asked afterwards: the answers do not say it.

The item's record first, then the patron's flags. What neither explains stays REFUSED. Screen texts
are written for people, and differently at each site: they explain nothing here.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kioskd.domain.ils import Lent, Refusal, Returned
from kioskd.ports import Clock
from sync.sip2.asking import Asks
from sync.sip2.item_answers import ItemFacts
from sync.sip2.looking import Looker
from sync.sip2.settings import SipSettings

# Reasons that hold for an item that somebody brings or renews, not only for one to be lent.
_OF_ANY_USE: Final = frozenset({Refusal.UNKNOWN_ITEM, Refusal.LOST_ITEM})


class Whys:
    """Finds reasons within a deadline; without one, a refusal is given back as it came."""

    def __init__(self, asks: Asks, settings: SipSettings, clock: Clock) -> None:
        self._looker = Looker(asks, settings, clock)
        self._by_status: Mapping[str, Refusal] = settings.dialect.item_status

    async def loan(self, lent: Lent, card: str, deadline: float) -> Lent:
        """The reason of a refused checkout."""
        facts = await self._looker.item(lent.item, deadline)
        why = self._of_item(facts)
        if facts and why is Refusal.ON_LOAN and await self._own(card, lent.item, deadline):
            # Theirs already, so not on loan to somebody else: the day it is due says enough.
            return replace(_titled(lent, facts), due=facts.due, due_text=facts.due_text)
        if why is None and facts and facts.queue:  # on its shelf, but somebody waits for it
            why = Refusal.RESERVED
        if why in (None, Refusal.RESERVED):  # it may be reserved for this very patron
            why = await self._looker.hindrance(card, deadline) or why
        return replace(_titled(lent, facts), refused=why or lent.refused)

    async def renewal(self, lent: Lent, card: str, deadline: float) -> Lent:
        """The reason of a refused renewal."""
        facts = await self._looker.item(lent.item, deadline)
        why = self._of_unlent(facts)
        why = why or await self._looker.hindrance(card, deadline, renewal=True)
        why = why or await self._limit(card, lent.item, deadline)
        return replace(_titled(lent, facts), refused=why or lent.refused)

    async def back(self, returned: Returned, deadline: float) -> Returned:
        """The reason of a refused return."""
        facts = await self._looker.item(returned.item, deadline)
        why = self._of_unlent(facts)
        title = returned.title or (facts.title if facts else "")
        return replace(returned, title=title, refused=why or returned.refused)

    def _of_item(self, facts: ItemFacts | None) -> Refusal | None:
        if facts is None:
            return None
        return self._by_status.get(facts.status) if facts.known else Refusal.UNKNOWN_ITEM

    def _of_unlent(self, facts: ItemFacts | None) -> Refusal | None:
        why = self._of_item(facts)
        if why in _OF_ANY_USE:
            return why
        return Refusal.NOT_ON_LOAN if facts and facts.with_library else None

    async def _own(self, card: str, item: str, deadline: float) -> bool:
        loans = await self._looker.loans(card, deadline)
        return loans is not None and loans.has(item)

    async def _limit(self, card: str, item: str, deadline: float) -> Refusal | None:
        """Whose loan it is decides between a limit of renewals and another's loan."""
        loans = await self._looker.loans(card, deadline)
        if loans is None:
            return None
        if loans.has(item):
            return Refusal.RENEWAL_LIMIT
        return Refusal.ON_LOAN if loans.whole else None


def _titled(lent: Lent, facts: ItemFacts | None) -> Lent:
    return replace(lent, title=lent.title or (facts.title if facts else ""))
