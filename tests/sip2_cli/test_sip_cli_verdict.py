"""What the doctor says of who is let in: the rule, a wrong PIN, and the verdict of a test card."""

from collections.abc import Callable, Sequence

import pytest

from kioskd.daemon.ils_talk import Patron
from kioskd.health.findings import Word
from sync.sip2.fake_ils import Act, Close
from sync.sip2.messages import Message
from tests.sip2_cli.sip_cli_changes import (
    TEST_CARD,
    Looked,
    and_field,
    changed,
    if_known,
    if_right,
    with_field,
    with_fixed,
    without,
)
from tests.sip2_cli.sip_cli_site import CARD, PIN, well_behaved

_LOST = "kept out: CARD_UNUSABLE (card_lost)"
_KOHA_FLAG = "with the flag card_lost (lost, or address not known: koha tells no more)"


# PINs


def test_one_that_says_yes_to_any_card_and_pin_is_bad(look: Looked) -> None:
    gullible = changed("64", lambda m: with_field("CQ", "Y")(with_field("BL", "Y")(m)))
    seen = look(gullible)
    assert seen["pin"].word is Word.BAD
    assert "yes to any card and PIN: nobody may be let in by it" in seen["pin"].what
    seen = look(gullible, TEST_CARD)
    assert seen["pin"].word is Word.BAD
    assert seen["wrong pin"].word is Word.BAD
    assert "yes to a wrong PIN: nobody may be let in by it" in seen["wrong pin"].what
    assert seen["verdict"].word is Word.LOOK  # its own PIN proves nothing
    assert "and so would anybody" in seen["verdict"].what


def test_one_that_checks_no_pins_of_cards_that_exist_is_bad(look: Looked) -> None:
    seen = look(changed("64", if_known(with_field("CQ", "Y"))), TEST_CARD)
    assert (seen["pin"].word, seen["wrong pin"].word) == (Word.OK, Word.BAD)
    assert "and so would anybody" in seen["verdict"].what


@pytest.mark.parametrize("pin", [PIN, "0", "1", "12 ", "ää0", "x" * 64])
def test_a_wrong_pin_is_asked_about_first_and_the_right_one_last(look: Looked, pin: str) -> None:
    asked: list[str | None] = []
    well = well_behaved(pin=pin)

    def answer(message: Message) -> Sequence[Act]:
        if message.first("AA") == CARD:
            asked.append(message.first("AD"))
        return well(message)

    seen = look(answer, Patron(CARD, pin))
    wrong, right = asked
    assert right == pin
    assert (wrong != pin, len(wrong or "")) == (True, len(pin))
    assert "one try, which the right PIN, asked last, clears" in seen["wrong pin"].what
    assert seen["verdict"].word is Word.OK
    mistyped = look(well_behaved(pin="nothing"), Patron(CARD, pin))
    assert "may have cost the card two tries" in mistyped["wrong pin"].what


def test_who_is_left_between_the_two_pins_is_told_so(look: Looked) -> None:
    well = well_behaved()
    seen = look(lambda m: [Close()] if m.first("AA") == CARD else well(m), TEST_CARD)
    assert (seen["wrong pin"].word, "verdict" in seen) == (Word.BAD, False)
    assert "until its right PIN is used once" in seen["wrong pin"].todo


# Who may enter


