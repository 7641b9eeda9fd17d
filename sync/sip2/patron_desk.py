"""What a patron may see of themselves over SIP2: loans, reservations, fees.

Lists hold numbers; titles and due days are asked for item by item, as many as the deadline and
MAX_ITEMS allow. Nothing is shown before the PIN was right.

Deliberately not here: the patron's name and addresses.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kioskd.domain.ils import Hindrance, Loan, Money, PatronSummary, Reserved
from kioskd.errors import InputError, RegisterError
from kioskd.ports import Clock
from sync.sip2 import requests
from sync.sip2.answers import lending, pin_confirmed
from sync.sip2.asking import Asks
from sync.sip2.fields import money
from sync.sip2.item_answers import ItemFacts, Listed, item_facts, listed
from sync.sip2.requests import Summary
from sync.sip2.settings import SipSettings

MAX_ITEMS: Final = 30  # asked for one by one; a summary of more would keep others waiting


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the first answer, the one with the loans, says of the patron."""

    loans: Listed
    fees: Money | None
    lending: tuple[Hindrance, ...]


class SipPatronDesk:
    """register_ports.PatronDesk."""

    def __init__(self, asks: Asks, settings: SipSettings, clock: Clock) -> None:
        self._asks = asks
        self._settings = settings
        self._clock = clock

    async def summary(self, card: str, pin: str, deadline: float) -> PatronSummary:
        """RegisterError where the PIN is not confirmed or no loans can be listed. InputError."""
        opened = await self._open(card, pin, deadline)
        ready = await self._list(card, pin, Summary.HOLDS, deadline)
        waiting = await self._list(card, pin, Summary.UNAVAILABLE, deadline)
        unready = frozenset(waiting.items)
        details = _Details(self._asks, self._settings, self._clock, deadline)
        loans = [await self._loan(number, details) for number in opened.loans.items]
        reserved = [
            await self._reserved(number, details, ready=number not in unready)
            for number in dict.fromkeys((*ready.items, *waiting.items))
        ]
        lists = (opened.loans, ready, waiting)
        return PatronSummary(
            loans=tuple(loans),
            reservations=tuple(reserved),
            fees=opened.fees,
            lending=opened.lending,
            whole=details.whole and all(one.whole for one in lists),
        )

    async def end(self, card: str, deadline: float) -> None:
        """Says that the patron has gone, where the library system wants to know."""
        asked = requests.end_session(self._settings, self._now(), card)
        if self._settings.dialect.send_end:
            await self._asks.ask(asked, deadline)

    async def _open(self, card: str, pin: str, deadline: float) -> _Opened:
        dialect = self._settings.dialect
        asked = requests.patron_information(
            self._settings, self._now(), card, pin=pin, summary=Summary.CHARGED
        )
        answer = await self._asks.ask(asked, deadline)
        loans = listed(asked, answer, Summary.CHARGED, dialect)
        if not pin_confirmed(asked, answer):
            raise RegisterError("the library system did not confirm the PIN", transient=False)
        kept = dict.fromkeys(hindrance for hindrance, _ in lending(answer, dialect))
        return _Opened(loans, money(answer), tuple(kept))

    async def _list(self, card: str, pin: str, kind: Summary, deadline: float) -> Listed:
        """One more list; an empty part of one where it could not be asked for."""
        asked = requests.patron_information(
            self._settings, self._now(), card, pin=pin, summary=kind
        )
        try:
            answer = await self._asks.ask(asked, deadline)
            return listed(asked, answer, kind, self._settings.dialect)
        except RegisterError:
            return Listed((), whole=False)

    async def _loan(self, number: str, details: "_Details") -> Loan:
        facts = await details.of(number)
        if facts is None:
            return Loan(number)
        overdue = facts.due is not None and facts.due < self._now()
        return Loan(number, facts.title, facts.due, facts.due_text, overdue)

    async def _reserved(self, number: str, details: "_Details", *, ready: bool) -> Reserved:
        facts = await details.of(number)
        if facts is None:
            return Reserved(number, ready=ready)
        if not ready:
            return Reserved(number, facts.title)
        return Reserved(number, facts.title, True, facts.location, facts.pickup_until)

    def _now(self) -> datetime:
        return self._clock.moment().wall


class _Details:
    """Asks for items one by one until it may not or cannot any more."""

    def __init__(self, asks: Asks, settings: SipSettings, clock: Clock, deadline: float) -> None:
        self._asks, self._settings, self._clock = asks, settings, clock
        self._deadline = deadline
        self._left = MAX_ITEMS
        self.whole = True

    async def of(self, number: str) -> ItemFacts | None:
        """What is known of an item; None for what is no number, or could not be asked for."""
        if not self._left:
            self.whole = False
            return None
        self._left -= 1
        try:
            asked = requests.item_information(self._settings, self._clock.moment().wall, number)
            return item_facts(asked, await self._asks.ask(asked, self._deadline), self._settings)
        except InputError:
            return None  # some systems list titles
        except RegisterError:
            self.whole, self._left = False, 0
            return None
