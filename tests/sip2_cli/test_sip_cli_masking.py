"""What is shown of a message in a live conversation, and what messages are said to mean."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.cli.sip2_drawn import lines
from kioskd.cli.sip2_shown import Shown, as_json, in_words
from kioskd.daemon.ils_told import arrived, entrance_of, how_of, patron_of, status_of
from kioskd.domain.ils import Standing
from kioskd.health.ils_checks import ils_checks
from kioskd.health.ils_seen import Entrance, How, IlsLook, PatronSeen, Speech
from sync.sip2 import answers, explaining
from sync.sip2.dialect import STATUS_FLAGS, Dialect
from sync.sip2.dialects import DIALECTS
from sync.sip2.layouts import LAYOUTS, NAMES
from sync.sip2.masking import HARMLESS, PERSONAL, PRIVATE, shown
from sync.sip2.messages import Message, encode

KOHA_SUOMI = DIALECTS["koha-suomi"]
NAMED = sorted({*explaining.FIELD_NAMES, "ZZ", "X1"})


ASKED = Message(
    "63",
    {"language": "007", "transaction_date": "20261124    005932", "summary": " " * 10},
    (("AO", "ESI"), ("AA", "1"), ("AD", "4711")),
)
WELL = IlsLook(
    "h", 1, "", Entrance("", ()), Speech("utf-8", "latin-1", "strict", True), logged_in=True
)


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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AO", "ESI"),
        ("AM", "Pääkirjasto (Esimerkkilä), 2. krs"),
        ("BX", "YYYNYN"),
        ("BH", "EUR"),
        ("BZ", "0050"),
        ("CQ", "Y"),
        ("PA", "1"),
    ],
)
def test_harmless_values_are_shown(name: str, value: str) -> None:
    assert shown(name, value, access="PA") == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AO", "ESI^AA167A006007^BLY^"),
        ("AM", "the password is sesam-oeffne"),
        ("AN", "card 167A006007"),
        ("BX", "Maija Virtanen"),
        ("BL", "Y^CQY"),
        ("CA", "sesam"),
        ("PA", "1 Virtanen, Maija"),
    ],
)
def test_what_does_not_look_harmless_is_not(name: str, value: str) -> None:
    assert shown(name, value, access="PA", never=("167A006007", "", "sesam-oeffne")) is None


def test_a_fixed_part_with_another_look_is_not_shown() -> None:
    line = f"64{' ' * 14}00720261123    101500AOESI^AA167A006007^AEMaija Virtanen^".encode()
    told = in_words(line, KOHA_SUOMI).text() + json.dumps(as_json(line, KOHA_SUOMI))
    assert "slipped" in told
    assert not any(part in told for part in ("167A", "006007", "Virt", "Maija"))


def test_flags_are_said_in_words() -> None:
    assert explaining.flags_set("Y   N" + " " * 9) == ("charge_denied", "card_lost")
    assert explaining.flags_set(" " * 14) == ()
    for name in STATUS_FLAGS:
        for dialect in DIALECTS.values():
            assert explaining.flag_words(name, dialect).startswith(f"{name} (")
    assert explaining.flag_words("card_lost", KOHA_SUOMI).endswith("koha-suomi tells no more)")
    assert explaining.flag_words("card_lost", DIALECTS["sierra"]) == "card_lost (card is lost)"


def test_every_fixed_part_of_every_message_has_a_name_in_words() -> None:
    parts = {name for layout in LAYOUTS.values() for name, _, _ in layout.parts}
    assert parts == set(explaining.FIXED_NAMES)
    assert not [name for name in explaining.FIXED_NAMES.values() if "_" in name]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("status_code", "0", "well"),
        ("acs_renewal_policy", "Y", "yes"),
        ("offline_ok", "U", "U"),
        ("ok", "0", "refused"),
        ("language", "007", "Finnish (007)"),
        ("language", "000", "not said"),
        ("language", "045", "045"),
        ("timeout_period", "030", "3 s"),
        ("retries_allowed", "003", "3"),
        ("retries_allowed", "999", "not said"),
        ("max_print_width", "080", "80"),
        ("hold_items_count", "0012", "12"),
        ("hold_items_count", "    ", "not said"),
        ("hold_items_count", "1 2 ", "1 2 "),
        ("transaction_date", "20261124    005932", "2026-11-24 00:59:32"),
        ("transaction_date", "20261124   Z005932", "2026-11-24 00:59:32 UTC"),
        ("transaction_date", "202611240000005932", "2026-11-24 00:59:32 0000"),
        ("transaction_date", " " * 18, "not said"),
        ("transaction_date", "24.11.2026 00:59:3", "24.11.2026 00:59:3"),
        ("patron_status", " " * 14, "none set"),
        ("patron_status", "Y" + " " * 13, "charge_denied (may not borrow)"),
        ("summary", " " * 10, "none"),
        ("summary", "  Y       ", "loans"),
        ("protocol_version", "2.00", "2.00"),
    ],
)
def test_fixed_parts_are_said_in_words(name: str, value: str, said: str) -> None:
    assert explaining.fixed_word(name, value, KOHA_SUOMI) == said


def test_a_field_of_its_own_is_called_what_the_dialect_makes_of_it() -> None:
    called = {name: explaining.field_name("PA", dialect) for name, dialect in DIALECTS.items()}
    assert called["koha-suomi"] == "right to enter"
    assert called["evergreen"] == "last day of the membership"
    assert called["koha"] == explaining.FIELD_NAMES["PA"]
    assert explaining.field_name("ZX", KOHA_SUOMI) == explaining.NOT_IN_SPEC


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


def test_what_tells_who_may_enter() -> None:
    lost = "card_lost (lost, or address not known: koha-suomi tells no more)"
    assert entrance_of(KOHA_SUOMI) == Entrance(
        "PA", (lost,), by_institution=True, denied=("0",), numeric=True
    )
    assert entrance_of(DIALECTS["evergreen"]).last_day == "PA"
    nobody = {name for name, dialect in DIALECTS.items() if entrance_of(dialect).nobody}
    assert nobody == {"polaris", "aurora", "custom"}
    assert Entrance("ZX", (), allowed=()).nobody


@pytest.mark.parametrize(
    ("fault", "how"),
    [
        ("h:1: the library system closed the connection before it answered login", How.CLOSED),
        ("h:1: the library system did not understand login after 3 repeats", How.MISHEARD),
        ("h:1: the library system did not repeat its answer to login", How.BROKEN),
        ("h:1: wrong checksum in the answer to login after 3 repeats", How.BROKEN),
        ("h:1: the answer to login cannot be read: too_short", How.BROKEN),
        ("h:1: login holds what this library system cannot be told", How.UNSAYABLE),
        ("h:1: no answer to login after 3 repeats", How.OTHERWISE),
    ],
)
def test_in_what_way_it_failed_is_known_by_the_words_of_the_fault(fault: str, how: How) -> None:
    assert how_of(fault) is how


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
        assert said["value"] in ((value, None) if harmless else (None,))
        assert said["length"] == len(value)
    if not {name for name, _ in fields} & {*HARMLESS, "PA"}:
        assert "Xy" not in in_words(line, KOHA_SUOMI).text()
        assert "Xy" not in json.dumps(told)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_shown(line: bytes) -> None:
    for dialect in DIALECTS.values():
        assert in_words(line, dialect).text()
        assert json.dumps(as_json(line, dialect))


_WORDS = st.sampled_from(["AO", "ESI", "in", "lost,", "16-characters-xy", "tells", "2026-11-24"])
_PARTS = st.lists(st.lists(_WORDS, min_size=1, max_size=30).map(" ".join), max_size=9).map(tuple)


@given(_PARTS, _PARTS, st.integers(40, 130))
def test_no_word_is_lost_or_broken_and_no_line_is_too_long(
    fixed: tuple[str, ...], fields: tuple[str, ...], width: int
) -> None:
    told = Shown("64 patron information response, message 3, checksum right", fixed, fields)
    drawn = list(lines("01:02:03.004 →", told, width))
    assert max(map(len, drawn)) <= width
    assert all(line.startswith(" " * 15) for line in drawn[1:])
    said = " ".join(drawn).replace("; ", " ").split()
    assert said == ["01:02:03.004", "→", *told.text().replace("; ", " ").split()]


@given(st.sampled_from(sorted(DIALECTS)), st.binary(max_size=120), st.sampled_from(["Y", "N"]))
def test_any_answer_can_be_judged(name: str, data: bytes, right: str) -> None:
    text, dialect = data.decode("latin-1"), replace(DIALECTS[name], echoes_card=False)
    fixed = dict(blank("64"), patron_status=(text + " " * 14)[:14])
    fields = (("PA", text), ("BL", "Y"), ("CQ", right), ("CQ", text), (text[:2], "x"))
    seen = judged(Message("64", fixed, fields), dialect)
    confirmed = right == "Y" and text == "Y" and text[:2] != "CQ"
    assert (seen.standing in (Standing.OK, Standing.DENIED)) is confirmed
    assert seen.says_yes is confirmed
    assert status_of(Message("98", {**blank("98"), "timeout_period": text[:3]})).timeout


@given(st.sampled_from(sorted(DIALECTS)), st.sampled_from(["", "0", "1", "20200101", "x"]))
def test_what_is_said_of_a_card_is_what_the_door_would_decide(name: str, access: str) -> None:
    dialect = DIALECTS[name]
    for flags in ("Y" * 14, " " * 14, "    Y" + " " * 9):
        fields = (("AA", "1"), ("BL", "Y"), ("CQ", "Y"), ("PA", access))
        answer = Message("64", {**blank("64"), "patron_status": flags}, fields)
        verdict, seen = answers.verdict(ASKED, answer, dialect), judged(answer, dialect)
        assert seen.standing is verdict.standing
        assert bool(seen.door) is bool(verdict.door)
        assert {word.split()[0] for word in seen.door} == {one.value for one in verdict.door}
        assert bool(seen.lending) is bool(verdict.lending)
        look = replace(WELL, entrance=entrance_of(dialect), patron=seen)
        (told,) = [f for f in ils_checks(look) if f.check == "sip2 verdict"]
        assert ("would be let in" in told.what) is (verdict.standing is Standing.OK)


def judged(answer: Message, dialect: Dialect) -> PatronSeen:
    return patron_of(ASKED, answer, dialect)
