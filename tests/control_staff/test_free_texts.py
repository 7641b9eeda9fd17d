"""No free text of staff takes a card's number, whatever stands around it."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.control.free_texts import names_card
from kioskd.control.verbs import Refusal
from kioskd.domain.card import CodePatterns
from tests.control_staff.conftest import CARD, OTHER, PIN, Office
from tests.outside.premises import Premises

PATTERNS = CodePatterns(
    (re.compile(r"\d{3}[A-Z]\d{6}"), re.compile(r"26\d{8}"), re.compile(r"[A-Z]{2}-\d{5}")),
    (re.compile(r"\d{3}N\d{8}"), re.compile(r"26\d{8}")),
)
TEXT = f"lost, {OTHER.lower()}"
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("list-add", {"which": "deny", "card": CARD, "until": "2026-12-31", "reason": TEXT}),
    ("list-remove", {"which": "allow", "card": CARD, "reason": TEXT}),
    ("enrol", {"card": CARD, "pin": PIN, "label": TEXT}),
    ("lockdown", {"on": True, "reason": TEXT}),
    ("lockdown", {"on": False, "reason": TEXT}),
    ("clock-accept", {"reason": TEXT}),
    ("schedule-except", {"date": "2026-12-24", "hours": [], "reason": TEXT}),
    ("schedule-except", {"date": "2026-12-24", "hours": [], "reason": "x", "title": TEXT}),
    ("schedule-except", {"date": "2026-12-24", "remove": True, "reason": TEXT}),
]


@pytest.mark.parametrize(("verb", "args"), ASKED)
async def test_every_verb_refuses_it_and_nothing_is_kept(
    office: Office, verb: str, args: dict[str, Any]
) -> None:
    office.machine.battery = False  # so that there would be something to accept
    await office.allow()
    before = len(office.rows())
    with pytest.raises(Refusal, match="leave out the card number") as refused:
        await office.ask(verb, **args)
    assert refused.value.code == "bad-argument"
    assert OTHER not in str(refused.value).upper()
    assert len(office.rows()) == before


async def test_what_looks_like_no_card_is_taken(office: Office) -> None:
    reason = "keys lost 2026-11-23, call 09 1234 5678; see case 167/2026 (A)"
    told = await office.ask("list-add", which="deny", card=CARD, until="2026-12-01", reason=reason)
    assert told["shown"] == "…007"


def test_a_door_is_not_opened_for_a_reason_with_a_card_in_it(tmp_path: Path) -> None:
    premises = Premises(tmp_path)
    premises.begin()
    try:
        premises.start()
        before = premises.ons()
        done = premises.command("open", "front", "--reason", f"forgot his card ({CARD})")
        assert done.returncode == 2
        assert "reason: leave out the card number" in done.stderr
        assert premises.ons() == before
        assert premises.command("open", "front", "--reason", "forgot his card").returncode == 0
        assert CARD not in premises.log.read_text(encoding="utf-8")
    finally:
        premises.close()


@pytest.mark.parametrize(
    "text",
    [
        CARD,
        f"lost,{CARD}",
        f"“{CARD.lower()}”",
        f"*{CARD}* at the desk",
        "card:2600104874.",
        "the card AB-12345, lost",
        "ab-12345",
        "korttiä２６００１０４８７４ä",
        f"kortti№{CARD}",
    ],
)
def test_a_number_is_found_whatever_stands_around_it(text: str) -> None:
    assert names_card(text, PATTERNS)


@pytest.mark.parametrize(
    "text", ["lost", "item 167N00000001", "2026-11-23", "+358 40 123 4567", "167A 006", "", "ab-1"]
)
def test_other_words_and_numbers_are_left_alone(text: str) -> None:
    assert not names_card(text, PATTERNS)


@given(st.text(max_size=80), st.from_regex(r"[0-9]{3}[A-Z][0-9]{6}", fullmatch=True), st.text())
def test_between_blanks_it_is_always_found(before: str, card: str, after: str) -> None:
    assert names_card(f"{before} {card} {after}", PATTERNS)
