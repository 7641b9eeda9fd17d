"""Answers that were lost: found out by looking, and nothing done twice."""

from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kioskd.domain.ils import Hold, Refusal, RenewedAll, Returned
from kioskd.errors import RegisterError
from sync.sip2.circulate import SipCirculation
from sync.sip2.faults import Malformed, NoAnswer, NotAsked
from sync.sip2.messages import Message
from tests.sip2.scripted_ask import (
    CARD,
    ITEM,
    LATER,
    Answer,
    HurriedClock,
    ScriptedAsk,
    Shelf,
    item_answer,
    lent_answer,
    listing,
    patron,
    settings,
)

LOST = NoAnswer("gone")


def desk(*answers: Answer) -> tuple[SipCirculation, ScriptedAsk]:
    ask = ScriptedAsk(answers)
    return SipCirculation(ask, settings(), HurriedClock()), ask


# Loans


async def test_a_loan_that_was_made_is_found_among_the_patrons_loans() -> None:
    due = ("AH", "20261207    235900")
    circulation, ask = desk(LOST, listing("AU", "X1", ITEM.lower()), item_answer("04", due))
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert (lent.done, lent.settled, lent.title) == (True, True, "Kalevala")
    assert lent.due is not None
    assert ask.codes == ["11", "63", "17"]
    assert ask.asked[1].every("AD") == ()


async def test_a_settled_loan_does_not_switch_security_off_unasked() -> None:
    circulation, _ = desk(LOST, listing("AU", ITEM), LOST)
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert (lent.done, lent.settled, lent.security_off, lent.due) == (True, True, False, None)


@pytest.mark.parametrize("first", [listing("AU"), listing("AU", "X1", count=2), LOST])
async def test_a_loan_that_came_late_is_found_by_the_second_look(first: Answer) -> None:
    circulation, ask = desk(LOST, first, listing("AU", ITEM), item_answer("04"))
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert (lent.done, lent.settled) == (True, True)
    assert ask.codes == ["11", "63", "63", "17"]


@pytest.mark.parametrize(
    "look",
    [
        LOST,
        NotAsked("too late"),
        Malformed("too_short"),
        listing("AU"),  # whole and empty: a slow one may be at it still
        listing("AU", "X1", count=2),
        listing("AU", "X1", count=""),
        listing("AU", bl="N"),
        listing("AU", ITEM, card="X"),
        patron(("AU", ITEM), card=None, charged_items_count="0001"),
    ],
)
async def test_a_loan_that_two_looks_do_not_find_is_in_doubt_and_not_asked_for_again(
    look: Answer,
) -> None:
    circulation, ask = desk(LOST, look, look)
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert (lent.refused, lent.settled) == (Refusal.IN_DOUBT, False)
    assert ask.codes == ["11", "63", "63"]


@pytest.mark.parametrize(
    "answer",
    [
        lent_answer(("AB", "167N00000009")),
        lent_answer(("AA", "167A009999")),
        Message("12", lent_answer().fixed, [("AO", "ESI"), ("AA", CARD)]),
        lent_answer(code="30"),
        Malformed("truncated_fixed_field:ok", "12"),
        RegisterError("anything else"),
    ],
)
async def test_an_answer_to_something_else_is_a_lost_answer(answer: Answer) -> None:
    circulation, ask = desk(answer, listing("AU", ITEM), item_answer("04"))
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert (lent.done, lent.settled) == (True, True)
    assert ask.codes.count("11") == 1


async def test_without_time_for_a_second_look_there_is_none() -> None:
    clock = HurriedClock()
    ask = ScriptedAsk([LOST, listing("AU")])
    circulation = SipCirculation(ask, settings(), clock, pause_seconds=1.0)
    lent = await circulation.checkout(CARD, ITEM, clock.monotonic() + 0.9)
    assert lent.refused is Refusal.IN_DOUBT
    assert clock.slept == []


