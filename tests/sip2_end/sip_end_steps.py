"""What a patron does at a device, and what the demo's library answers when nothing goes wrong."""

from collections.abc import Callable
from typing import Final

from kioskd.domain.ils import (
    Hold,
    Lent,
    Money,
    PatronSummary,
    PatronVerdict,
    Recheck,
    Refusal,
    RenewedAll,
    Returned,
    Standing,
)
from sync.demo_ils import catalogue, people
from sync.demo_ils.catalogue import OTHER, Item
from tests.sip2_end.sip_end_client import soon
from tests.sip2_end.sip_end_honest import Outcome, Step

# ---- what is right


def stands(standing: Standing) -> Callable[[Outcome], bool]:
    return lambda found: isinstance(found, PatronVerdict) and found.standing is standing


def known(*, is_known: bool) -> Callable[[Outcome], bool]:
    return lambda found: isinstance(found, Recheck) and found.known is is_known


def lent(item: str, *, renewed: bool = False) -> Callable[[Outcome], bool]:
    title = _item(item).title

    def right(found: Outcome) -> bool:
        if not isinstance(found, Lent) or not found.done or found.due is None:
            return False
        return (found.item, found.title, found.renewed) == (item, title, renewed)

    return right


def refused(why: Refusal) -> Callable[[Outcome], bool]:
    return lambda found: isinstance(found, Lent | Returned) and found.refused is why


def theirs_already(found: Outcome) -> bool:
    """Not lent anew, with the day it is due. Settled it counts as done: it is among their loans."""
    if not isinstance(found, Lent) or found.due is None:
        return False
    return found.settled if found.done else found.refused is Refusal.REFUSED


def costs(amount: str) -> Callable[[Outcome], bool]:
    def right(found: Outcome) -> bool:
        fee = Money(amount, catalogue.CURRENCY)
        return refused(Refusal.FEE_UNCONFIRMED)(found) and getattr(found, "fee", None) == fee

    return right


def back(item: str, hold: Hold, destination: str = "") -> Callable[[Outcome], bool]:
    title = _item(item).title

    def right(found: Outcome) -> bool:
        if not isinstance(found, Returned) or not found.done:
            return False
        said = (found.item, found.title, found.hold, found.destination)
        return said == (item, title, hold, destination)

    return right


def all_renewed(found: Outcome) -> bool:
    if not isinstance(found, RenewedAll) or found.refused is not None:
        return False
    renewed = {catalogue.BROTHERS, catalogue.RAILWAY}
    return set(found.renewed) == renewed and set(found.unrenewed) == {catalogue.SAGNER}


def three_loans(found: Outcome) -> bool:
    mine = {one: _item(one).title for one in THREE}
    if not isinstance(found, PatronSummary) or not found.whole:
        return False
    return {loan.item: loan.title for loan in found.loans} == mine


def owes(found: Outcome) -> bool:
    fees = Money("12.50", catalogue.CURRENCY)
    return isinstance(found, PatronSummary) and found.whole and found.fees == fees


def one_ready(found: Outcome) -> bool:
    if not isinstance(found, PatronSummary) or not found.whole:
        return False
    held = {one.item: one.ready for one in found.reservations}
    return held == {catalogue.WAITING: True, catalogue.QUEUED: False}


def nothing(found: Outcome) -> bool:
    return found is None


def _item(number: str) -> Item:
    return next(one for one in catalogue.ITEMS if one.number == number)


# ---- the steps

THREE: Final = (catalogue.BROTHERS, catalogue.SAGNER, catalogue.RAILWAY)
UMLAUTS: Final = catalogue.ON_SHELF[2]
NO_ITEM: Final = "167N00009999"


def _verify(name: str, card: str, pin: str, standing: Standing) -> Step:
    return Step(name, "63", lambda w: w.verifier.verify(card, pin, soon()), stands(standing))


def _recheck(name: str, card: str, *, is_known: bool) -> Step:
    return Step(name, "23", lambda w: w.verifier.recheck(card, soon()), known(is_known=is_known))


def _lends(name: str, card: str, item: str, *, fee: bool = False) -> Step:
    return Step(
        name,
        "11",
        lambda w: w.circulation.checkout(card, item, soon(), fee_accepted=fee),
        lent(item),
        (("lent", card, item),),
    )


