"""The people and the shelves of the demo: numbers that fit its patterns, texts that can be said."""

import re
from itertools import pairwise

import pytest

from sync.demo_ils.catalogue import BRANCHES, ITEMS, Lending
from sync.demo_ils.main import ENCODINGS
from sync.demo_ils.outcomes import Why
from sync.demo_ils.people import HOLDS, LOANS, NOBODY, PATRONS, PIN, table

CARDS = [one.card for one in PATRONS]
NUMBERS = [one.number for one in ITEMS]


def test_numbers_fit_the_patterns_and_are_nobody_elses() -> None:
    assert all(re.fullmatch(r"\d{3}[A-Z]\d{6}", card) for card in (*CARDS, NOBODY))
    assert all(re.fullmatch(r"\d{3}N\d{8}", number) for number in NUMBERS)
    assert NOBODY not in CARDS
    for ordered in (CARDS, NUMBERS):
        assert all(before < after for before, after in pairwise(ordered))


def test_loans_and_holds_are_of_people_and_items_that_there_are() -> None:
    assert {*(loan.card for loan in LOANS), *(hold.card for hold in HOLDS)} <= set(CARDS)
    assert {*(loan.item for loan in LOANS), *(hold.item for hold in HOLDS)} <= set(NUMBERS)
    assert len({loan.item for loan in LOANS}) == len(LOANS)
    assert {item.home for item in ITEMS} == set(BRANCHES)
    assert {item.lending for item in ITEMS} == set(Lending)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_all_can_be_said_in_each_encoding(encoding: str) -> None:
    told = [*(one.title for one in ITEMS), *(one.name for one in PATRONS), *map(str, Why)]
    assert all(text.encode(encoding).decode(encoding) == text for text in told)
    assert not any("|" in text for text in told)
    for letter in "äöåÄÖÅ":
        assert any(letter in text for text in told)


def test_the_table_names_everybody_and_everything_and_no_pin() -> None:
    told = table()
    assert all(told.count(f"| {number} |") == 1 for number in (*CARDS, *NUMBERS))
    assert "| 167N00000008 | Hämärän kääntöpiiri | of KES; on loan to Kaapo |" in told
    assert "| 167N00000006 | Välskärin kertomuksia | waits for Sanni at ESI |" in told
    assert "| 167N00000013 | Kesäyön elokuva (DVD) | a loan costs 2.00 EUR |" in told
    assert PIN not in told
    assert PIN not in repr(PATRONS)
