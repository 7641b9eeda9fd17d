"""Answers that were lost: found out by looking, and nothing done twice."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kioskd.domain.ils import Hold, Refusal, RenewedAll
from kioskd.errors import RegisterError
from sync.sip2.circulate import SipCirculation
from sync.sip2.faults import Malformed, NoAnswer, NotAsked
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
    returned_answer,
    settings,
)

LOST = NoAnswer("gone")
NOTHING = listing("AU"), item_answer("03")  # no loan, and nobody has it


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


async def test_a_loan_that_two_looks_do_not_find_is_asked_for_once_more() -> None:
    circulation, ask = desk(LOST, *NOTHING, *NOTHING, lent_answer())
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert (lent.done, lent.settled, lent.security_off) == (True, False, True)
    assert ask.codes == ["11", "63", "17", "63", "17", "11"]
    assert ask.asked[0] == ask.asked[-1]


async def test_a_loan_that_came_late_is_found_by_the_second_look() -> None:
    circulation, ask = desk(LOST, *NOTHING, listing("AU", ITEM), item_answer("04"))
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert (lent.done, lent.settled) == (True, True)
    assert ask.codes.count("11") == 1


async def test_a_loan_is_never_asked_for_a_third_time() -> None:
    circulation, ask = desk(LOST, *NOTHING, *NOTHING, LOST, *NOTHING)
    assert (await circulation.checkout(CARD, ITEM, LATER)).refused is Refusal.IN_DOUBT
    assert ask.codes.count("11") == 2


async def test_a_second_request_that_was_lost_as_well_may_have_been_done() -> None:
    circulation, _ = desk(LOST, *NOTHING, *NOTHING, LOST, listing("AU", ITEM), item_answer("04"))
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert (lent.done, lent.settled) == (True, True)


async def test_a_refusal_of_the_second_because_of_the_first_is_a_loan() -> None:
    no = lent_answer(ok="0")
    circulation, _ = desk(LOST, *NOTHING, *NOTHING, no, listing("AU", ITEM), item_answer("04"))
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert (lent.done, lent.settled) == (True, True)


async def test_a_refusal_of_the_second_for_its_own_sake_is_one() -> None:
    hindered = patron(code="24", flags=["charge_denied"])
    why = item_answer("03"), hindered
    circulation, _ = desk(LOST, *NOTHING, *NOTHING, lent_answer(ok="0"), *NOTHING, *why)
    assert (await circulation.checkout(CARD, ITEM, LATER)).refused is Refusal.PATRON_HINDERED


async def test_a_refusal_of_the_second_that_nobody_can_look_behind_is_in_doubt() -> None:
    circulation, _ = desk(LOST, *NOTHING, *NOTHING, lent_answer(ok="0"), LOST)
    assert (await circulation.checkout(CARD, ITEM, LATER)).refused is Refusal.IN_DOUBT


@pytest.mark.parametrize(
    "looks",
    [
        [LOST],
        [NotAsked("too late")],
        [Malformed("too_short")],
        [listing("AU", "X1", count=2)],
        [listing("AU", "X1", count="")],
        [listing("AU", bl="N")],
        [listing("AU"), LOST],
        [listing("AU"), item_answer("04")],  # a list of titles, or one that hides from us
        [listing("AU"), item_answer("07")],
        [listing("AU"), item_answer("01")],
        [*NOTHING, LOST],
        [*NOTHING, listing("AU"), item_answer("04")],
    ],
)
async def test_what_nobody_can_settle_is_in_doubt_and_not_asked_again(looks: list[Answer]) -> None:
    circulation, ask = desk(LOST, *looks)
    assert (await circulation.checkout(CARD, ITEM, LATER)).refused is Refusal.IN_DOUBT
    assert ask.codes.count("11") == 1


@pytest.mark.parametrize(
    "answer",
    [
        lent_answer(("AB", "167N00000009")),
        lent_answer(("AA", "167A009999")),
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


async def test_without_time_for_a_second_look_nothing_is_asked_again() -> None:
    clock = HurriedClock()
    ask = ScriptedAsk([LOST, *NOTHING])
    circulation = SipCirculation(ask, settings(), clock, grace_seconds=1.0)
    lent = await circulation.checkout(CARD, ITEM, clock.monotonic() + 0.9)
    assert lent.refused is Refusal.IN_DOUBT
    assert clock.slept == []


async def test_two_looks_are_a_moment_apart() -> None:
    clock = HurriedClock()
    ask = ScriptedAsk([LOST, *NOTHING, *NOTHING, lent_answer()])
    await SipCirculation(ask, settings(), clock, grace_seconds=1.5).checkout(CARD, ITEM, LATER)
    assert clock.slept == [1.5]


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
    ("status", "hold"),
    [("03", Hold.NONE), ("08", Hold.HERE), ("10", Hold.TRANSFER), ("09", Hold.NONE)],
)
async def test_a_return_that_was_taken_is_seen_at_the_item(status: str, hold: Hold) -> None:
    circulation, ask = desk(LOST, item_answer(status))
    told = await circulation.checkin(ITEM, LATER)
    assert (told.done, told.settled, told.hold, told.title) == (True, True, hold, "Kalevala")
    assert not told.security_on
    assert ask.codes == ["09", "17"]


async def test_a_return_of_what_is_still_on_loan_is_asked_for_once_more() -> None:
    circulation, ask = desk(LOST, item_answer("04"), item_answer("04"), returned_answer())
    told = await circulation.checkin(ITEM, LATER)
    assert (told.done, told.settled) == (True, False)
    assert ask.codes == ["09", "17", "17", "09"]


async def test_a_refusal_of_the_second_return_because_of_the_first_is_a_return() -> None:
    no = returned_answer(("CV", "04"), ("CT", "KES"), ok="0")
    circulation, _ = desk(LOST, item_answer("04"), item_answer("04"), no, item_answer("10"))
    told = await circulation.checkin(ITEM, LATER)
    assert (told.done, told.settled) == (True, True)
    assert (told.hold, told.destination) == (Hold.TRANSFER, "KES")


async def test_a_refusal_of_the_second_return_that_nobody_can_look_behind_is_in_doubt() -> None:
    no = returned_answer(ok="0")
    circulation, _ = desk(LOST, item_answer("04"), item_answer("04"), no, LOST)
    assert (await circulation.checkin(ITEM, LATER)).refused is Refusal.IN_DOUBT


async def test_a_return_of_what_nobody_knows_is_refused_in_the_end() -> None:
    unknown = item_answer("01", title="")
    no = returned_answer(ok="0")
    circulation, _ = desk(LOST, unknown, unknown, no, unknown, unknown)
    assert (await circulation.checkin(ITEM, LATER)).refused is Refusal.UNKNOWN_ITEM


@pytest.mark.parametrize("look", [LOST, *(item_answer(status) for status in ("01", "07", "12"))])
async def test_a_return_that_nobody_can_settle_is_in_doubt(look: Answer) -> None:
    circulation, ask = desk(LOST, look)
    assert (await circulation.checkin(ITEM, LATER)).refused is Refusal.IN_DOUBT
    assert ask.codes.count("09") == 1


# Whatever is lost

FAULTS = st.lists(st.sampled_from(["", "lost", "late", "deaf", "unsent"]), max_size=8)
BLAMELESS = {Refusal.IN_DOUBT}


@given(FAULTS, st.booleans(), st.booleans())
@example(["late"], False, False)
@example(["deaf", "", "", "", "", "lost"], False, False)
async def test_a_checkout_is_done_once_at_most_and_told_as_it_is(
    faults: list[str], on_loan: bool, blocked: bool
) -> None:
    shelf = Shelf(iter(faults), on_loan=on_loan, blocked=blocked)
    circulation = SipCirculation(shelf, settings(), HurriedClock(shelf))
    lent = await circulation.checkout(CARD, ITEM, LATER)
    shelf.time_passes()
    assert shelf.done in ([], ["lent"])
    assert shelf.asked.count("11") <= 2
    if lent.done:
        assert shelf.on_loan
    elif lent.refused not in BLAMELESS:
        assert shelf.done == []


@given(FAULTS, st.booleans())
@example(["late"], True)
@example(["deaf", "", "", "lost"], True)
async def test_a_return_is_done_once_at_most_and_told_as_it_is(
    faults: list[str], on_loan: bool
) -> None:
    shelf = Shelf(iter(faults), on_loan=on_loan)
    circulation = SipCirculation(shelf, settings(), HurriedClock(shelf))
    told = await circulation.checkin(ITEM, LATER)
    shelf.time_passes()
    assert shelf.done in ([], ["returned"])
    assert shelf.asked.count("09") <= 2
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