def _lends_not(name: str, card: str, item: str, right: Callable[[Outcome], bool]) -> Step:
    return Step(name, "11", lambda w: w.circulation.checkout(card, item, soon()), right)


def _takes(name: str, card: str, item: str, right: Callable[[Outcome], bool]) -> Step:
    done = (("returned", card, item),)
    return Step(name, "09", lambda w: w.circulation.checkin(item, soon()), right, done)


def _sees(name: str, card: str, right: Callable[[Outcome], bool]) -> Step:
    return Step(name, "63", lambda w: w.desk.summary(card, people.PIN, soon()), right)


STEPS: Final = (
    _verify("the right PIN", people.WELL, people.PIN, Standing.OK),
    _verify("a wrong PIN", people.WELL, "0000", Standing.WRONG),
    _verify("a card that nobody knows", people.NOBODY, people.PIN, Standing.UNKNOWN),
    _verify("a card reported lost", people.CARD_LOST, people.PIN, Standing.DENIED),
    _recheck("looking a card up", people.WELL, is_known=True),
    _recheck("looking up a card that nobody knows", people.NOBODY, is_known=False),
    _lends("a loan", people.WELL, catalogue.KALEVALA),
    _lends("a loan with umlauts", people.WELL, UMLAUTS),
    _lends("a loan that costs, accepted", people.WELL, catalogue.WITH_FEE, fee=True),
    _lends("a loan of what waits for this patron", people.AWAITED, catalogue.WAITING),
    _lends_not("a loan that costs", people.WELL, catalogue.WITH_FEE, costs("2.00")),
    _lends_not(
        "a loan to a blocked patron",
        people.BLOCKED,
        catalogue.KALEVALA,
        refused(Refusal.PATRON_HINDERED),
    ),
    _lends_not("a loan of one's own loan", people.WITH_LOANS, catalogue.BROTHERS, theirs_already),
    _lends_not(
        "a loan of what is on loan", people.WELL, catalogue.BROTHERS, refused(Refusal.ON_LOAN)
    ),
    _lends_not(
        "a loan of what is reserved", people.WELL, catalogue.RESERVED, refused(Refusal.RESERVED)
    ),
    _lends_not(
        "a loan of what waits for another",
        people.WELL,
        catalogue.WAITING,
        refused(Refusal.RESERVED),
    ),
    _lends_not("a loan of nothing", people.WELL, NO_ITEM, refused(Refusal.UNKNOWN_ITEM)),
    Step(
        "a renewal",
        "29",
        lambda w: w.circulation.renew(people.WITH_LOANS, catalogue.BROTHERS, soon()),
        lent(catalogue.BROTHERS, renewed=True),
        (("renewed", people.WITH_LOANS, catalogue.BROTHERS),),
    ),
    Step(
        "a renewal too many",
        "29",
        lambda w: w.circulation.renew(people.WITH_LOANS, catalogue.SAGNER, soon()),
        refused(Refusal.RENEWAL_LIMIT),
    ),
    Step(
        "a renewal of everything",
        "65",
        lambda w: w.circulation.renew_all(people.WITH_LOANS, soon()),
        all_renewed,
        (
            ("renewed", people.WITH_LOANS, catalogue.BROTHERS),
            ("renewed", people.WITH_LOANS, catalogue.RAILWAY),
        ),
    ),
    _takes("a return", people.WITH_LOANS, catalogue.BROTHERS, back(catalogue.BROTHERS, Hold.NONE)),
    _takes(
        "a return of the other branch's",
        people.BUSY,
        catalogue.TRAVELS,
        back(catalogue.TRAVELS, Hold.TRANSFER, OTHER),
    ),
    _takes(
        "a return of what is reserved",
        people.BUSY,
        catalogue.QUEUED,
        back(catalogue.QUEUED, Hold.OTHER),
    ),
    Step(
        "a return of nothing",
        "09",
        lambda w: w.circulation.checkin(NO_ITEM, soon()),
        refused(Refusal.UNKNOWN_ITEM),
    ),
    _sees("one's loans", people.WITH_LOANS, three_loans),
    _sees("one's fees", people.WITH_FEES, owes),
    _sees("one's reservations", people.AWAITED, one_ready),
    Step("the end of a visit", "35", lambda w: w.desk.end(people.WELL, soon()), nothing),
)
