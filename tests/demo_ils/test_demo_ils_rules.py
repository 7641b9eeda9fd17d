"""The rules of the demo's library: what it lends, takes back and renews, and what it does not."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.demo_ils.catalogue import (
    AT_LIMIT,
    BROTHERS,
    HERE,
    ITEMS,
    KALEVALA,
    LATE,
    LOST,
    OTHER,
    QUEUED,
    RAILWAY,
    REFERENCE,
    RESERVED,
    RESERVED_THERE,
    SAGNER,
    TRAVELS,
    WAITING,
    WITH_FEE,
)
from sync.demo_ils.outcomes import Place, Why
from sync.demo_ils.people import (
    AWAITED,
    BLOCKED,
    BUSY,
    CARD_LOST,
    EXPIRED,
    FULL,
    NOBODY,
    OVERDUE,
    PATRONS,
    PIN,
    WELL,
    WITH_FEES,
    WITH_LOANS,
)
from sync.demo_ils.records import MOST_LOANS
from sync.demo_ils.rules import Asked, Library

ZONE = ZoneInfo("Europe/Helsinki")
AT = datetime(2026, 12, 7, 10, 41, 52, tzinfo=ZONE)
IN_FOUR_WEEKS = datetime(2027, 1, 4, 23, 59, 59, tzinfo=ZONE)
NOWHERE = "167N99999999"
ANYTHING = Asked(no_block=True)


@pytest.fixture
def library() -> Library:
    return Library(AT)


def test_what_is_on_the_shelf_is_lent_for_four_weeks(library: Library) -> None:
    lent = library.checkout(WELL, KALEVALA, AT)
    assert (lent.done, lent.due, lent.renewed) == (True, IN_FOUR_WEEKS, False)
    assert lent.item is not None
    assert lent.item.title == "Kalevala"
    assert library.loans_of(WELL) == (KALEVALA,)
    assert library.done == [("lent", WELL, KALEVALA)]


@pytest.mark.parametrize(
    ("card", "item", "why"),
    [
        (NOBODY, KALEVALA, Why.UNKNOWN_PATRON),
        (WELL, NOWHERE, Why.UNKNOWN_ITEM),
        (BLOCKED, KALEVALA, Why.BARRED),
        (EXPIRED, KALEVALA, Why.BARRED),
        (CARD_LOST, KALEVALA, Why.BARRED),
        (WITH_FEES, KALEVALA, Why.BARRED),
        (FULL, KALEVALA, Why.TOO_MANY),
        (FULL, AT_LIMIT[0], Why.OWN_LOAN),
        (WITH_LOANS, BROTHERS, Why.OWN_LOAN),
        (WELL, BROTHERS, Why.ON_LOAN),
        (WELL, LOST, Why.LOST),
        (WELL, REFERENCE, Why.REFERENCE),
        (WELL, RESERVED, Why.RESERVED),
        (WELL, WAITING, Why.RESERVED),
        (WELL, WITH_FEE, Why.FEE),
    ],
)
def test_what_is_not_lent_says_why_and_changes_nothing(
    library: Library, card: str, item: str, why: Why
) -> None:
    before = dict(library.loans)
    lent = library.checkout(card, item, AT)
    assert (lent.why, lent.done, lent.due) == (why, False, None)
    assert (library.loans, library.done) == (before, [])


def test_a_fee_is_agreed_to_first(library: Library) -> None:
    assert library.checkout(WELL, WITH_FEE, AT).why is Why.FEE
    assert library.checkout(WELL, WITH_FEE, AT, Asked(fee_accepted=True)).done


def test_ones_own_loan_is_renewed_only_where_that_is_asked_for(library: Library) -> None:
    assert library.checkout(WITH_LOANS, BROTHERS, AT).why is Why.OWN_LOAN
    lent = library.checkout(WITH_LOANS, BROTHERS, AT, Asked(renew_own=True))
    assert (lent.done, lent.renewed, lent.due) == (True, True, IN_FOUR_WEEKS)
    assert library.checkout(WITH_LOANS, SAGNER, AT, Asked(renew_own=True)).why is Why.RENEWALS
    assert library.done == [("renewed", WITH_LOANS, BROTHERS)]


def test_a_library_like_koha_renews_ones_own_loan_unasked_and_lends_no_other_loan() -> None:
    koha = Library(AT, renews_own_loans=True)
    assert koha.checkout(WELL, KALEVALA, AT).done
    assert koha.checkout(WELL, KALEVALA, AT).renewed
    assert koha.checkout(WITH_LOANS, SAGNER, AT).why is Why.RENEWALS
    assert koha.checkout(WELL, BROTHERS, AT).why is Why.ON_LOAN
    assert koha.done == [("lent", WELL, KALEVALA), ("renewed", WELL, KALEVALA)]


@pytest.mark.parametrize("item", [LOST, REFERENCE, WAITING, WITH_FEE, BROTHERS])
def test_what_happened_already_is_taken_from_whomever(library: Library, item: str) -> None:
    due = AT + timedelta(days=14)
    lent = library.checkout(BLOCKED, item, AT, Asked(no_block=True, due=due))
    assert (lent.done, lent.due) == (True, due)
    assert library.has(BLOCKED, item)


def test_a_due_date_that_is_none_is_not_taken(library: Library) -> None:
    for due in (AT, AT - timedelta(days=1), None):
        lent = library.checkout(WELL, KALEVALA, AT, Asked(no_block=True, due=due))
        assert lent.due == IN_FOUR_WEEKS
        library.cancel_checkout(WELL, KALEVALA)
    plainly = library.checkout(WELL, KALEVALA, AT, Asked(due=AT + timedelta(days=1)))
    assert plainly.due == IN_FOUR_WEEKS


def test_who_had_it_before_has_returned_it_then(library: Library) -> None:
    library.checkout(WELL, BROTHERS, AT, ANYTHING)
    assert library.done == [("returned", WITH_LOANS, BROTHERS), ("lent", WELL, BROTHERS)]


def test_what_happened_already_and_is_told_twice_is_lent_once(library: Library) -> None:
    library.checkout(WELL, KALEVALA, AT, ANYTHING)
    assert library.checkout(WELL, KALEVALA, AT, ANYTHING).renewed
    assert Counter(what for what, *_ in library.done)["lent"] == 1


def test_what_nobody_knows_is_not_even_taken_then(library: Library) -> None:
    assert library.checkout(NOBODY, KALEVALA, AT, ANYTHING).why is Why.UNKNOWN_PATRON
    assert library.checkout(WELL, NOWHERE, AT, ANYTHING).why is Why.UNKNOWN_ITEM
    assert library.checkin(NOWHERE, HERE, AT, no_block=True).why is Why.UNKNOWN_ITEM
    assert library.renew(WELL, BROTHERS, AT, no_block=True).why is Why.NOT_ON_LOAN


def test_a_hold_is_fetched_by_whom_it_waits_for(library: Library) -> None:
    assert library.checkout(AWAITED, WAITING, AT).done
    assert library.queue(WAITING) == ()
    assert library.place(WAITING) is Place.LOAN


def test_a_loan_that_was_not_taken_along_is_undone(library: Library) -> None:
    library.checkout(WELL, KALEVALA, AT)
    assert library.cancel_checkout(WELL, KALEVALA).done
    assert library.cancel_checkout(WELL, KALEVALA).why is Why.NOT_ON_LOAN
    assert library.cancel_checkout(WELL, BROTHERS).why is Why.NOT_ON_LOAN
    assert library.done == [("lent", WELL, KALEVALA), ("unlent", WELL, KALEVALA)]
    assert library.place(KALEVALA) is Place.SHELF


def test_a_return_goes_to_the_shelf(library: Library) -> None:
    returned = library.checkin(BROTHERS, HERE, AT)
    assert (returned.done, returned.card) == (True, WITH_LOANS)
    assert (returned.to, returned.held) == ("", False)
    assert library.place(BROTHERS) is Place.SHELF
    assert library.checkin(BROTHERS, HERE, AT).why is Why.NOT_ON_LOAN
    assert library.done == [("returned", WITH_LOANS, BROTHERS)]


def test_a_return_of_another_branch_travels_and_arrives(library: Library) -> None:
    assert library.checkin(TRAVELS, HERE, AT).to == OTHER
    assert library.place(TRAVELS) is Place.TRANSIT
    assert library.checkout(WELL, TRAVELS, AT).why is Why.IN_TRANSIT
    arrived = library.checkin(TRAVELS, OTHER, AT)
    assert (arrived.to, arrived.card) == ("", "")
    view = library.item(TRAVELS)
    assert view is not None
    assert (view.place, view.branch) == (Place.SHELF, OTHER)


def test_a_return_that_somebody_waits_for_is_kept_for_the_first(library: Library) -> None:
    returned = library.checkin(QUEUED, HERE, AT)
    assert (returned.held, returned.to) == (True, "")
    view = library.item(QUEUED)
    assert view is not None
    assert (view.place, view.queue, view.due) == (Place.HOLD_SHELF, 2, None)
    assert view.waits_until == AT + timedelta(days=7)
    assert QUEUED in library.patron(AWAITED, None, AT).ready
    assert QUEUED in library.patron(WELL, None, AT).queued
    assert library.checkout(WELL, QUEUED, AT).why is Why.RESERVED
    assert library.checkout(AWAITED, QUEUED, AT).done


def test_a_return_reserved_elsewhere_travels_there(library: Library) -> None:
    returned = library.checkin(RESERVED_THERE, HERE, AT)
    assert (returned.held, returned.to) == (True, OTHER)
    assert library.checkin(RESERVED_THERE, OTHER, AT).to == ""
    assert library.place(RESERVED_THERE) is Place.HOLD_SHELF


@pytest.mark.parametrize(("item", "why"), [(LOST, Why.LOST), (KALEVALA, Why.NOT_ON_LOAN)])
def test_what_was_not_on_loan_is_not_taken_back(library: Library, item: str, why: Why) -> None:
    assert library.checkin(item, HERE, AT).why is why
    assert library.done == []
    assert library.checkin(item, HERE, AT, no_block=True).done


@pytest.mark.parametrize("item", [BROTHERS, QUEUED, TRAVELS])
def test_a_return_is_undone(library: Library, item: str) -> None:
    loan = library.loans[item]
    library.checkin(item, HERE, AT)
    undone = library.cancel_checkin(item)
    assert (undone.done, undone.card) == (True, loan.card)
    assert library.loans[item] == loan
    assert library.place(item) is Place.LOAN
    assert not any(hold.ready for hold in library.queue(item))
    assert library.cancel_checkin(item).why is Why.NOT_ON_LOAN


def test_a_return_is_not_undone_once_another_has_it(library: Library) -> None:
    library.checkin(BROTHERS, HERE, AT)
    library.checkout(WELL, BROTHERS, AT)
    assert library.cancel_checkin(BROTHERS).why is Why.NOT_ON_LOAN
    assert library.has(WELL, BROTHERS)


def test_a_renewal_is_four_weeks_from_now(library: Library) -> None:
    later = AT + timedelta(days=1)
    renewed = library.renew(WITH_LOANS, RAILWAY, later)
    assert (renewed.done, renewed.renewed) == (True, True)
    assert renewed.due == IN_FOUR_WEEKS + timedelta(days=1)
    assert library.loans[RAILWAY].renewals == 2


@pytest.mark.parametrize(
    ("card", "item", "why"),
    [
        (WITH_LOANS, SAGNER, Why.RENEWALS),
        (BUSY, QUEUED, Why.RESERVED),
        (BLOCKED, RESERVED_THERE, Why.BARRED),
        (WELL, BROTHERS, Why.NOT_ON_LOAN),
        (WELL, KALEVALA, Why.NOT_ON_LOAN),
        (WELL, NOWHERE, Why.UNKNOWN_ITEM),
        (NOBODY, BROTHERS, Why.UNKNOWN_PATRON),
    ],
)
def test_what_is_not_renewed_says_why(library: Library, card: str, item: str, why: Why) -> None:
    before = dict(library.loans)
    assert library.renew(card, item, AT).why is why
    assert (library.loans, library.done) == (before, [])


def test_a_loan_is_renewed_five_times(library: Library) -> None:
    library.checkout(WELL, KALEVALA, AT)
    assert [library.renew(WELL, KALEVALA, AT).done for _ in range(6)] == [True] * 5 + [False]


def test_all_is_renewed_but_what_cannot_be(library: Library) -> None:
    both = library.renew_all(WITH_LOANS, AT)
    assert both.renewed == (BROTHERS, RAILWAY)
    assert both.unrenewed == (SAGNER,)
    assert library.renew_all(BLOCKED, AT).why is Why.BARRED
    assert library.renew_all(BLOCKED, AT).unrenewed == (RESERVED_THERE,)
    assert library.renew_all(NOBODY, AT).why is Why.UNKNOWN_PATRON
    assert library.done == [("renewed", WITH_LOANS, BROTHERS), ("renewed", WITH_LOANS, RAILWAY)]


def test_a_pin_is_right_or_wrong_and_an_empty_one_is_taken_for_right(library: Library) -> None:
    given_and_said = {PIN: True, "0000": False, "": True, None: None}
    for given_pin, said in given_and_said.items():
        assert library.patron(WELL, given_pin, AT).pin_right is said
    assert library.patron(NOBODY, PIN, AT).pin_right is False
    assert library.patron(NOBODY, "", AT).pin_right is False


def test_each_patron_is_as_the_table_says(library: Library) -> None:
    flags = {one.card: set(library.flags(one.card)) for one in PATRONS}
    barred = {0, 1, 3}
    assert flags == {
        WITH_LOANS: set(),
        WELL: set(),
        OVERDUE: set(),
        FULL: {5},
        EXPIRED: barred,
        BUSY: set(),
        CARD_LOST: barred | {2, 4},
        BLOCKED: barred,
        WITH_FEES: barred | {10},
        AWAITED: set(),
    }
    assert library.patron(OVERDUE, PIN, AT).overdue == LATE
    assert library.patron(WITH_LOANS, PIN, AT).overdue == ()
    assert len(library.patron(FULL, PIN, AT).loans) == MOST_LOANS
    assert library.patron(AWAITED, PIN, AT).ready == (WAITING,)
    assert library.patron(AWAITED, PIN, AT).queued == (QUEUED,)


def test_paid_fees_bar_no_more(library: Library) -> None:
    assert library.pay(WITH_FEES, Decimal("12.51")) is Why.TOO_MUCH
    assert library.pay(WITH_FEES, Decimal(-1)) is Why.TOO_MUCH
    assert library.pay(WITH_FEES, Decimal("12.50")) is Why.OK
    assert library.flags(WITH_FEES) == frozenset()
    assert library.checkout(WITH_FEES, KALEVALA, AT).done
    assert library.pay(NOBODY, Decimal(1)) is Why.UNKNOWN_PATRON


def test_a_queue_is_joined_once_and_left(library: Library) -> None:
    assert library.reserve(WELL, KALEVALA, HERE) is Why.OK
    assert library.reserve(WELL, KALEVALA, HERE) is Why.RESERVED
    assert library.reserve(BLOCKED, KALEVALA, HERE) is Why.BARRED
    assert library.checkout(AWAITED, KALEVALA, AT).why is Why.RESERVED
    assert library.cancel_reservation(WELL, KALEVALA) is Why.OK
    assert library.cancel_reservation(WELL, KALEVALA) is Why.NOT_RESERVED
    assert library.checkout(AWAITED, KALEVALA, AT).done


def test_what_waits_for_nobody_any_more_is_on_the_shelf(library: Library) -> None:
    library.cancel_reservation(AWAITED, WAITING)
    assert library.place(WAITING) is Place.SHELF


def test_a_card_is_blocked_and_enabled(library: Library) -> None:
    assert library.block(WELL, blocked=True) is Why.OK
    assert library.checkout(WELL, KALEVALA, AT).why is Why.BARRED
    assert library.block(WELL, blocked=False) is Why.OK
    assert library.checkout(WELL, KALEVALA, AT).done
    assert library.block(NOBODY, blocked=True) is Why.UNKNOWN_PATRON


Move = tuple[str, str, str, bool, str]
CARDS = st.sampled_from([*(one.card for one in PATRONS), NOBODY])
NUMBERS = st.sampled_from([*(one.number for one in ITEMS), NOWHERE])
MOVES = st.tuples(
    st.sampled_from(("out", "in", "renew", "all", "unout", "unin", "reserve", "leave")),
    CARDS,
    NUMBERS,
    st.booleans(),
    st.sampled_from((HERE, OTHER)),
)


def played(library: Library, move: Move) -> None:
    what, card, item, free, branch = move
    acts: dict[str, Callable[[], object]] = {
        "out": lambda: library.checkout(card, item, AT, Asked(no_block=free)),
        "in": lambda: library.checkin(item, branch, AT, no_block=free),
        "renew": lambda: library.renew(card, item, AT, no_block=free),
        "all": lambda: library.renew_all(card, AT),
        "unout": lambda: library.cancel_checkout(card, item),
        "unin": lambda: library.cancel_checkin(item),
        "reserve": lambda: library.reserve(card, item, branch),
        "leave": lambda: library.cancel_reservation(card, item),
    }
    acts[what]()


@given(st.lists(MOVES, max_size=40))
def test_whatever_is_asked_the_books_are_right(
    moves: list[Move],
) -> None:
    library = Library(AT)
    had = set(library.loans)
    for move in moves:
        played(library, move)
    counted = Counter((what, item) for what, _, item in library.done)
    ended = Counter(item for what, card, item in library.done if what == "returned" and card)
    for item in library.items:
        ends = counted["unlent", item] + ended[item]
        begins = (item in had) + counted["lent", item] + counted["unreturned", item]
        assert begins - ends == (item in library.loans)
        ready = [hold for hold in library.queue(item) if hold.ready]
        assert len(ready) == (item in library.shelved)
        assert (item in library.loans) + (item in library.bound) + (item in library.shelved) <= 1


@given(st.lists(MOVES, max_size=30))
def test_who_may_borrow_nothing_borrows_nothing(
    moves: list[Move],
) -> None:
    library = Library(AT)
    for what, card, item, _, branch in moves:
        if what != "unin":  # a loan that stands again may be one too many
            played(library, (what, card, item, False, branch))
    barred = {BLOCKED, EXPIRED, CARD_LOST, WITH_FEES}
    assert not [one for one in library.done if one[0] in ("lent", "renewed") and one[1] in barred]
    assert all(len(library.loans_of(one.card)) <= MOST_LOANS for one in PATRONS)
