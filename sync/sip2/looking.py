"""Questions that change nothing, asked to explain a refusal or a lost answer.

None means that nobody said, for whatever reason: it is never taken for a no.
"""

from datetime import datetime

from kioskd.domain.ils import Refusal
from kioskd.errors import RegisterError
from kioskd.ports import Clock
from sync.sip2 import requests
from sync.sip2.answers import lending
from sync.sip2.asking import Asks
from sync.sip2.fields import flags, is_answer, is_for_card
from sync.sip2.item_answers import ItemFacts, Listed, item_facts, listed
from sync.sip2.requests import Summary
from sync.sip2.settings import SipSettings


class Looker:
    """Looks at the library system through `asks`. Deadlines as in Asks."""

    def __init__(self, asks: Asks, settings: SipSettings, clock: Clock) -> None:
        self._asks = asks
        self._settings = settings
        self._clock = clock

    async def item(self, item: str, deadline: float) -> ItemFacts | None:
        """What an item's 17 says."""
        asked = requests.item_information(self._settings, self._now(), item)
        try:
            return item_facts(asked, await self._asks.ask(asked, deadline), self._settings)
        except RegisterError:
            return None

    async def loans(self, card: str, deadline: float) -> Listed | None:
        """What a card has on loan, asked without its PIN."""
        asked = requests.patron_information(
            self._settings, self._now(), card, summary=Summary.CHARGED
        )
        try:
            answer = await self._asks.ask(asked, deadline)
            return listed(asked, answer, Summary.CHARGED, self._settings.dialect)
        except RegisterError:
            return None

    async def hindrance(
        self, card: str, deadline: float, *, renewal: bool = False
    ) -> Refusal | None:
        """Whether it is the patron that a loan or a renewal was refused for."""
        asked = requests.patron_status(self._settings, self._now(), card)
        dialect = self._settings.dialect
        try:
            answer = await self._asks.ask(asked, deadline)
            is_answer(answer, "24")
            is_for_card(asked, answer, dialect)
        except RegisterError:
            return None
        if "N" in answer.every("BL"):
            return Refusal.UNKNOWN_PATRON
        hindered = lending(answer, dialect) or (renewal and "renewal_denied" in flags(answer))
        return Refusal.PATRON_HINDERED if hindered else None

    def _now(self) -> datetime:
        return self._clock.moment().wall
