"""What is shown of a message in a live conversation, and what messages are said to mean."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.cli.sip2_shown import as_json, as_text
from kioskd.daemon.ils_told import arrived, entrance_of, patron_of, says_yes, status_of
from kioskd.health.ils_checks import ils_checks
from kioskd.health.ils_seen import Entrance, IlsLook, Speech
from sync.sip2 import explaining
from sync.sip2.dialect import STATUS_FLAGS, Access
from sync.sip2.dialects import DIALECTS
from sync.sip2.layouts import LAYOUTS, NAMES
from sync.sip2.masking import HARMLESS, PERSONAL, PRIVATE, shown
from sync.sip2.messages import Message, encode

KOHA_SUOMI = DIALECTS["koha-suomi"]
NAMED = sorted({*explaining.FIELD_NAMES, "ZZ", "X1"})


def blank(code: str) -> dict[str, str]:
    return {name: " " * (end - start) for name, start, end in LAYOUTS[code].parts}


# Stories


def test_what_names_a_person_is_in_no_list_of_harmless_fields() -> None:
    assert not HARMLESS & PERSONAL
    assert PRIVATE < PERSONAL
    assert {"BD", "BE", "BF", "PB", "PC", "PI", "CY", "DA", "CN"} < PERSONAL
    assert set(explaining.FIELD_NAMES) >= HARMLESS


def test_an_access_field_is_shown_only_while_it_is_one() -> None:
    assert shown("PA", "1", access="PA") == "1"
    assert shown("PA", "19870102", access="") is None
    assert shown("PB", "19870102", access="PB") is None
    assert shown("ZX", "x" * 41, access="ZX") is None  # no value of a field that says yes or no


def test_flags_are_said_in_words() -> None:
    assert explaining.flags_set("Y   N" + " " * 9) == ("charge_denied", "card_lost")
    assert explaining.flags_set(" " * 14) == ()
    for name in STATUS_FLAGS:
        assert explaining.flag_words(name).startswith(f"{name} (")


def test_supported_messages_are_read_by_their_place() -> None:
    answer = Message("98", blank("98"), (("BX", "NYYYNYYYYNYYYYYY"),))
    known = explaining.supported(answer)
    assert known is not None
    assert set(explaining.SUPPORT) - known == {"23", "99", "37"}
    assert status_of(answer).missing == ("23 patron status",)
    assert explaining.supported(replace(answer, fields=())) is None
    assert set(explaining.NEEDED) < set(explaining.SUPPORT) <= set(NAMES)


@pytest.mark.parametrize(
    ("value", "said"), [("050", "5 s"), ("999", "not said"), ("   ", "not said"), ("005", "0.5 s")]
)
def test_time_outs_are_of_tenths(value: str, said: str) -> None:
    assert explaining.timeout_words(value) == said


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        (b"Maki", ""),
        ("Mäki".encode(), "utf-8"),
        ("Mäki".encode("latin-1"), "latin-1"),
        ("Mäki".encode("cp850"), "cp850"),
    ],
)
def test_what_a_message_looks_as_if_it_were_written_in(data: bytes, looks: str) -> None:
    assert explaining.encoding_of(data) == looks


@pytest.mark.parametrize(
    ("value", "access", "enters"),
    [
        ("1", Access("PA"), True),
        ("0", Access("PA"), False),
        ("", Access("PA"), False),
        (" ", Access("PA"), False),
        ("2", Access("PA", frozenset({"1"})), False),
        ("1", Access("PA", frozenset({"1"})), True),
        ("1", Access("PA", frozenset()), False),
        ("0", Access("PA", frozenset({"0"})), False),
    ],
)
def test_which_values_say_yes(value: str, access: Access, *, enters: bool) -> None:
    assert says_yes(value, access) is enters


def test_what_tells_who_may_enter() -> None:
    assert entrance_of(KOHA_SUOMI) == Entrance("PA", ("card_lost (card is lost)",), True)
    assert entrance_of(DIALECTS["custom"]) == Entrance("", (), False)


def test_a_repeated_field_is_listed_once() -> None:
    fields = (("AU", "1"), ("AU", "2"), ("AO", "ESI"), ("kä", "läinen"), ("BE", ""))
    answer = Message("64", blank("64"), fields)
    assert arrived(answer, KOHA_SUOMI) == (
        "AU (item on loan) 2 times",
        "AO (institution) ESI",
        "what is no field (1)",
        "BE (e-mail address) empty",
    )


def speech(encoding: str, fallback: str, *seen: str) -> str:
    told = Speech(encoding, fallback, "strict", True, frozenset(seen), 1, 1)
    look = IlsLook("h", 1, "", Entrance("", ()), told)
    (charset,) = [f for f in ils_checks(look) if f.check == "sip2 charset"]
    return f"{charset.word}: {charset.what} → {charset.todo}"


@pytest.mark.parametrize(
    ("encoding", "fallback", "seen", "said"),
    [
        ("utf-8", "latin-1", (), "ok: every answer was plain ASCII"),
        ("utf-8", "latin-1", ("utf-8",), "ok: utf-8, as configured"),
        ("cp1252", "latin-1", ("latin-1",), "ok: cp1252, as configured"),
        ("cp437", "latin-1", ("cp850",), "ok: cp437, as configured"),
        ("utf-8", "latin-1", ("utf-8", "latin-1"), "ok: latin-1 and utf-8, mixed"),
        ("utf-8", "latin-1", ("utf-8", "cp850"), 'set encoding = "utf-8" and fallback = "cp850"'),
        ("utf-8", "latin-1", ("latin-1",), 'look: .*set encoding = "latin-1"'),
        ("cp850", "latin-1", ("utf-8",), 'look: .*set encoding = "utf-8" in'),
    ],
)
def test_what_is_said_of_encodings(
    encoding: str, fallback: str, seen: tuple[str, ...], said: str
) -> None:
    assert re.search(said, speech(encoding, fallback, *seen))


# Properties

_VALUE = st.text(st.characters(exclude_characters="|", exclude_categories=("Cc", "Cs")))


@given(
    st.sampled_from(sorted(set(LAYOUTS) - {"96", "97"})),
    st.lists(st.tuples(st.sampled_from(NAMED), _VALUE.map(lambda v: f"Xy{v}")), max_size=6),
)
def test_no_value_is_shown_that_is_not_known_to_be_harmless(
    code: str, fields: list[tuple[str, str]]
) -> None:
    line = encode(Message(code, blank(code), tuple(fields)), KOHA_SUOMI.charset)
    told = as_json(line, KOHA_SUOMI)
    for (name, value), said in zip(fields, told["fields"], strict=True):
        harmless = name in {*HARMLESS, "PA"} and len(value) <= 40
        assert said["value"] == (value if harmless else None)
        assert said["length"] == len(value)
    if not {name for name, _ in fields} & {*HARMLESS, "PA"}:
        assert "Xy" not in as_text(line, KOHA_SUOMI)
        assert "Xy" not in json.dumps(told)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_shown(line: bytes) -> None:
    for dialect in DIALECTS.values():
        assert as_text(line, dialect)
        assert json.dumps(as_json(line, dialect))


@given(st.binary(max_size=120))
def test_any_answer_can_be_judged(data: bytes) -> None:
    text = data.decode("latin-1")
    fixed = dict(blank("64"), patron_status=(text + " " * 14)[:14])
    seen = patron_of(
        Message("64", fixed, (("PA", text), ("CQ", text), (text[:2], "x"))), KOHA_SUOMI
    )
    assert seen.right == (text if len(text) <= 1 else "nonsense")
    assert status_of(Message("98", {**blank("98"), "timeout_period": text[:3]})).timeout
