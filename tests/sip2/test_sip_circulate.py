"""Loans, returns, renewals and the patron's own view, with a library system that answers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from drivers.fakes import MORNING, FakeClock
from kioskd.domain.ils import Hindrance, Hold, Lent, Money, Refusal, Reserved, Returned
from kioskd.errors import InputError, RegisterError
from kioskd.register_ports import Circulation, PatronDesk
from sync.sip2.circulate import SipCirculation, SipPatronDesk
from sync.sip2.dialects import DIALECTS
from sync.sip2.faults import LogInRefused, NoAnswer, NotAsked
from sync.sip2.item_answers import MOST_LISTED
from sync.sip2.messages import Message
from sync.sip2.patron_desk import MAX_ITEMS
from tests.sip2.scripted_ask import (
    CARD,
    DATE,
    ITEM,
    LATER,
    PIN,
    Answer,
    HurriedClock,
    ScriptedAsk,
    item_answer,
    lent_answer,
    listing,
    patron,
    returned_answer,
    settings,
)

NO = lent_answer(ok="0", desensitize="N")
NOT_RENEWED = lent_answer(ok="0", desensitize="N", code="30")


def desk(*answers: Answer) -> tuple[Circulation, ScriptedAsk]:
    ask = ScriptedAsk(answers)
    return SipCirculation(ask, settings(), HurriedClock()), ask


async def why_not_lent(*answers: Answer) -> Refusal | None:
    return (await desk(NO, *answers)[0].checkout(CARD, ITEM, LATER)).refused


async def why_not_renewed(*answers: Answer) -> Refusal | None:
    return (await desk(NOT_RENEWED, *answers)[0].renew(CARD, ITEM, LATER)).refused


async def why_not_taken(*answers: Answer) -> Refusal | None:
    return (await desk(returned_answer(ok="0"), *answers)[0].checkin(ITEM, LATER)).refused


# Loans


async def test_a_loan_is_one_request() -> None:
    circulation, ask = desk(lent_answer(("AJ", "Kalevala")))
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert lent == Lent(ITEM, title="Kalevala", security_off=True)
    assert ask.codes == ["11"]


async def test_consent_to_a_fee_goes_with_the_second_request() -> None:
    costs = lent_answer(("BV", "2.00"), ok="0")
    circulation, ask = desk(costs, lent_answer())
    assert (await circulation.checkout(CARD, ITEM, LATER)).refused is Refusal.FEE_UNCONFIRMED
    assert (await circulation.checkout(CARD, ITEM, LATER, fee_accepted=True)).done
    assert [asked.first("BO") for asked in ask.asked] == ["N", "Y"]


async def test_an_item_that_nobody_knows() -> None:
    assert await why_not_lent(item_answer("01", title="")) is Refusal.UNKNOWN_ITEM


async def test_an_item_that_is_on_loan_to_somebody_else() -> None:
    assert await why_not_lent(item_answer("04"), listing("AU", "X1")) is Refusal.ON_LOAN


async def test_ones_own_loan_is_not_told_as_somebody_elses() -> None:
    due = ("AH", "20261207")
    circulation, _ = desk(NO, item_answer("04", due), listing("AU", ITEM))
    lent = await circulation.checkout(CARD, ITEM, LATER)
    assert (lent.refused, lent.title, lent.due_text) == (Refusal.REFUSED, "Kalevala", "20261207")


async def test_an_item_that_waits_for_somebody_else() -> None:
    assert await why_not_lent(item_answer("08"), patron(code="24")) is Refusal.RESERVED


async def test_a_hindered_patron_is_told_so_rather_than_that_their_own_item_is_reserved() -> None:
    hindered = patron(code="24", flags=["charge_denied"])
    assert await why_not_lent(item_answer("08"), hindered) is Refusal.PATRON_HINDERED


@pytest.mark.parametrize(("queue", "why"), [("1", Refusal.RESERVED), ("0", Refusal.REFUSED)])
async def test_an_item_on_its_shelf_that_somebody_waits_for(queue: str, why: Refusal) -> None:
    shelved = item_answer("03", ("CF", queue))
    assert await why_not_lent(shelved, patron(code="24")) is why


async def test_an_available_item_and_a_hindered_patron() -> None:
    hindered = patron(code="24", flags=["too_many_charged"])
    assert await why_not_lent(item_answer("03"), hindered) is Refusal.PATRON_HINDERED


async def test_an_available_item_and_a_patron_that_nobody_knows() -> None:
    assert await why_not_lent(item_answer("03"), patron(code="24", bl="N")) is (
        Refusal.UNKNOWN_PATRON
    )


async def test_what_nothing_explains_is_refused_and_no_more() -> None:
    assert await why_not_lent(item_answer("03"), patron(code="24")) is Refusal.REFUSED


@pytest.mark.parametrize("fault", [NotAsked(""), NoAnswer("")])
async def test_a_refusal_that_cannot_be_explained_stays_one(fault: RegisterError) -> None:
    assert await why_not_lent(fault, fault) is Refusal.REFUSED
    assert await why_not_renewed(fault, fault, fault) is Refusal.REFUSED
    assert await why_not_taken(fault) is Refusal.REFUSED


@pytest.mark.parametrize("fault", [NotAsked("down"), LogInRefused("no")])
async def test_what_was_never_asked_is_unavailable(fault: RegisterError) -> None:
    circulation, ask = desk(*[fault] * 4)
    answers = (
        await circulation.checkout(CARD, ITEM, LATER),
        await circulation.renew(CARD, ITEM, LATER),
        await circulation.checkin(ITEM, LATER),
        await circulation.renew_all(CARD, LATER),
    )
    assert {answer.refused for answer in answers} == {Refusal.UNAVAILABLE}
    assert ask.codes == ["11", "29", "09", "65"]


async def test_nothing_is_asked_for_what_no_message_could_carry() -> None:
    circulation, ask = desk()
    for call in (
        circulation.checkout("A|B", ITEM, LATER),
        circulation.checkout(CARD, "", LATER),
        circulation.renew(CARD, "x\ny", LATER),
        circulation.checkin(" ", LATER),
        circulation.renew_all("7" * 65, LATER),
    ):
        with pytest.raises(InputError):
            await call
    assert ask.asked == []


async def test_what_was_lent_in_silence_is_told_with_its_own_time() -> None:
    circulation, ask = desk(lent_answer(), returned_answer())
    await circulation.checkout(CARD, ITEM, LATER, happened=MORNING - timedelta(hours=1))
    await circulation.checkin(ITEM, LATER, happened=MORNING - timedelta(hours=1))
    assert [asked.fixed["no_block"] for asked in ask.asked] == ["Y", "Y"]
    assert {asked.fixed["transaction_date"] for asked in ask.asked} == {"20261123    090000"}


# Renewals


async def test_a_renewal_is_one_request() -> None:
    circulation, ask = desk(lent_answer(("AH", "20261221"), code="30"))
    lent = await circulation.renew(CARD, ITEM, LATER)
    assert (lent.done, lent.renewed, lent.due_text) == (True, True, "20261221")
    assert ask.codes == ["29"]


async def test_an_item_that_nobody_has_cannot_be_renewed() -> None:
    assert await why_not_renewed(item_answer("03")) is Refusal.NOT_ON_LOAN
    assert await why_not_renewed(item_answer("01", title="")) is Refusal.UNKNOWN_ITEM
    assert await why_not_renewed(item_answer("12")) is Refusal.LOST_ITEM


async def test_a_patron_whose_renewals_are_denied() -> None:
    for flag in ("renewal_denied", "charge_denied"):
        hindered = patron(code="24", flags=[flag])
        assert await why_not_renewed(item_answer("04"), hindered) is Refusal.PATRON_HINDERED


async def test_ones_own_loan_that_has_been_renewed_often_enough() -> None:
    fine = item_answer("04"), patron(code="24")
    assert await why_not_renewed(*fine, listing("AU", ITEM)) is Refusal.RENEWAL_LIMIT


async def test_somebody_elses_loan_cannot_be_renewed() -> None:
    fine = item_answer("04"), patron(code="24")
    assert await why_not_renewed(*fine, listing("AU", "X1")) is Refusal.ON_LOAN
    assert await why_not_renewed(*fine, listing("AU", "X1", count=2)) is Refusal.REFUSED


def all_answer(ok: str, *fields: tuple[str, str]) -> Message:
    parts = {"ok": ok, "renewed_count": "0000", "unrenewed_count": "0000"}
    return Message("66", {**parts, "transaction_date": DATE}, fields)


async def test_all_renewals_and_why_none() -> None:
    circulation, _ = desk(
        all_answer("1", ("BM", "A1"), ("BN", "B2")),
        all_answer("0"),
        patron(code="24", flags=["renewal_denied"]),
    )
    done = await circulation.renew_all(CARD, LATER)
    assert (done.renewed, done.unrenewed, done.refused) == (("A1",), ("B2",), None)
    assert (await circulation.renew_all(CARD, LATER)).refused is Refusal.PATRON_HINDERED


# Returns


async def test_a_return_is_one_request() -> None:
    circulation, ask = desk(returned_answer(("CV", "04"), ("CT", "KES")))
    wanted = Returned(ITEM, hold=Hold.TRANSFER, destination="KES", security_on=True)
    assert await circulation.checkin(ITEM, LATER) == wanted
    assert ask.codes == ["09"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (item_answer("01", title=""), Refusal.UNKNOWN_ITEM),
        (item_answer("03"), Refusal.NOT_ON_LOAN),
        (item_answer("08"), Refusal.NOT_ON_LOAN),
        (item_answer("12"), Refusal.LOST_ITEM),
        (item_answer("04"), Refusal.REFUSED),
    ],
)
async def test_why_a_return_was_refused(answer: Message, why: Refusal) -> None:
    assert await why_not_taken(answer) is why


async def test_a_refused_return_keeps_where_it_goes() -> None:
    circulation, _ = desk(returned_answer(("CV", "04"), ("CT", "KES"), ok="0"), item_answer("10"))
    told = await circulation.checkin(ITEM, LATER)
    assert (told.refused, told.destination) == (Refusal.NOT_ON_LOAN, "KES")


# What patrons see of themselves


def view(*answers: Answer, **knobs: bool) -> tuple[PatronDesk, ScriptedAsk]:
    ask = ScriptedAsk(answers)
    spoken = replace(DIALECTS["koha"], **knobs)  # type: ignore[arg-type]
    return SipPatronDesk(ask, settings(spoken), FakeClock()), ask


def catalogue(
    loans: list[str], ready: list[str], waiting: list[str]
) -> Callable[[Message], Answer]:
    def answer(asked: Message) -> Answer:
        if asked.code == "17":
            item = asked.first("AB") or ""
            fields = ("AH", "20261122    235900"), ("AP", "ESI"), ("CM", "20261130    000000")
            return item_answer("04", *fields, item=item, title=f"Title of {item}")
        kind = {0: "AS", 2: "AU", 5: "CD"}[asked.fixed["summary"].index("Y")]
        return listing(kind, *{"AS": ready, "AU": loans, "CD": waiting}[kind])

    return answer


async def test_a_summary_has_titles_and_due_days() -> None:
    ask = ScriptedAsk(catalogue(["L1"], ["R1", "W1"], ["W1"]))
    summary = await SipPatronDesk(ask, settings(), FakeClock()).summary(CARD, PIN, LATER)
    (loan,) = summary.loans
    assert (loan.item, loan.title, loan.due_text) == ("L1", "Title of L1", "20261122 235900")
    assert loan.overdue
    assert summary.reservations == (
        Reserved("R1", "Title of R1", True, "ESI", "2026-11-30"),
        Reserved("W1", "Title of W1"),
    )
    assert summary.whole
    assert [asked.fixed["summary"].index("Y") for asked in ask.asked[:3]] == [2, 0, 5]
    assert all(asked.first("AD") == PIN for asked in ask.asked[:3])


async def test_a_summary_has_fees_and_what_hinders() -> None:
    opened = patron(
        ("BV", "12.50"), ("BH", "EUR"), flags=["excessive_fees"], charged_items_count="0000"
    )
    shown, _ = view(opened, listing("AS"), listing("CD"))
    summary = await shown.summary(CARD, PIN, LATER)
    assert (summary.fees, summary.lending) == (Money("12.50", "EUR"), (Hindrance.FEES,))
    assert (summary.loans, summary.whole) == ((), True)


@pytest.mark.parametrize("more", [{"cq": "N"}, {"cq": None}, {"bl": "N"}, {"card": "X"}])
async def test_nothing_is_shown_before_the_pin_was_right(more: dict[str, str]) -> None:
    shown, ask = view(listing("AU", "L1", **more))
    with pytest.raises(RegisterError):
        await shown.summary(CARD, PIN, LATER)
    assert len(ask.asked) == 1


async def test_an_empty_pin_shows_nothing_and_asks_nothing() -> None:
    shown, ask = view()
    with pytest.raises(InputError):
        await shown.summary(CARD, " ", LATER)
    assert ask.asked == []


async def test_a_list_that_could_not_be_asked_for_is_told() -> None:
    shown, _ = view(listing("AU"), NoAnswer(""), listing("CD"))
    assert not (await shown.summary(CARD, PIN, LATER)).whole
    shown, _ = view(listing("AU", count=3), listing("AS"), listing("CD"))
    assert not (await shown.summary(CARD, PIN, LATER)).whole


async def test_items_beyond_the_deadline_are_shown_by_number() -> None:
    shown, ask = view(
        listing("AU", "L1", "L2", "L3"),
        listing("AS"),
        listing("CD"),
        item_answer("04", item="L1"),
        NotAsked("too late"),
    )
    summary = await shown.summary(CARD, PIN, LATER)
    assert [loan.title for loan in summary.loans] == ["Kalevala", "", ""]
    assert not summary.whole
    assert ask.codes.count("17") == 2


async def test_no_more_items_are_asked_for_than_others_can_wait_for() -> None:
    numbers = [f"L{n}" for n in range(MAX_ITEMS + 1)]
    ask = ScriptedAsk(catalogue(numbers, [], []))
    summary = await SipPatronDesk(ask, settings(), FakeClock()).summary(CARD, PIN, LATER)
    assert ask.codes.count("17") == MAX_ITEMS
    assert (len(summary.loans), summary.whole) == (MAX_ITEMS + 1, False)


async def test_lists_without_end_are_cut_and_that_is_told() -> None:
    numbers = [f"{n:x}" for n in range(9000)]
    ask = ScriptedAsk(catalogue(numbers, numbers, numbers[1:]))
    summary = await SipPatronDesk(ask, settings(), FakeClock()).summary(CARD, PIN, LATER)
    assert (len(summary.loans), summary.whole) == (MOST_LISTED, False)
    assert len(summary.reservations) == MOST_LISTED + 1
    assert [one.item for one in summary.reservations if one.ready] == ["0"]


async def test_loans_of_somebody_unsaid_are_not_shown() -> None:
    shown, ask = view(patron(("AU", "L1"), card=None, charged_items_count="0001"))
    with pytest.raises(RegisterError, match="whose"):
        await shown.summary(CARD, PIN, LATER)
    assert len(ask.asked) == 1


@pytest.mark.parametrize("title", ["Kalevala: " + "runoja " * 12, "Välskäri"])
async def test_a_list_of_titles_is_shown_as_it_is(title: str) -> None:
    shown, ask = view(listing("AU", title), listing("AS"), listing("CD"))
    (loan,) = (await shown.summary(CARD, PIN, LATER)).loans
    assert loan.item == title.strip()
    assert "17" not in ask.codes


async def test_the_end_of_a_visit_is_said_where_it_is_wanted() -> None:
    over = Message("36", {"end_session": "Y", "transaction_date": DATE}, [("AA", CARD)])
    shown, ask = view(over)
    await shown.end(CARD, LATER)
    assert ask.codes == ["35"]
    shown, ask = view(send_end=False)
    await shown.end(CARD, LATER)
    assert ask.codes == []
