"""Who may enter: every rule that keeps a door shut, each as a test of its own."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.fakes import FakeClock
from kioskd.config.model import SipAccess
from kioskd.domain.ils import Hindrance, PatronVerdict, Standing
from kioskd.errors import ConfigError, InputError, RegisterError
from sync.sip2 import requests
from sync.sip2.answers import recheck, verdict
from sync.sip2.dialects import DIALECTS, dialect_of, settings_of
from sync.sip2.messages import Message
from sync.sip2.verify import SipVerifier
from tests.sip2.scripted_ask import CARD, LATER, NOON, PIN, ScriptedAsk, patron, settings

KOHA, SUOMI = DIALECTS["koha"], DIALECTS["koha-suomi"]


def asked(pin: str | None = PIN, dialect: str = "koha") -> Message:
    return requests.patron_information(settings(dialect), NOON, CARD, pin=pin)


def said(answer: Message, dialect: str = "koha", pin: str | None = PIN) -> PatronVerdict:
    return verdict(asked(pin, dialect), answer, DIALECTS[dialect])


# The PIN


@pytest.mark.parametrize("pin", ["", " ", "\t", "    ", "\u00a0"])
async def test_an_empty_pin_is_never_verified_and_nothing_is_sent(pin: str) -> None:
    ask = ScriptedAsk([patron(("PA", "1"))])
    with pytest.raises(InputError, match="PIN"):
        await SipVerifier(ask, settings(), FakeClock()).verify(CARD, pin, LATER)
    assert ask.asked == []


def test_cq_of_a_request_without_a_pin_is_never_read() -> None:
    assert said(patron(cq="Y"), pin=None) == PatronVerdict(Standing.WRONG)


def test_cq_of_a_request_with_an_empty_pin_is_never_read() -> None:
    by_hand = Message("63", asked().fixed, [("AA", CARD), ("AD", "")])
    assert verdict(by_hand, patron(cq="Y"), KOHA) == PatronVerdict(Standing.WRONG)
    blank = Message("63", asked().fixed, [("AA", CARD), ("AD", "  ")])
    assert verdict(blank, patron(cq="Y"), KOHA) == PatronVerdict(Standing.WRONG)


def test_the_recheck_says_the_same_whatever_cq_says() -> None:
    request = requests.patron_status(settings(), NOON, CARD)
    assert request.first("AD") == ""
    words = {recheck(request, patron(code="24", cq=cq), KOHA) for cq in ("Y", "N", None)}
    assert len(words) == 1


def test_cq_absent_is_not_verified() -> None:
    assert said(patron(cq=None)) == PatronVerdict(Standing.WRONG)


@pytest.mark.parametrize("cq", ["N", "", " ", "y", "1", "YES", "Y "])
def test_cq_of_anything_but_y_is_not_verified(cq: str) -> None:
    assert said(patron(cq=cq)) == PatronVerdict(Standing.WRONG)


def test_bl_alone_never_admits() -> None:
    for dialect in DIALECTS:
        assert said(patron(("PA", "1"), bl="Y", cq=None), dialect).standing is Standing.WRONG


@pytest.mark.parametrize("bl", ["N", None, "", " ", "y"])
def test_a_card_that_bl_does_not_vouch_for_is_unknown(bl: str | None) -> None:
    assert said(patron(bl=bl, cq="Y")) == PatronVerdict(Standing.UNKNOWN)


def test_a_yes_that_a_no_stands_beside_is_a_no() -> None:
    assert said(patron(("CQ", "N"))) == PatronVerdict(Standing.WRONG)
    assert said(patron(("BL", "N"))) == PatronVerdict(Standing.UNKNOWN)
    both = said(patron(("PA", "1"), ("PA", "0")), "koha-suomi")
    assert (both.standing, both.door) == (Standing.DENIED, (Hindrance.NO_ACCESS,))


def test_nothing_of_a_patron_is_told_before_the_pin_is_right() -> None:
    flagged = patron(("PA", "0"), cq="N", flags=["charge_denied", "card_lost"])
    assert said(flagged, "koha-suomi") == PatronVerdict(Standing.WRONG)
    assert said(flagged, "sierra") == PatronVerdict(Standing.WRONG)


# The access field


@pytest.mark.parametrize("value", ["0", " 0", "0 "])
def test_koha_suomi_pa_of_zero_denies(value: str) -> None:
    denied = said(patron(("PA", value)), "koha-suomi")
    assert (denied.standing, denied.door) == (Standing.DENIED, (Hindrance.NO_ACCESS,))
    assert denied.access == "0"


@pytest.mark.parametrize("answer", [patron(), patron(("PA", "")), patron(("PA", " "))])
def test_koha_suomi_pa_missing_denies(answer: Message) -> None:
    denied = said(answer, "koha-suomi")
    assert (denied.standing, denied.door) == (Standing.DENIED, (Hindrance.ACCESS_NOT_SAID,))


@pytest.mark.parametrize(
    "value",
    [
        "00",
        "0000",
        "-1",
        "+1",
        "1.0",
        "1 2",
        "N",
        "Y",
        "False",
        "true",
        "0x1",
        "1;0",
        "²",
        "１",
        "٣",
    ],
)
def test_koha_suomi_pa_of_anything_but_a_number_above_zero_denies(value: str) -> None:
    denied = said(patron(("PA", value)), "koha-suomi")
    assert (denied.standing, denied.door) == (Standing.DENIED, (Hindrance.NO_ACCESS,))


def test_koha_suomi_pa_of_anything_else_denies_even_where_a_site_names_it() -> None:
    for value in ("N", "00", "１"):
        access = SipAccess("h", dialect="koha-suomi", institution="ESI", access_values=(value,))
        denied = verdict(asked(), patron(("PA", value)), dialect_of(access))
        assert denied.door == (Hindrance.NO_ACCESS,)


@pytest.mark.parametrize("value", ["9" * 5000, "0" * 5000 + "1"])
def test_koha_suomi_pa_of_a_number_without_end_is_one(value: str) -> None:
    assert len(said(patron(("PA", value)), "koha-suomi").access or "") == 64


def test_another_field_may_say_yes_in_words() -> None:
    access = SipAccess("h", dialect="koha-suomi", access_field="XA", access_values=("Y",))
    assert verdict(asked(), patron(("XA", "Y")), dialect_of(access)).standing is Standing.OK


@pytest.mark.parametrize("value", ["1", "2", "17", "01"])
def test_koha_suomi_pa_of_one_or_a_group_admits(value: str) -> None:
    admitted = said(patron(("PA", value)), "koha-suomi")
    assert (admitted.standing, admitted.access, admitted.door) == (Standing.OK, value, ())


def test_koha_suomi_with_a_wrong_pin_is_not_admitted_by_pa() -> None:
    assert said(patron(("PA", "1"), cq="N"), "koha-suomi").standing is Standing.WRONG


def test_koha_suomi_without_an_institution_is_a_configuration_error() -> None:
    access = SipAccess("127.0.0.1", dialect="koha-suomi")
    with pytest.raises(ConfigError, match=r"register\.sip2\.institution"):
        settings_of(
            access, password="", terminal_password="", branch="ESI", timezone="Europe/Helsinki"
        )


async def test_koha_suomi_without_an_institution_is_never_asked() -> None:
    ask = ScriptedAsk([patron(("PA", "1"))])
    bare = settings("koha-suomi", institution="")
    with pytest.raises(ConfigError):
        await SipVerifier(ask, bare, FakeClock()).verify(CARD, PIN, LATER)
    assert ask.asked == []


@pytest.mark.parametrize("dialect", ["polaris", "aurora", "custom"])
def test_nobody_enters_by_a_dialect_that_says_nothing_of_who_may(dialect: str) -> None:
    denied = said(patron(("PA", "1")), dialect)
    assert (denied.standing, denied.door) == (Standing.DENIED, (Hindrance.NO_ACCESS,))


def test_an_access_field_whose_values_nobody_named_lets_nobody_in() -> None:
    dialect = dialect_of(SipAccess("h", dialect="aurora", access_field="XA"))
    answer = verdict(asked(), patron(("XA", "1")), dialect)
    assert answer.door == (Hindrance.NO_ACCESS,)


# Flags


def test_koha_card_lost_denies_and_is_never_told_as_lost() -> None:
    denied = said(patron(flags=["card_lost"]))
    assert (denied.standing, denied.door) == (Standing.DENIED, (Hindrance.CARD_UNUSABLE,))
    assert Hindrance.CARD_LOST not in (*denied.door, *denied.lending)


def test_debarred_does_not_close_the_door_by_itself() -> None:
    let_in = said(patron(flags=["charge_denied", "renewal_denied", "hold_denied"]))
    assert (let_in.standing, let_in.lending) == (Standing.OK, (Hindrance.BARRED,))


def test_debarred_closes_the_door_where_the_site_says_so() -> None:
    dialect = dialect_of(SipAccess("h", dialect="koha", door_flags=("charge_denied",)))
    denied = verdict(asked(), patron(flags=["charge_denied"]), dialect)
    assert (denied.standing, denied.door) == (Standing.DENIED, (Hindrance.BARRED,))


@pytest.mark.parametrize("sign", ["Y", "y", "1", "N", "0", "?"])
def test_any_sign_but_a_blank_sets_a_flag(sign: str) -> None:
    status = "    " + sign + " " * 9
    assert said(patron(patron_status=status)).door == (Hindrance.CARD_UNUSABLE,)


# Whose answer it is


@pytest.mark.parametrize("other", ["167A006008", "167A00600", CARD + "1"])
def test_an_answer_for_another_card_is_never_taken(other: str) -> None:
    with pytest.raises(RegisterError, match="another card") as caught:
        said(patron(card=other))
    assert other not in str(caught.value)
    assert CARD not in str(caught.value)


def test_an_answer_that_names_two_cards_is_never_taken() -> None:
    with pytest.raises(RegisterError, match="another card"):
        said(patron(("AA", "167A006008")))


@pytest.mark.parametrize("card", [None, "", " "])
def test_a_yes_that_names_no_card_is_never_taken(card: str | None) -> None:
    with pytest.raises(RegisterError, match="whose"):
        said(patron(card=card))


def test_case_and_blanks_do_not_make_another_card() -> None:
    assert said(patron(card=f" {CARD.lower()} ")).standing is Standing.OK


def test_a_dialect_that_does_not_repeat_the_card_is_believed_without_it() -> None:
    dialect = dialect_of(SipAccess("h", dialect="koha", echoes_card=False))
    assert verdict(asked(), patron(card="B-1"), dialect).standing is Standing.OK


def test_another_message_is_never_taken_for_the_answer() -> None:
    with pytest.raises(RegisterError, match="another message"):
        said(patron(code="24"))


async def test_another_institution_is_only_noted_and_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = [Message("64", patron().fixed, [("AO", "KES"), *patron().fields[1:]])] * 2
    verifier = SipVerifier(ScriptedAsk(answers), settings(), FakeClock())
    with caplog.at_level(logging.WARNING, "sync.sip2"):
        for _ in range(2):
            assert (await verifier.verify(CARD, PIN, LATER)).standing is Standing.OK
    assert len(caplog.records) == 1
    assert "another institution" in caplog.text


# What gets into a message


@pytest.mark.parametrize(
    "card",
    [
        *("", "  ", "A|ADx", "A\rB", "A\x00B", "A\x85B", "A\u202eB", "7" * 65, "\ud800"),
        *("Ä1", "１２", "𝟏𝟐", "A\u2800", "A\u3164", "A\u115f", "A\u00ad1", "A\u00a01", "\u212a1"),
    ],
)
async def test_card_text_is_checked_before_it_reaches_a_message(card: str) -> None:
    ask = ScriptedAsk([patron()])
    with pytest.raises(InputError) as caught:
        await SipVerifier(ask, settings(), FakeClock()).verify(card, PIN, LATER)
    assert ask.asked == []
    assert len(card) < 2 or card not in str(caught.value)


@pytest.mark.parametrize(
    "pin",
    [
        *("86|42", "8\r42", "1" * 65, "\u2800", "8642\u3164", "\u115f8642", "86\u116042", "\uffa0"),
        *("86\u034f42", "8642\ufe0f", "86\u180b42", "8642\U000e0100", "8642\u17b5", "86\u00ad42"),
    ],
)
async def test_a_pin_is_checked_likewise_and_never_repeated(pin: str) -> None:
    ask = ScriptedAsk([patron()])
    with pytest.raises(InputError) as caught:
        await SipVerifier(ask, settings(), FakeClock()).verify(CARD, pin, LATER)
    assert ask.asked == []
    assert pin not in repr(caught.value)


@pytest.mark.parametrize("pin", ["8642", "86 42 ", "ääkköset", "§½€£", "пароль", "é" * 64])
def test_a_pin_of_any_script_is_said_as_it_was_keyed(pin: str) -> None:
    assert asked(pin).every("AD") == (pin,)


def test_what_the_charset_cannot_say_is_refused_and_not_kept_in_the_error() -> None:
    dialect = dialect_of(SipAccess("h", dialect="koha", encoding="cp850"))
    with pytest.raises(InputError, match="cp850") as caught:
        requests.patron_information(settings(dialect), NOON, CARD, pin="sana€")
    assert caught.value.__context__ is None
    assert "sana" not in repr(caught.value)


@given(
    cq=st.sampled_from(["Y", "N", "", None]),
    bl=st.sampled_from(["Y", "N", "", None]),
    access=st.sampled_from(["0", "1", "", None]),
    flags=st.sets(st.sampled_from(["charge_denied", "card_lost", "excessive_fees"])),
    dialect=st.sampled_from(sorted(DIALECTS)),
    pin=st.sampled_from([PIN, None]),
)
def test_only_card_pin_access_and_flags_together_admit(
    cq: str | None,
    bl: str | None,
    access: str | None,
    flags: set[str],
    dialect: str,
    pin: str | None,
) -> None:
    fields = [] if access is None else [("PA", access)]
    if dialect == "evergreen":
        fields = [("PA", "20501231")]
    answer = patron(*fields, bl=bl, cq=cq, flags=sorted(flags))
    let_in = said(answer, dialect, pin).standing is Standing.OK
    has_rule = dialect not in ("polaris", "aurora", "custom")
    may = has_rule and "card_lost" not in flags and (dialect != "koha-suomi" or access == "1")
    assert let_in == (bl == "Y" and cq == "Y" and pin is not None and may)
