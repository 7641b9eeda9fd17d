"""Loans over SIP2, under one rule: nothing is done twice.

A checkout, a return, a renewal is asked for once. One whose answer was lost is settled by looking,
and asked for no second time whatever the look says: a library system that was slow over the first
would do both. What looking does not find done is IN_DOUBT.

Deliberately not here: consent to fees, receipts, and the patron of a reservation.
"""

from dataclasses import replace
from datetime import datetime

from kioskd.domain.ils import Hold, Lent, Refusal, RenewedAll, Returned
from kioskd.errors import RegisterError
from kioskd.ports import Clock
from sync.sip2 import item_answers, requests
from sync.sip2.asking import Asks
from sync.sip2.faults import NotAsked
from sync.sip2.item_answers import ItemFacts
from sync.sip2.looking import Looker
from sync.sip2.messages import Message
from sync.sip2.patron_desk import SipPatronDesk
from sync.sip2.settings import SipSettings
from sync.sip2.settling import PAUSE_SECONDS, Settler
from sync.sip2.whys import Whys

__all__ = ["SipCirculation", "SipPatronDesk"]

# Where a return goes whose answer was lost, by the item's circulation_status.
_ROUTES = {"08": Hold.HERE, "10": Hold.TRANSFER}


class SipCirculation:
    """register_ports.Circulation. pause_seconds: between two looks at what was lost."""

    def __init__(
        self,
        asks: Asks,
        settings: SipSettings,
        clock: Clock,
        *,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._asks = asks
        self._settings = settings
        self._clock = clock
        self._looker = Looker(asks, settings, clock)
        self._settler = Settler(asks, settings, clock, pause_seconds)
        self._whys = Whys(asks, settings, clock)

    async def checkout(
        self,
        card: str,
        item: str,
        deadline: float,
        *,
        fee_accepted: bool = False,
        happened: datetime | None = None,
    ) -> Lent:
        """A loan, refused with its reason, UNAVAILABLE or IN_DOUBT. InputError."""
        asked = requests.checkout(
            self._settings,
            self._now(),
            card,
            item,
            fee_accepted=fee_accepted,
            happened=happened,
        )
        lent = await self._lent(asked, deadline)
        if lent is None:
            return await self._settled_loan(asked, card, deadline)
        if lent.refused is Refusal.REFUSED:
            return await self._whys.loan(lent, card, deadline)
        return lent

    async def renew(
        self, card: str, item: str, deadline: float, *, fee_accepted: bool = False
    ) -> Lent:
        """A renewal; IN_DOUBT comes with the day on which the item is due as it stands."""
        asked = requests.renew(self._settings, self._now(), card, item, fee_accepted=fee_accepted)
        lent = await self._lent(asked, deadline)
        if lent is None:
            return await self._settled_renewal(asked, deadline)
        if lent.refused is Refusal.REFUSED:
            return await self._whys.renewal(lent, card, deadline)
        return lent

    async def renew_all(self, card: str, deadline: float) -> RenewedAll:
        """Every loan of a card; IN_DOUBT without its answer."""
        asked = requests.renew_all(self._settings, self._now(), card)
        try:
            answer = await self._asks.ask(asked, deadline)
            renewed = item_answers.renewed_all(asked, answer, self._settings.dialect)
        except NotAsked:
            return RenewedAll(refused=Refusal.UNAVAILABLE)
        except RegisterError:
            return RenewedAll(refused=Refusal.IN_DOUBT)
        if renewed.refused is not Refusal.REFUSED:
            return renewed
        why = await self._looker.hindrance(card, deadline, renewal=True)
        return replace(renewed, refused=why or Refusal.REFUSED)

    async def checkin(
        self, item: str, deadline: float, *, happened: datetime | None = None
    ) -> Returned:
        """A return; where the item goes is told of one refused or in doubt too. InputError."""
        asked = requests.checkin(self._settings, self._now(), item, happened=happened)
        returned = await self._returned(asked, deadline)
        if returned is None:
            return await self._settled_return(asked, deadline)
        if returned.refused is Refusal.REFUSED:
            return await self._whys.back(returned, deadline)
        return returned

    async def _lent(self, asked: Message, deadline: float) -> Lent | None:
        """None: it went out, and nobody knows what became of it."""
        try:
            answer = await self._asks.ask(asked, deadline)
            return item_answers.lent(asked, answer, self._settings)
        except NotAsked:
            return Lent(_item(asked), Refusal.UNAVAILABLE)
        except RegisterError:
            return None

    async def _returned(self, asked: Message, deadline: float) -> Returned | None:
        try:
            answer = await self._asks.ask(asked, deadline)
            return item_answers.returned(asked, answer, self._settings.dialect)
        except NotAsked:
            return Returned(_item(asked), Refusal.UNAVAILABLE)
        except RegisterError:
            return None

    async def _settled_loan(self, asked: Message, card: str, deadline: float) -> Lent:
        found = await self._settler.loan(card, _item(asked), deadline)
        if not found.done:
            return Lent(_item(asked), Refusal.IN_DOUBT)
        return replace(_with_due(asked, found.facts), settled=True)

    async def _settled_return(self, asked: Message, deadline: float) -> Returned:
        found = await self._settler.returned(_item(asked), deadline)
        refused = None if found.done else Refusal.IN_DOUBT
        returned = Returned(_item(asked), refused, settled=found.done)
        if found.facts is None:
            return returned
        hold = _ROUTES.get(found.facts.status, Hold.NONE)
        return replace(returned, title=found.facts.title, hold=hold)

    async def _settled_renewal(self, asked: Message, deadline: float) -> Lent:
        facts = await self._looker.item(_item(asked), deadline)
        lent = _with_due(asked, facts)
        if facts is None or not facts.with_library:
            return replace(lent, refused=Refusal.IN_DOUBT)
        # What nobody has on loan was not renewed.
        why = Refusal.NOT_ON_LOAN if facts.known else Refusal.UNKNOWN_ITEM
        return Lent(lent.item, why, title=lent.title)

    def _now(self) -> datetime:
        return self._clock.moment().wall


def _item(asked: Message) -> str:
    return asked.first("AB") or ""


def _with_due(asked: Message, facts: ItemFacts | None) -> Lent:
    if facts is None:
        return Lent(_item(asked))
    return Lent(_item(asked), title=facts.title, due=facts.due, due_text=facts.due_text)