async def test_two_looks_are_a_pause_apart_and_what_is_found_waits_for_none() -> None:
    for loans, slept in (([], [1.5]), ([ITEM], [])):
        clock = HurriedClock()
        look = listing("AU", *loans)
        ask = ScriptedAsk([LOST, look, item_answer("04") if loans else look])
        await SipCirculation(ask, settings(), clock, pause_seconds=1.5).checkout(CARD, ITEM, LATER)
        assert clock.slept == slept


# Renewals


async def test_a_renewal_is_never_asked_for_again_and_tells_the_day_as_it_stands() -> None:
    circulation, ask = desk(LOST, item_answer("04", ("AH", "20261221    235900")))
    lent = await circulation.renew(CARD, ITEM, LATER)
    assert (lent.refused, lent.due_text) == (Refusal.IN_DOUBT, "20261221 235900")
    assert lent.due is not None
    assert ask.codes == ["29", "17"]


async def test_a_renewal_that_nobody_can_look_behind_is_in_doubt() -> None:
    circulation, ask = desk(LOST, LOST)
    lent = await circulation.renew(CARD, ITEM, LATER)
    assert (lent.refused, lent.due) == (Refusal.IN_DOUBT, None)
    assert ask.codes == ["29", "17"]


async def test_what_nobody_has_was_not_renewed() -> None:
    circulation, _ = desk(LOST, item_answer("03"), LOST, item_answer("01", title=""))
    assert (await circulation.renew(CARD, ITEM, LATER)).refused is Refusal.NOT_ON_LOAN
    assert (await circulation.renew(CARD, ITEM, LATER)).refused is Refusal.UNKNOWN_ITEM


async def test_all_renewals_without_an_answer_are_in_doubt() -> None:
    circulation, ask = desk(LOST)
    assert await circulation.renew_all(CARD, LATER) == RenewedAll(refused=Refusal.IN_DOUBT)
    assert ask.codes == ["65"]


# Returns


@pytest.mark.parametrize(
    ("look", "hold"),
    [
        (item_answer("03"), Hold.NONE),
        (item_answer("03", ("CF", "0")), Hold.NONE),
        (item_answer("09", ("CF", " 0000")), Hold.NONE),
        (item_answer("08", ("CF", "1")), Hold.HERE),
    ],
)
async def test_a_return_that_was_taken_is_seen_at_the_item(look: Message, hold: Hold) -> None:
    circulation, ask = desk(LOST, look)
    told = await circulation.checkin(ITEM, LATER)
    assert (told.done, told.settled, told.hold, told.title) == (True, True, hold, "Kalevala")
    assert not told.security_on
    assert ask.codes == ["09", "17"]


@pytest.mark.parametrize(
    ("look", "hold"),
    [
        *((item_answer(status), Hold.NONE) for status in ("01", "02", "04", "05", "06", "07")),
        *((item_answer(status), Hold.NONE) for status in ("11", "12", "13")),
        (item_answer("10"), Hold.TRANSFER),
        (item_answer("03", ("CF", "1")), Hold.NONE),
        (item_answer("03", ("CF", "0"), ("CF", "1")), Hold.NONE),
        (item_answer("03", ("CF", "many")), Hold.NONE),
        (item_answer("09", ("CF", "2")), Hold.NONE),
    ],
)
async def test_a_return_of_what_stands_otherwise_is_in_doubt_and_not_asked_for_again(
    look: Message, hold: Hold
) -> None:
    circulation, ask = desk(LOST, look, look)
    told = await circulation.checkin(ITEM, LATER)
    wanted = Returned(ITEM, Refusal.IN_DOUBT, title="Kalevala", hold=hold)
    assert told == wanted
    assert ask.codes == ["09", "17", "17"]


@pytest.mark.parametrize(
    "look",
    [
        LOST,
        item_answer("01", title=""),
        item_answer("03", item="167N00000009"),
        Message("18", item_answer("03").fixed, [("AJ", "Kalevala")]),
    ],
)
async def test_a_return_that_nobody_can_settle_is_in_doubt(look: Answer) -> None:
    circulation, ask = desk(LOST, look, look)
    assert await circulation.checkin(ITEM, LATER) == Returned(ITEM, Refusal.IN_DOUBT)
    assert ask.codes.count("09") == 1