@pytest.mark.parametrize(
    ("change", "check", "word", "said"),
    [
        (without("CQ"), "verdict", Word.BAD, "not confirmed (BL Y, CQ missing)"),
        (with_field("CQ", "N"), "verdict", Word.BAD, "not confirmed (BL Y, CQ N)"),
        (with_field("CQ", ""), "verdict", Word.BAD, "CQ empty"),
        (and_field("CQ", "N"), "verdict", Word.BAD, "not confirmed (BL Y, CQ N)"),
        (with_field("BL", "N"), "verdict", Word.BAD, "is not known"),
        (and_field("BL", "N"), "verdict", Word.BAD, "is not known"),
        (without("BL"), "verdict", Word.BAD, "is not known"),
        (with_field("AA", "167A006008"), "verdict", Word.BAD, "answered for another card"),
        (without("AA"), "verdict", Word.BAD, "did not say whose answer"),
        (with_field("PA", "0"), "verdict", Word.LOOK, "kept out: NO_ACCESS (PA is 0)"),
        (and_field("PA", "0"), "verdict", Word.LOOK, "kept out: NO_ACCESS (PA is 0)"),
        (with_field("PA", "no"), "verdict", Word.LOOK, "kept out: NO_ACCESS (PA is no)"),
        (with_field("PA", "2"), "verdict", Word.OK, "let in by it (BL Y, CQ Y, PA 2)"),
        (with_field("PA", ""), "verdict", Word.BAD, "kept out: ACCESS_NOT_SAID (PA missing)"),
        (without("PA"), "verdict", Word.BAD, "kept out: ACCESS_NOT_SAID (PA missing)"),
        (with_fixed(patron_status="    Y" + " " * 9), "verdict", Word.LOOK, _LOST),
        (with_fixed(patron_status="Y" + " " * 13), "verdict", Word.OK, "let in by it"),
        (with_fixed(patron_status="Y" + " " * 13), "lending", Word.OK, "no loans: charge_denied"),
        (with_fixed(patron_status="    Y" + " " * 9), "flags", Word.OK, "card_lost"),
        (with_fixed(patron_status=" " * 14), "flags", Word.OK, "none"),
    ],
)
def test_what_is_said_of_a_test_card(
    look: Looked, change: Callable[[Message], Message], check: str, word: Word, said: str
) -> None:
    seen = look(changed("64", if_right(change)), TEST_CARD)
    finding = seen[check]
    assert (finding.word, said in finding.what) == (word, True), finding
    assert ("let in by it" in seen["verdict"].what) is (seen["verdict"].word is Word.OK)
    assert bool(seen["verdict"].todo) is (seen["verdict"].word is not Word.OK)


def test_without_the_right_pin_nothing_else_is_read_of_a_card(look: Looked) -> None:
    seen = look(well_behaved(status="Y" * 14), Patron(CARD, "1234"))
    assert seen["verdict"].word is Word.BAD
    assert "its PIN is not confirmed (BL Y, CQ N)" in seen["verdict"].what
    assert not {"flags", "lending"} & set(seen)  # some set them all for a wrong PIN
    assert not [f for f in seen.values() if "let in by it" in f.what]


def test_a_patron_past_the_last_day_is_kept_out(look: Looked) -> None:
    seen = look(well_behaved(PA="20200131"), TEST_CARD, dialect='"evergreen"')
    assert seen["verdict"].what == "would be kept out: EXPIRED (PA)"
    assert "PA (last day of the membership) 8 characters" in seen["fields"].what
    seen = look(well_behaved(PA="29990131"), TEST_CARD, dialect='"evergreen"')
    assert seen["verdict"].word is Word.OK


@pytest.mark.parametrize(
    ("keys", "word", "said"),
    [
        ({"dialect": '"koha"'}, Word.OK, f" everybody may enter but those {_KOHA_FLAG}"),
        (
            {"dialect": '"koha-suomi"'},
            Word.OK,
            "PIN: PA must be there and not 0, and a number, and not with",
        ),
        (
            {"dialect": '"evergreen"'},
            Word.OK,
            "but those with the flag card_lost (card is lost) and those past the day in PA",
        ),
        (
            {"dialect": '"custom"', "access_field": '"ZX"', "access_values": '["1", "2"]'},
            Word.OK,
            "with the right PIN: ZX must be 1 or 2",
        ),
        (
            {"dialect": '"custom"', "door_flags": '["card_lost"]'},
            Word.OK,
            "but those with the flag",
        ),
        ({"dialect": '"polaris"'}, Word.BAD, "nothing tells who may enter: nobody may"),
    ],
)
def test_the_rule_is_told_in_words(
    look: Looked, keys: dict[str, str], word: Word, said: str
) -> None:
    finding = look(well_behaved(), **keys)["rule"]
    assert (finding.word, said in finding.what) == (word, True), finding


def test_without_a_rule_nobody_is_let_in(look: Looked) -> None:
    seen = look(well_behaved(), TEST_CARD, dialect='"polaris"')
    assert (seen["rule"].word, seen["verdict"].word) == (Word.BAD, Word.LOOK)
    assert "would be kept out: NO_ACCESS (no rule)" in seen["verdict"].what
