"""What the demo's library knows: cards, items, loans and holds, and how they stand. Pure.

Lists are in the order in which things came about. Deliberately not here: what may be done (rules).
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Final

from sync.demo_ils.catalogue import ITEMS, Item, Lending
from sync.demo_ils.outcomes import ItemView, Loan, PatronView, Place
from sync.demo_ils.people import HOLDS, LOANS, PATRONS, Borrowed, Hold, Patron

HOLD_DAYS: Final = timedelta(days=7)  # on the hold shelf
MOST_LOANS: Final = 6
MOST_FEES: Final = Decimal("10.00")  # who owes more borrows nothing
# Positions of patron_status
CHARGES, RENEWALS, RECALLS, HELD, CARD, TOO_MANY, FINES = 0, 1, 2, 3, 4, 5, 10
_BARRED: Final = frozenset({CHARGES, RENEWALS, HELD})


class Records:
    """One town. at: the moment that the loans of the beginning are reckoned from."""

    def __init__(
        self,
        at: datetime,
        items: Sequence[Item] = ITEMS,
        patrons: Sequence[Patron] = PATRONS,
        loans: Sequence[Borrowed] = LOANS,
        holds: Sequence[Hold] = HOLDS,
    ) -> None:
        self.items = {one.number: one for one in items}
        self.patrons = {one.card: one for one in patrons}
        self.loans = {
            one.item: Loan(one.card, evening(at + timedelta(days=one.days)), one.renewals)
            for one in loans
        }
        self.holds = list(holds)
        self.branch = {one.number: one.home for one in items}
        self.bound: dict[str, str] = {}  # item under way -> branch
        self.shelved = {one.item: at for one in holds if one.ready}

    def patron(self, card: str, pin: str | None, at: datetime) -> PatronView:
        """All there is to say of a card, whatever the PIN, as real systems do."""
        patron = self.patrons.get(card)
        if patron is None:
            return PatronView(pin_right=None if pin is None else False)
        loans = self.loans_of(card)
        return PatronView(
            known=True,
            # Many real systems take an empty PIN for a right one.
            pin_right=None if pin is None else pin in ("", patron.pin),
            name=patron.name,
            flags=self.flags(card),
            fees=patron.fees,
            loans=loans,
            overdue=tuple(item for item in loans if self.loans[item].due < at),
            ready=tuple(h.item for h in self.holds if h.card == card and h.ready),
            queued=tuple(h.item for h in self.holds if h.card == card and not h.ready),
        )

    def item(self, number: str) -> ItemView | None:
        """All there is to say of an item; None for one that nobody knows."""
        item = self.items.get(number)
        if item is None:
            return None
        loan, shelved = self.loans.get(number), self.shelved.get(number)
        return ItemView(
            item,
            self.place(number),
            self.branch[number],
            queue=len(self.queue(number)),
            due=loan.due if loan else None,
            waits_until=shelved + HOLD_DAYS if shelved and not loan else None,
        )

    def place(self, number: str) -> Place:
        """Where it is."""
        if number in self.loans:
            return Place.LOAN
        if number in self.bound:
            return Place.TRANSIT
        if number in self.shelved:
            return Place.HOLD_SHELF
        return Place.LOST if self.items[number].lending is Lending.LOST else Place.SHELF

    def flags(self, card: str) -> frozenset[int]:
        """Positions of patron_status that are set."""
        patron = self.patrons[card]
        owes = patron.fees > MOST_FEES
        flags = _BARRED if patron.blocked or patron.expired or owes else frozenset()
        if patron.lost:
            flags |= {*_BARRED, RECALLS, CARD}
        if owes:
            flags |= {FINES}
        if len(self.loans_of(card)) >= MOST_LOANS:
            flags |= {TOO_MANY}
        return flags

    def loans_of(self, card: str) -> tuple[str, ...]:
        """Items on loan to a card."""
        return tuple(item for item, loan in self.loans.items() if loan.card == card)

    def has(self, card: str, number: str) -> bool:
        """Whether it is on loan to this card."""
        loan = self.loans.get(number)
        return loan is not None and loan.card == card

    def queue(self, number: str) -> tuple[Hold, ...]:
        """Who has reserved it, whose turn it is first; who it waits for before all."""
        holds = [hold for hold in self.holds if hold.item == number]
        return tuple(sorted(holds, key=lambda hold: not hold.ready))


def evening(at: datetime) -> datetime:
    """The last second of that day."""
    return datetime.combine(at.date(), time(23, 59, 59), at.tzinfo)
