"""The demo's library: who may have what, and everything that was done. Pure but for its memory.

An operation is done or it is not, and says which; each that was done is in `done`, so that a test
can count. no_block takes anything that is known: it has happened already.
Deliberately not here: how things stand (records), time (it comes in with each call), and SIP2.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sync.demo_ils.catalogue import FREE, ITEMS, Item, Lending
from sync.demo_ils.outcomes import Lent, Loan, Place, RenewedAll, Returned, Why
from sync.demo_ils.people import HOLDS, LOANS, MOST_RENEWALS, PATRONS, Borrowed, Hold, Patron
from sync.demo_ils.records import CHARGES, HELD, RENEWALS, TOO_MANY, Records, evening

LOAN: Final = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a loan is asked for. due: with no_block, when the device said it must be back."""

    no_block: bool = False
    renew_own: bool = False
    fee_accepted: bool = False
    due: datetime | None = None


PLAINLY: Final = Asked()


class Library(Records):
    """One town's loans: Library(at).

    done: (what, card, item) of each operation that was done, in order: lent, unlent, renewed,
    returned, unreturned, reserved, unreserved, paid, blocked, enabled. renews_own_loans: lending
    somebody what they have already renews it, asked for or not, as Koha does.
    """

    def __init__(
        self,
        at: datetime,
        items: Sequence[Item] = ITEMS,
        patrons: Sequence[Patron] = PATRONS,
        loans: Sequence[Borrowed] = LOANS,
        holds: Sequence[Hold] = HOLDS,
        *,
        renews_own_loans: bool = False,
    ) -> None:
        super().__init__(at, items, patrons, loans, holds)
        self.renews_own_loans = renews_own_loans
        self.done: list[tuple[str, str, str]] = []
        self._returned: dict[str, Loan] = {}  # the loan that a return ended, until the next one

    def checkout(self, card: str, item: str, at: datetime, asked: Asked = PLAINLY) -> Lent:
        """Lend it, for four weeks."""
        known = self._known(card, item)
        if known is not Why.OK:
            return Lent(known, self.items.get(item))
        renews = self.renews_own_loans or asked.renew_own or asked.no_block
        if renews and self.has(card, item):
            return self.renew(card, item, at, no_block=asked.no_block)
        why = Why.OK if asked.no_block else self._not_lent(card, item, asked)
        if why is not Why.OK:
            return Lent(why, self.items[item])
        due = asked.due if asked.due and asked.no_block and asked.due > at else evening(at + LOAN)
        self._taken_from_another(item)
        self.loans[item] = Loan(card, due)
        self._leaves(card, item)
        return self._lent("lent", card, item)

    def cancel_checkout(self, card: str, item: str) -> Lent:
        """Undo a loan of theirs."""
        why = self._known(card, item)
        if why is Why.OK and not self.has(card, item):
            why = Why.NOT_ON_LOAN
        if why is Why.OK:
            del self.loans[item]
            self.done.append(("unlent", card, item))
        return Lent(why, self.items.get(item))

    def checkin(self, item: str, branch: str, at: datetime, *, no_block: bool = False) -> Returned:
        """Take it back at a branch, and say where it goes."""
        if item not in self.items:
            return Returned(Why.UNKNOWN_ITEM)
        why = Why.OK if no_block else self._not_taken(item)
        if why is not Why.OK:
            return Returned(why, self.items[item])
        loan = self.loans.pop(item, None)
        if loan:
            self._returned[item] = loan
        to, held = self._sorted(item, branch, at)
        card = loan.card if loan else ""
        self.done.append(("returned", card, item))
        return Returned(Why.OK, self.items[item], card, to, held)

    def cancel_checkin(self, item: str) -> Returned:
        """Undo the last return: the loan that it ended stands again."""
        if item not in self.items:
            return Returned(Why.UNKNOWN_ITEM)
        if item not in self._returned:
            return Returned(Why.NOT_ON_LOAN, self.items[item])
        loan = self.loans[item] = self._returned.pop(item)
        self._nowhere(item)
        self.done.append(("unreturned", loan.card, item))
        return Returned(Why.OK, self.items[item], loan.card)

    def renew(self, card: str, item: str, at: datetime, *, no_block: bool = False) -> Lent:
        """Four weeks from now."""
        why = self._known(card, item)
        if why is Why.OK:
            why = self._not_renewed(card, item, no_block=no_block)
        if why is not Why.OK:
            return Lent(why, self.items.get(item))
        loan = self.loans[item]
        self.loans[item] = Loan(card, max(loan.due, evening(at + LOAN)), loan.renewals + 1)
        return replace(self._lent("renewed", card, item), renewed=True)

    def renew_all(self, card: str, at: datetime) -> RenewedAll:
        """All that can be; what cannot is named."""
        if card not in self.patrons:
            return RenewedAll(Why.UNKNOWN_PATRON)
        if RENEWALS in self.flags(card):
            return RenewedAll(Why.BARRED, (), self.loans_of(card))
        tried = [(item, self.renew(card, item, at).done) for item in self.loans_of(card)]
        renewed = tuple(item for item, done in tried if done)
        return RenewedAll(Why.OK, renewed, tuple(item for item, done in tried if not done))

    def reserve(self, card: str, item: str, pickup: str) -> Why:
        """Stand in the queue, once."""
        why = self._known(card, item)
        if why is Why.OK:
            there = any(hold.card == card for hold in self.queue(item))
            why = _first(((HELD in self.flags(card), Why.BARRED), (there, Why.RESERVED)))
        if why is Why.OK:
            self.holds.append(Hold(item, card, pickup))
            self.done.append(("reserved", card, item))
        return why

    def cancel_reservation(self, card: str, item: str) -> Why:
        """Leave the queue; what waited for them goes to the shelf."""
        mine = [hold for hold in self.holds if (hold.card, hold.item) == (card, item)]
        if not mine:
            return Why.NOT_RESERVED
        self.holds = [hold for hold in self.holds if hold not in mine]
        if mine[0].ready:
            self.shelved.pop(item, None)
        self.done.append(("unreserved", card, item))
        return Why.OK

    def pay(self, card: str, amount: Decimal) -> Why:
        """Fees are less by so much, and never less than nothing."""
        if card not in self.patrons:
            return Why.UNKNOWN_PATRON
        patron = self.patrons[card]
        if not FREE < amount <= patron.fees:
            return Why.TOO_MUCH
        self.patrons[card] = replace(patron, fees=patron.fees - amount)
        self.done.append(("paid", card, ""))
        return Why.OK

    def block(self, card: str, *, blocked: bool) -> Why:
        """Bar a card, or lift that."""
        if card not in self.patrons:
            return Why.UNKNOWN_PATRON
        self.patrons[card] = replace(self.patrons[card], blocked=blocked)
        self.done.append(("blocked" if blocked else "enabled", card, ""))
        return Why.OK

    def _known(self, card: str, item: str) -> Why:
        return _first(
            (
                (card not in self.patrons, Why.UNKNOWN_PATRON),
                (item not in self.items, Why.UNKNOWN_ITEM),
            )
        )

    def _not_lent(self, card: str, number: str, asked: Asked) -> Why:
        item, flags, queue = self.items[number], self.flags(card), self.queue(number)
        return _first(
            (
                (self.has(card, number), Why.OWN_LOAN),
                (CHARGES in flags, Why.BARRED),
                (TOO_MANY in flags, Why.TOO_MANY),
                (number in self.loans, Why.ON_LOAN),
                (item.lending is Lending.LOST, Why.LOST),
                (item.lending is Lending.REFERENCE, Why.REFERENCE),
                (bool(queue) and queue[0].card != card, Why.RESERVED),
                (self.place(number) is Place.TRANSIT, Why.IN_TRANSIT),
                (item.fee > FREE and not asked.fee_accepted, Why.FEE),
            )
        )

    def _not_renewed(self, card: str, item: str, *, no_block: bool) -> Why:
        if not self.has(card, item):
            return Why.NOT_ON_LOAN
        if no_block:
            return Why.OK
        return _first(
            (
                (RENEWALS in self.flags(card), Why.BARRED),
                (bool(self.queue(item)), Why.RESERVED),
                (self.loans[item].renewals >= MOST_RENEWALS, Why.RENEWALS),
            )
        )

    def _not_taken(self, item: str) -> Why:
        place = self.place(item)
        expected = place in (Place.LOAN, Place.TRANSIT)
        return _first(((place is Place.LOST, Why.LOST), (not expected, Why.NOT_ON_LOAN)))

    def _lent(self, what: str, card: str, item: str) -> Lent:
        self.done.append((what, card, item))
        return Lent(Why.OK, self.items[item], self.loans[item].due)

    def _taken_from_another(self, item: str) -> None:
        loan = self.loans.pop(item, None)
        if loan:
            self.done.append(("returned", loan.card, item))

    def _leaves(self, card: str, item: str) -> None:
        self._returned.pop(item, None)
        self._nowhere(item)
        self.holds = [hold for hold in self.holds if (hold.card, hold.item) != (card, item)]

    def _nowhere(self, item: str) -> None:
        """It is with somebody: neither under way nor on the hold shelf."""
        self.bound.pop(item, None)
        self.shelved.pop(item, None)
        self.holds = [replace(h, ready=False) if h.item == item else h for h in self.holds]

    def _sorted(self, item: str, branch: str, at: datetime) -> tuple[str, bool]:
        """Where a return goes: the branch it must travel to, and whether it is reserved."""
        self._nowhere(item)
        self.branch[item] = branch
        queue = self.queue(item)
        to = queue[0].pickup if queue else self.items[item].home
        if to != branch:
            self.bound[item] = to
            return to, bool(queue)
        if queue:
            self.shelved[item] = at
            first = self.holds.index(queue[0])
            self.holds[first] = replace(queue[0], ready=True)
        return "", bool(queue)


def _first(checks: Iterable[tuple[bool, Why]]) -> Why:
    return next((why for holds, why in checks if holds), Why.OK)
