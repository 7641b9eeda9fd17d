"""What answers say of loans, returns, items and lists."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.ils import (
    Hold,
    Lent,
    Money,
    Refusal,
    Returned,
)
from kioskd.errors import RegisterError
from sync.sip2 import requests
from sync.sip2.dialects import DIALECTS
from sync.sip2.fields import clean, money, same
from sync.sip2.item_answers import (
    MOST_LISTED,
    item_facts,
    lent,
    listed,
    renewed_all,
    returned,
)
from sync.sip2.messages import Field, Message
from sync.sip2.requests import Summary
from tests.sip2.scripted_ask import (
    CARD,
    DATE,
    ITEM,
    NOON,
    PIN,
    item_answer,
    lent_answer,
    listing,
    patron,
    returned_answer,
    settings,
)

HERE = settings()
KOHA = DIALECTS["koha"]
ASKED = requests.patron_information(HERE, NOON, CARD, pin=PIN)
LEND = requests.checkout(HERE, NOON, CARD, ITEM)
RENEW = requests.renew(HERE, NOON, CARD, ITEM)
TAKE = requests.checkin(HERE, NOON, ITEM)
LOOK = requests.item_information(HERE, NOON, ITEM)
ALL = requests.renew_all(HERE, NOON, CARD)
DUE = datetime(2026, 12, 7, 23, 59, tzinfo=ZoneInfo("Europe/Helsinki"))


# Loans


def test_a_loan() -> None:
    answer = lent_answer(("AJ", "Kalevala"), ("AH", "20261207    235900"), ("CK", "001"))
    assert lent(LEND, answer, HERE) == Lent(
        ITEM,
        title="Kalevala",
        due=DUE,
        due_text="20261207 235900",
        security_off=True,
        media="001",
    )


def test_a_due_date_that_cannot_be_read_is_shown_as_it_came() -> None:
    told = lent(LEND, lent_answer(("AH", "maanantaina\r\n 7.\x1b[2J joulukuuta")), HERE)
    assert (told.due, told.due_text) == (None, "maanantaina 7. [2J joulukuuta")


def test_one_s_own_loan_again_is_told_as_renewed() -> None:
    assert lent(LEND, lent_answer(renewal_ok="Y"), HERE).renewed
    assert not lent(LEND, lent_answer(renewal_ok="Y", ok="0"), HERE).renewed
    assert lent(RENEW, lent_answer(code="30"), HERE).renewed


@pytest.mark.parametrize(
    ("ok", "sign", "off"),
    [("1", "Y", True), ("Y", "Y", True), ("1", "N", False), ("1", "U", False), ("0", "Y", False)],
)
def test_security_goes_off_only_after_a_loan_that_was_made(ok: str, sign: str, off: bool) -> None:
    assert lent(LEND, lent_answer(ok=ok, desensitize=sign), HERE).security_off is off


def test_a_fee_that_nobody_agreed_to_is_asked_about() -> None:
    answer = lent_answer(("BV", "2.00"), ("BH", "EUR"), ok="0")
    asked = lent(LEND, answer, HERE)
    assert (asked.refused, asked.fee) == (Refusal.FEE_UNCONFIRMED, Money("2.00", "EUR"))
    agreed = requests.checkout(HERE, NOON, CARD, ITEM, fee_accepted=True)
    assert lent(agreed, answer, HERE).refused is Refusal.REFUSED


@pytest.mark.parametrize(
    ("amount", "fee"),
    [
        ("0.00", None),
        ("0", None),
        ("", None),
        ("0,00", None),
        ("-1.00", None),
        ("free", None),
        ("１", None),
        (" 12,50 ", Money("12,50", "EUR")),
        ("100", Money("100", "EUR")),
        ("0.05", Money("0.05", "EUR")),
    ],
)
def test_only_an_amount_is_a_fee(amount: str, fee: Money | None) -> None:
    assert money(lent_answer(("BV", amount), ("BH", "EUR"))) == fee


def test_a_refusal_costs_nothing_and_is_due_never() -> None:
    refused = lent(LEND, lent_answer(("AH", "20261207"), ("BV", "0.00"), ok="0"), HERE)
    assert refused == Lent(ITEM, Refusal.REFUSED)


def test_an_answer_for_another_item_is_never_taken() -> None:
    other: Field = ("AB", "167N00000002")
    for request, answer in (
        (LEND, lent_answer(other)),
        (RENEW, lent_answer(other, code="30")),
    ):
        with pytest.raises(RegisterError, match="another item"):
            lent(request, answer, HERE)
    with pytest.raises(RegisterError, match="another item"):
        returned(TAKE, returned_answer(other), KOHA)
    with pytest.raises(RegisterError, match="another item"):
        item_facts(LOOK, item_answer("03", item="167N00000002"), HERE)


def nameless(answer: Message) -> Message:
    """The same without the number of its item."""
    return replace(answer, fields=[one for one in answer.fields if one[0] != "AB"])


@pytest.mark.parametrize("blank", [[], [("AB", "")], [("AB", "  ")]])
def test_an_answer_that_names_no_item_is_never_taken(blank: list[Field]) -> None:
    def unsaid(answer: Message) -> Message:
        bare = nameless(answer)
        return replace(bare, fields=[*bare.fields, *blank])

    for call in (
        lambda: lent(LEND, unsaid(lent_answer()), HERE),
        lambda: lent(RENEW, unsaid(lent_answer(code="30")), HERE),
        lambda: returned(TAKE, unsaid(returned_answer()), KOHA),
        lambda: item_facts(LOOK, unsaid(item_answer("03")), HERE),
    ):
        with pytest.raises(RegisterError, match="which item"):
            call()


def test_a_loan_for_another_card_is_never_taken() -> None:
    with pytest.raises(RegisterError, match="another card"):
        lent(LEND, lent_answer(("AA", "X")), HERE)
    assert lent(LEND, lent_answer(("AA", "")), HERE).done


def test_another_message_is_never_taken() -> None:
    with pytest.raises(RegisterError, match="another message"):
        lent(LEND, lent_answer(code="30"), HERE)
    with pytest.raises(RegisterError, match="another message"):
        returned(TAKE, lent_answer(), KOHA)


def test_renewals_without_end_are_cut() -> None:
    parts = {"ok": "1", "renewed_count": "9999", "unrenewed_count": "9999"}
    many = [(field, f"{n}") for n in range(MOST_LISTED + 9) for field in ("BM", "BN")]
    told = renewed_all(ALL, Message("66", {**parts, "transaction_date": DATE}, many), KOHA)
    assert (len(told.renewed), len(told.unrenewed)) == (MOST_LISTED, MOST_LISTED)


def test_screen_texts_are_shown_only_when_allowed_to_the_letter() -> None:
    spoken = replace(KOHA, screen_messages=frozenset({"Lainattu"}))
    answer = lent_answer(("AF", "Matti Meikäläinen owes 3 EUR"), ("AF", "Lainattu"))
    assert lent(LEND, answer, replace(HERE, dialect=spoken)).message == "Lainattu"
    assert lent(LEND, answer, HERE).message == ""
    assert lent(LEND, lent_answer(("AF", "Lainattu ")), replace(HERE, dialect=spoken)).message == ""


def test_screen_texts_decide_nothing() -> None:
    for text in ("Item checked out to another patron", "OK", "Invalid Item"):
        assert lent(LEND, lent_answer(("AF", text), ok="0"), HERE) == Lent(ITEM, Refusal.REFUSED)


def test_all_renewals_name_their_items() -> None:
    parts = {"ok": "1", "renewed_count": "0001", "unrenewed_count": "0001"}
    answer = Message("66", {**parts, "transaction_date": DATE}, [("BM", "A1"), ("BN", "B2")])
    told = renewed_all(ALL, answer, KOHA)
    assert (told.renewed, told.unrenewed, told.refused) == (("A1",), ("B2",), None)


def test_all_renewals_refused_are_refused_only_where_no_item_is_named() -> None:
    parts = {"ok": "0", "renewed_count": "0000", "unrenewed_count": "0001"}
    named = Message("66", {**parts, "transaction_date": DATE}, [("BN", "B2")])
    assert renewed_all(ALL, named, KOHA).refused is None
    assert renewed_all(ALL, replace(named, fields=()), KOHA).refused is Refusal.REFUSED


# Returns


@pytest.mark.parametrize(
    ("fields", "alert", "hold", "destination"),
    [
        ([], "N", Hold.NONE, ""),
        ([("CV", "00")], "N", Hold.NONE, ""),
        ([("CV", "01"), ("CT", "ESI")], "N", Hold.HERE, "ESI"),
        ([("CV", "02"), ("CT", "KES")], "N", Hold.ELSEWHERE, "KES"),
        ([("CV", "03")], "Y", Hold.INTERLIBRARY, ""),
        ([("CV", "04"), ("CT", "KES")], "N", Hold.TRANSFER, "KES"),
        ([("CV", "04"), ("AQ", "KES")], "Y", Hold.TRANSFER, "KES"),
        ([("CV", "02"), ("AQ", "ESI")], "Y", Hold.ELSEWHERE, ""),
        ([("CV", "53")], "N", Hold.OTHER, ""),
        ([("CV", "98")], "Y", Hold.OTHER, ""),
        ([("CV", "77")], "N", Hold.OTHER, ""),
        ([("CV", "00"), ("CT", "KES")], "N", Hold.TRANSFER, "KES"),
        ([("CT", "KES")], "N", Hold.TRANSFER, "KES"),
        ([("CT", "esi")], "N", Hold.NONE, ""),
        ([("AQ", "KES")], "N", Hold.NONE, ""),
        ([("AQ", "KES")], "Y", Hold.TRANSFER, "KES"),
        ([("AQ", "ESI")], "Y", Hold.OTHER, ""),
        ([], "Y", Hold.OTHER, ""),
    ],
)
def test_where_a_returned_item_goes(
    fields: list[Field], alert: str, hold: Hold, destination: str
) -> None:
    told = returned(TAKE, returned_answer(*fields, alert=alert), DIALECTS["koha-suomi"])
    assert (told.hold, told.destination) == (hold, destination)


def test_where_a_home_is_no_destination_an_alert_means_that_staff_must_look() -> None:
    dialect = replace(KOHA, home_is_destination=False)
    told = returned(TAKE, returned_answer(("AQ", "KES"), alert="Y"), dialect)
    assert (told.hold, told.destination) == (Hold.OTHER, "")


def test_a_return() -> None:
    answer = returned_answer(("AJ", "Kalevala"), ("CL", "2"), ("CK", "001"))
    wanted = Returned(ITEM, title="Kalevala", sort_bin="2", security_on=True, media="001")
    assert returned(TAKE, answer, KOHA) == wanted


@pytest.mark.parametrize(("ok", "sign"), [("0", "Y"), ("1", "N"), ("1", "U"), ("0", "N")])
def test_security_goes_on_only_after_a_return_that_was_taken(ok: str, sign: str) -> None:
    assert not returned(TAKE, returned_answer(ok=ok, resensitize=sign), KOHA).security_on


def test_a_refused_return_still_tells_where_the_item_goes() -> None:
    told = returned(TAKE, returned_answer(("CV", "04"), ("CT", "KES"), ok="0"), KOHA)
    assert (told.refused, told.hold, told.destination) == (Refusal.REFUSED, Hold.TRANSFER, "KES")


def test_whose_reservation_it_is_comes_out_nowhere() -> None:
    answer = returned_answer(
        ("CV", "01"), ("CY", "167A009999"), ("DA", "Maija Mehiläinen"), ("AA", "167A008888")
    )
    shown = repr(returned(TAKE, answer, KOHA))
    assert not any(word in shown for word in ("167A009999", "Maija", "167A008888"))


# Items and lists


@pytest.mark.parametrize(
    ("status", "title", "known", "with_library", "as_returned"),
    [
        ("04", "Kalevala", True, False, False),
        ("05", "", True, False, False),
        ("03", "Kalevala", True, True, True),
        ("03", "", True, True, True),
        ("06", "Kalevala", True, True, False),
        ("07", "Kalevala", True, False, False),
        ("08", "Kalevala", True, True, True),
        ("09", "Kalevala", True, True, True),
        ("10", "Kalevala", True, True, False),
        ("12", "Kalevala", True, False, False),
        ("01", "Kalevala", True, False, False),
        ("01", "", False, True, False),
        ("13", "", False, True, False),
        ("13", "Kalevala", True, False, False),
    ],
)
def test_what_an_items_status_says_without_a_doubt(
    status: str, title: str, known: bool, with_library: bool, as_returned: bool
) -> None:
    facts = item_facts(LOOK, item_answer(status, title=title), HERE)
    said = facts.known, facts.with_library, facts.as_returned
    assert said == (known, with_library, as_returned)


@pytest.mark.parametrize(
    ("lengths", "queue", "as_returned"),
    [
        ([], 0, True),
        ([""], 0, True),
        ([" 0 "], 0, True),
        (["3"], 3, False),
        (["0", "2"], 2, False),
        (["0", "x"], None, False),
        (["-1"], None, False),
        (["٣"], None, False),
        (["9" * 5000], None, False),
    ],
)
def test_how_many_wait_for_an_item(
    lengths: list[str], queue: int | None, as_returned: bool
) -> None:
    facts = item_facts(LOOK, item_answer("03", *(("CF", one) for one in lengths)), HERE)
    assert (facts.queue, facts.as_returned) == (queue, as_returned)


def test_a_pickup_day_is_told_as_a_day() -> None:
    when = ("CM", "20261130    000000"), ("AP", "ESI")
    facts = item_facts(LOOK, item_answer("08", *when), HERE)
    assert (facts.pickup_until, facts.location) == ("2026-11-30", "ESI")


@pytest.mark.parametrize(
    ("count", "whole"), [(2, True), (3, False), (1, False), ("", False), ("abcd", False)]
)
def test_a_list_is_whole_when_it_is_as_long_as_it_says(count: int | str, whole: bool) -> None:
    answer = listing("AU", "A1", "B2", count=count)
    assert listed(ASKED, answer, Summary.CHARGED, KOHA).whole is whole


def test_a_list_without_end_is_cut_and_is_not_whole() -> None:
    for length, whole in ((MOST_LISTED, True), (MOST_LISTED + 1, False), (9000, False)):
        answer = listing("AU", *(f"L{n}" for n in range(length)))
        found = listed(ASKED, answer, Summary.CHARGED, KOHA)
        assert (len(found.items), found.whole) == (min(length, MOST_LISTED), whole)
    # As many as are taken are counted, and there are more.
    answer = listing("AU", *(f"L{n}" for n in range(MOST_LISTED + 5)), count=MOST_LISTED)
    assert not listed(ASKED, answer, Summary.CHARGED, KOHA).whole


def test_a_list_that_says_nowhere_whose_it_is_is_none() -> None:
    for card in (None, "", " "):
        answer = patron(("AU", ITEM), card=card, charged_items_count="0001")
        with pytest.raises(RegisterError, match="whose"):
            listed(ASKED, answer, Summary.CHARGED, KOHA)
        silent = replace(KOHA, echoes_card=False)
        assert listed(ASKED, answer, Summary.CHARGED, silent).has(ITEM)


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        ("a1", " A1 ", True),
        ("k123", "\u212a123", False),  # the Kelvin sign
        ("s1", "\u017f1", False),  # the long s
        ("strasse", "stra\u00dfe", False),
        ("\u00e4", "\u00c4", False),
        ("1", "\uff11", False),
    ],
)
def test_numbers_are_one_but_for_the_case_of_ascii(one: str, other: str, are: bool) -> None:
    assert same(one, other) is same(other, one) is are


def test_a_list_of_a_card_that_is_not_known_is_none() -> None:
    with pytest.raises(RegisterError, match="know the card"):
        listed(ASKED, listing("AU", bl="N"), Summary.CHARGED, KOHA)


@given(st.text(max_size=400))
def test_clean_text_is_one_short_line_that_can_be_seen(text: str) -> None:
    said = clean(text)
    assert said.isprintable()
    assert len(said) <= 255
    assert said == said.strip()