async def test_a_return_that_came_late_is_found_by_the_second_look() -> None:
    circulation, ask = desk(LOST, item_answer("04"), item_answer("03"))
    told = await circulation.checkin(ITEM, LATER)
    assert (told.done, told.settled) == (True, True)
    assert ask.codes == ["09", "17", "17"]


async def test_what_the_first_look_saw_is_told_where_the_second_sees_nothing() -> None:
    circulation, _ = desk(LOST, item_answer("10"), LOST)
    told = await circulation.checkin(ITEM, LATER)
    assert (told.refused, told.hold, told.title) == (Refusal.IN_DOUBT, Hold.TRANSFER, "Kalevala")


# Whatever is lost

FAULTS = st.lists(st.sampled_from(["", "lost", "late", "deaf", "unsent"]), max_size=8)
BLAMELESS = {Refusal.IN_DOUBT}


@dataclass
class KohaShelf(Shelf):
    """A second loan of one's own loan renews it."""

    def _lend(self) -> Message:
        if not self.on_loan:
            return super()._lend()
        self.done.append("renewed")
        return lent_answer(("AH", "20261207    235900"), renewal_ok="Y", desensitize="N")


def clock_of(shelf: Shelf, *, slow: bool) -> HurriedClock:
    """slow: however long the pause is, what is late comes after it."""
    return HurriedClock(None if slow else shelf)


@given(FAULTS, st.booleans(), st.booleans(), st.booleans())
@example(["late"], False, False, True)
@example(["late"], False, False, False)
@example(["deaf", "", "", "", "", "lost"], False, False, False)
async def test_a_checkout_is_done_once_at_most_and_told_as_it_is(
    faults: list[str], on_loan: bool, blocked: bool, slow: bool
) -> None:
    for kind in (Shelf, KohaShelf):
        shelf = kind(iter(faults), on_loan=on_loan, blocked=blocked)
        circulation = SipCirculation(shelf, settings(), clock_of(shelf, slow=slow))
        lent = await circulation.checkout(CARD, ITEM, LATER)
        shelf.time_passes()
        assert len(shelf.done) <= 1
        assert shelf.asked.count("11") == 1
        if lent.done:
            assert shelf.on_loan
        elif lent.refused not in BLAMELESS:
            assert shelf.done == []


@given(FAULTS, st.booleans(), st.booleans())
@example(["late"], True, True)
@example(["late"], True, False)
@example(["deaf", "", "", "lost"], True, False)
async def test_a_return_is_done_once_at_most_and_told_as_it_is(
    faults: list[str], on_loan: bool, slow: bool
) -> None:
    shelf = Shelf(iter(faults), on_loan=on_loan)
    circulation = SipCirculation(shelf, settings(), clock_of(shelf, slow=slow))
    told = await circulation.checkin(ITEM, LATER)
    shelf.time_passes()
    assert shelf.done in ([], ["returned"])
    assert shelf.asked.count("09") == 1
    if told.done:
        assert not shelf.on_loan
    elif told.refused not in BLAMELESS:
        assert shelf.done == []


@given(FAULTS, st.booleans(), st.integers(0, 2))
async def test_a_renewal_is_asked_for_once_and_told_as_it_is(
    faults: list[str], on_loan: bool, left: int
) -> None:
    shelf = Shelf(iter(faults), on_loan=on_loan, renewals_left=left)
    circulation = SipCirculation(shelf, settings(), HurriedClock(shelf))
    lent = await circulation.renew(CARD, ITEM, LATER)
    shelf.time_passes()
    assert shelf.asked.count("29") == 1
    if lent.done:
        assert shelf.done == ["renewed"]
    elif lent.refused not in BLAMELESS:
        assert shelf.done == []
