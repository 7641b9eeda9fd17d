"""What answers say of patrons, and that none does harm. What keeps a door shut: test_sip_safety."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.domain.ils import (
    Hindrance,
    PatronVerdict,
    Standing,
)
from kioskd.errors import RegisterError
from sync.sip2 import requests
from sync.sip2.answers import recheck, verdict
from sync.sip2.charset import Charset
from sync.sip2.dialect import STATUS_FLAGS
from sync.sip2.dialects import DIALECTS
from sync.sip2.faults import Malformed
from sync.sip2.item_answers import item_facts, lent, listed, returned
from sync.sip2.messages import Message, parse
from sync.sip2.requests import Summary
from tests.sip2.scripted_ask import (
    CARD,
    DATE,
    ITEM,
    NOON,
    PIN,
    item_answer,
    lent_answer,
    patron,
    returned_answer,
    settings,
)

HERE = settings()
KOHA = DIALECTS["koha"]
ASKED = requests.patron_information(HERE, NOON, CARD, pin=PIN)
ALONE = requests.patron_status(HERE, NOON, CARD)
LEND = requests.checkout(HERE, NOON, CARD, ITEM)
TAKE = requests.checkin(HERE, NOON, ITEM)
LOOK = requests.item_information(HERE, NOON, ITEM)
_OF_ITEMS = ("12", "10", "18")


def said(answer: Message, dialect: str = "koha") -> PatronVerdict:
    return verdict(ASKED, answer, DIALECTS[dialect])


# Patrons


def test_a_verdict_of_koha_suomi() -> None:
    answer = patron(("PA", "2"), flags=["charge_denied", "excessive_fees"])
    assert said(answer, "koha-suomi") == PatronVerdict(
        Standing.OK,
        door=(),
        lending=(Hindrance.BARRED, Hindrance.FEES),
        restrictions=(
            Restriction(RestrictionKind.DEBARRED, code="charge_denied"),
            Restriction(RestrictionKind.FEES, code="excessive_fees"),
        ),
        access="2",
        language="007",
    )


@pytest.mark.parametrize(
    ("dialect", "answer", "kept"),
    [
        (
            "koha-suomi",
            patron(("PA", "0")),
            [Restriction(RestrictionKind.SELF_SERVICE_BLOCK, code="PA=0")],
        ),
        (
            "koha-suomi",
            patron(),
            [Restriction(RestrictionKind.SELF_SERVICE_BLOCK, code="PA missing")],
        ),
        (
            "evergreen",
            patron(flags=["card_lost"]),
            [
                Restriction(RestrictionKind.LOST, code="card_lost"),
                Restriction(RestrictionKind.LOAN_BAN, code="card_lost"),
            ],
        ),
    ],
)
def test_a_cache_keeps_what_was_denied(
    dialect: str, answer: Message, kept: list[Restriction]
) -> None:
    assert list(said(answer, dialect).restrictions) == kept


@given(st.sets(st.sampled_from(STATUS_FLAGS)), st.sets(st.sampled_from(STATUS_FLAGS), min_size=1))
def test_what_closes_the_door_online_closes_it_from_the_cache(
    flags: set[str], closing: set[str]
) -> None:
    closes = {RestrictionKind.LOST, RestrictionKind.SELF_SERVICE_BLOCK}
    for name in ("koha", "evergreen"):
        dialect = replace(DIALECTS[name], door=frozenset(closing), expiry_field="")
        answer = verdict(ASKED, patron(flags=sorted(flags)), dialect)
        kept = {one.kind for one in answer.restrictions}
        assert bool(answer.door) == bool(flags & closing) == bool(kept & closes)


def test_evergreen_membership_ends_with_its_last_day() -> None:
    last = said(patron(("PA", "20261123")), "evergreen")
    assert (last.standing, last.expires) == (Standing.OK, date(2026, 11, 23))
    over = said(patron(("PA", "20261122")), "evergreen")
    assert (over.standing, over.door) == (Standing.DENIED, (Hindrance.EXPIRED,))
    assert over.expires == date(2026, 11, 22)
    assert over.restrictions == ()


def test_a_membership_whose_end_cannot_be_read_keeps_the_door_shut() -> None:
    unread = said(patron(("PA", "first of May")), "evergreen")
    assert (unread.standing, unread.door) == (Standing.DENIED, (Hindrance.ACCESS_NOT_SAID,))


@pytest.mark.parametrize(
    ("days", "door", "expires"),
    [
        (["20501231", "20200101"], (Hindrance.EXPIRED,), date(2020, 1, 1)),
        (["20200101", "20501231"], (Hindrance.EXPIRED,), date(2020, 1, 1)),
        (["20501231", "20501231"], (), date(2050, 12, 31)),
        (["20501231", "20401231"], (), date(2040, 12, 31)),
        (["20501231", ""], (Hindrance.ACCESS_NOT_SAID,), date(2050, 12, 31)),
        (["", "20501231"], (Hindrance.ACCESS_NOT_SAID,), date(2050, 12, 31)),
        (["20501231", "soon"], (Hindrance.ACCESS_NOT_SAID,), date(2050, 12, 31)),
        (
            ["", "20200101"],
            (Hindrance.ACCESS_NOT_SAID, Hindrance.EXPIRED),
            date(2020, 1, 1),
        ),
        ([f"2050{n:04}" for n in range(101, 131)], (Hindrance.ACCESS_NOT_SAID,), None),
    ],
)
def test_of_several_ends_of_a_membership_the_first_counts_and_all_must_be_read(
    days: list[str], door: tuple[Hindrance, ...], expires: date | None
) -> None:
    told = said(patron(*(("PA", one) for one in days)), "evergreen")
    assert told.door == door
    assert told.standing is (Standing.DENIED if door else Standing.OK)
    assert expires is None or told.expires == expires


@given(st.lists(st.sampled_from(["20501231", "20200101", "", "x"]), max_size=4))
def test_who_enters_by_a_day_has_no_other_one_in_the_answer(days: list[str]) -> None:
    told = said(patron(*(("PA", one) for one in days)), "evergreen")
    assert (told.standing is Standing.OK) == (set(days) in ({"20501231"}, {""}, set()))


def test_a_membership_without_an_end_does_not_end() -> None:
    for answer in (patron(), patron(("PA", "")), patron(("PA", " "), ("PA", ""))):
        assert said(answer, "evergreen").standing is Standing.OK


@pytest.mark.parametrize(("language", "told"), [("006", "006"), ("000", ""), ("   ", "")])
def test_a_language_is_told_where_there_is_one(language: str, told: str) -> None:
    assert said(patron(language=language)).language == told


def test_names_and_addresses_are_in_no_verdict() -> None:
    answer = patron(("BD", "Kotikatu 1"), ("BE", "matti@example.invalid"), ("PA", "1"))
    shown = repr(said(answer, "koha-suomi"))
    assert not any(word in shown for word in ("Matti", "Kotikatu", "matti@", CARD, PIN))


def test_a_recheck_knows_a_card_and_its_flags() -> None:
    known = recheck(ALONE, patron(code="24", flags=["card_lost"]), KOHA)
    assert known.known
    assert known.door == (Hindrance.CARD_UNUSABLE,)
    assert known.restrictions == (
        Restriction(RestrictionKind.SELF_SERVICE_BLOCK, code="card_lost"),
        Restriction(RestrictionKind.LOAN_BAN, code="card_lost"),
    )
    assert not recheck(ALONE, patron(code="24", bl="N"), KOHA).known


def test_a_recheck_does_not_miss_an_access_field_that_a_24_never_has() -> None:
    assert recheck(ALONE, patron(code="24"), DIALECTS["koha-suomi"]).door == ()


def test_a_recheck_reads_an_access_field_that_came_all_the_same() -> None:
    answer = recheck(ALONE, patron(("PA", "0"), code="24"), DIALECTS["koha-suomi"])
    assert answer.door == (Hindrance.NO_ACCESS,)


def test_a_recheck_lets_nobody_in_either_without_a_rule() -> None:
    assert recheck(ALONE, patron(code="24"), DIALECTS["aurora"]).door == (Hindrance.NO_ACCESS,)


@pytest.mark.parametrize("bl", [None, "", "U"])
def test_a_recheck_that_says_nothing_is_no_no(bl: str | None) -> None:
    with pytest.raises(RegisterError, match="whether it knows"):
        recheck(ALONE, patron(code="24", bl=bl), KOHA)


def test_a_recheck_for_another_card_is_never_taken() -> None:
    with pytest.raises(RegisterError, match="another card"):
        recheck(ALONE, patron(code="24", card="X"), KOHA)


# Whatever comes


@given(st.data())
def test_no_answer_raises_anything_but_a_register_error(data: st.DataObject) -> None:
    ids = st.sampled_from(["AA", "AB", "AH", "AJ", "BL", "CQ", "PA", "BV", "CV", "CT", "AQ", "AU"])
    values = st.one_of(st.text(max_size=30), st.sampled_from(["Y", "1", CARD, ITEM, "0001"]))
    fields = data.draw(st.lists(st.tuples(ids, values), max_size=8))
    sign = st.text(min_size=1, max_size=1)
    samples = {
        "64": patron(),
        "24": patron(code="24"),
        "12": lent_answer(),
        "10": returned_answer(),
        "18": item_answer("03"),
    }
    code = data.draw(st.sampled_from(sorted(samples)))
    fixed = {
        name: "".join(data.draw(sign) for _ in part) if data.draw(st.booleans()) else part
        for name, part in samples[code].fixed.items()
    }
    answer = Message(code, fixed, fields)
    told = ""
    for dialect in DIALECTS.values():
        try:
            match code:
                case "64":
                    verdict(ASKED, answer, dialect)
                    listed(ASKED, answer, Summary.CHARGED, dialect)
                case "24":
                    recheck(ALONE, answer, dialect)
                case "12":
                    lent(LEND, answer, replace(HERE, dialect=dialect))
                case "10":
                    returned(TAKE, answer, dialect)
                case _:
                    item_facts(LOOK, answer, HERE)
        except RegisterError as fault:
            told += str(fault)
    assert not any(value in told for _, value in fields if len(value) > 5)


def captured(folder: str) -> Iterator[Message]:
    for text in (Path(folder) / "sip2.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(text)
        with suppress(Malformed):
            data = one["raw"].encode(one["encoding"])
            yield parse(data, Charset("utf-8"), one.get("delimiter", "|"))


def test_captured_answers_are_all_understood() -> None:
    """Patrons and loans of servers that others captured, asked for by their own numbers."""
    folder = os.environ.get("KIOSKD_VECTORS")
    if not folder:
        pytest.skip("KIOSKD_VECTORS is not set")
    requests_of = {"64": "63", "24": "23", "12": "11", "10": "09", "18": "17"}
    read = 0
    for answer in captured(folder):
        card, item = answer.first("AA") or CARD, answer.first("AB") or ITEM
        if answer.code not in requests_of or (answer.code in _OF_ITEMS and not answer.first("AB")):
            continue
        fields = [("AA", card), ("AB", item), ("AD", PIN), ("BO", "N"), ("AP", "ESI")]
        asked = Message(requests_of[answer.code], {"transaction_date": DATE}, fields)
        match answer.code:
            case "64":
                assert verdict(asked, answer, DIALECTS["evergreen"]).standing in Standing
            case "12":
                assert lent(asked, answer, HERE).item == item
            case "10":
                assert returned(asked, answer, KOHA).item == item
            case "18":
                assert item_facts(asked, answer, HERE).status.isdigit()
        read += 1
    assert read >= 40
