"""SIP2 messages from bytes and back: our own cases, what is refused, and round trips."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.sip2.charset import ENCODINGS, SINGLE_BYTE, Charset
from sync.sip2.faults import Malformed
from sync.sip2.layouts import ANSWERS, LAYOUTS, NAMES, READS
from sync.sip2.messages import Check, Message, checksum, encode, limited, parse
from tests.sip2.sip_lines import DATE, HTML, said

CP850 = Charset("cp850", "cp850")
TITLE = "Sinuhe egyptiläinen – Häräntappoase"


def lent(title: str) -> Message:
    return said("12", ("AO", "ESI"), ("AB", "item000001"), ("AJ", title), ok="1")


def checked(body: bytes) -> bytes:
    """A message by hand, with the sum of its bytes."""
    return body + b"AZ" + checksum(body + b"AZ").encode()


# Stories


def test_the_constants_of_the_specification() -> None:
    assert encode(Message("97", {}), checked=True) == b"97AZFEF5"
    assert encode(Message("96", {}), checked=True) == b"96AZFEF6"


def test_a_login_as_bytes() -> None:
    message = said("93", ("CN", "omatoimi"), ("CO", "salainen"), ("CP", "ESI"))
    data = encode(message, seq=0, checked=True)
    assert data == checked(b"9300CNomatoimi|COsalainen|CPESI|AY0")
    assert parse(data).fields == message.fields


def test_fields_repeat_keep_their_order_and_unknown_ones_stay() -> None:
    message = parse(b"66100020001" + DATE.encode() + b"BMa|XQ?|BNb|BMc|AFhi|")
    assert message.every("BM") == ("a", "c")
    assert message.first("XQ") == "?"
    assert message.first("ZZ") is None
    assert [name for name, _ in message.fields] == ["BM", "XQ", "BN", "BM", "AF"]


def test_latin_1_with_the_sum_of_its_bytes() -> None:
    body = f"121NUY{DATE}AJHämärän tanssi|AY3".encode("latin-1")
    message = parse(checked(body))
    assert (message.first("AJ"), message.check) == ("Hämärän tanssi", Check.GOOD)


def test_utf_8_with_the_sum_of_its_characters() -> None:
    text = f"121NUY{DATE}AJ{TITLE}|AY3AZ"
    message = parse(f"{text}{-sum(map(ord, text)) & 0xFFFF:04X}".encode())
    assert (message.first("AJ"), message.check) == (TITLE, Check.CODE_POINTS)
    assert message.checksum_valid is False


def test_cp850() -> None:
    message = parse(checked(f"121NUY{DATE}AJÄäÖöÅå|AY3".encode("cp850")), CP850)
    assert (message.first("AJ"), message.check) == ("ÄäÖöÅå", Check.GOOD)
    assert encode(lent("Öölanti"), CP850).endswith(b"AJ\x99\x94lanti|")


def test_one_server_mixes_its_charsets_from_message_to_message() -> None:
    raw = [f"18030001{DATE}AJ{title}|" for title in ("Mäki", "Mäki – Ж")]
    read = [parse(raw[0].encode("latin-1")), parse(raw[1].encode("utf-8"))]
    assert [message.first("AJ") for message in read] == ["Mäki", "Mäki – Ж"]


def test_a_checksum_of_zeros_is_wrong_and_the_message_is_read() -> None:
    message = parse(b"941AY2AZ0000")
    assert (message.check, message.checksum, message.seq) == (Check.WRONG, "0000", 2)
    assert message.fixed == {"ok": "1"}


@pytest.mark.parametrize("tail", ["", "AY3", "AZFE00", "AY3AZfe00"])
def test_what_stands_at_the_end_is_no_field(tail: str) -> None:
    message = parse(f"941AFmoi|{tail}".encode())
    assert message.fields == (("AF", "moi"),)
    assert message.seq == (3 if "AY" in tail else None)


def test_what_looks_like_an_end_amid_a_message_is_a_field() -> None:
    message = parse(b"941AY1|AZ0000|AFx|AY2")
    assert message.fields == (("AY", "1"), ("AZ", "0000"), ("AF", "x"))
    assert message.seq == 2


def test_a_bar_inside_a_title_cuts_it_and_nothing_else() -> None:
    message = parse(checked(f"121NUY{DATE}ABitem1|AJYin | Yang|AH20261207|AY3".encode()))
    assert message.first("AJ") == "Yin "
    assert (message.first("AB"), message.first("AH")) == ("item1", "20261207")
    assert (message.check, message.seq) == (Check.GOOD, 3)


def test_nul_bytes_in_an_answer_break_nothing() -> None:
    message = parse(checked(f"121NUY{DATE}AJa\0b|AF\0|AY3".encode()))
    assert (message.first("AJ"), message.check) == ("a\0b", Check.GOOD)


def test_200_fields_and_a_long_one_are_read() -> None:
    body = f"66102000000{DATE}" + "".join(f"BMitem{n}|" for n in range(200)) + f"AF{'x' * 3000}|"
    message = parse(body.encode())
    assert len(message.every("BM")) == 200
    assert len(message.first("AF") or "") == 3000


@pytest.mark.parametrize(
    "raw", [HTML, b"XXwhatever|", b"HTTP/1.1 400 Bad Request", b"\xff\xfe\x00"]
)
def test_a_command_that_nobody_knows_is_a_message_without_parts(raw: bytes) -> None:
    message = parse(raw)
    assert not message.known
    assert (message.fixed, message.fields) == ({}, ())


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "too_short"),
        (b"9", "too_short"),
        (b"94", "truncated_fixed_field:ok"),
        (b"94AY1", "truncated_fixed_field:ok"),
        (b"64   ", "truncated_fixed_field:patron_status"),
        (b"98YYYYYY010", "truncated_fixed_field:retries_allowed"),
    ],
)
def test_what_is_too_short_is_malformed(raw: bytes, what: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(raw)
    assert caught.value.what == what


def test_a_malformed_message_tells_its_end() -> None:
    with pytest.raises(Malformed) as caught:
        parse(b"64  AY4AZ0000")
    fault = caught.value
    assert (fault.seq, fault.checksum, fault.checksum_valid) == (4, "0000", False)


# What is never said


@pytest.mark.parametrize("value", ["a|b", "a\rb", "a\nb", "\0", "\x7f", "\x1b[2J"])
def test_a_value_that_would_become_another_message_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="delimiter or a control") as caught:
        encode(said("23", ("AA", value)))
    assert value not in str(caught.value)


def test_a_delimiter_of_another_kind_is_refused_as_well() -> None:
    assert encode(said("23", ("AA", "a|b")), delimiter="^").endswith(b"AAa|b^")
    with pytest.raises(ValueError, match="delimiter"):
        encode(said("23", ("AA", "a^b")), delimiter="^")


def test_a_delimiter_in_a_fixed_part_is_no_delimiter() -> None:
    data = encode(said("99", ("AO", "x"), protocol_version="2.00"), delimiter=".")
    assert parse(data, delimiter=".").fields == (("AO", "x"),)


@pytest.mark.parametrize(
    "message",
    [
        said("99", protocol_version="2.0"),
        Message("99", {"status_code": "0"}),
        Message("77", {}),
        said("23", ("A", "x")),
        said("23", ("AAA", "x")),
    ],
)
def test_what_has_no_place_in_a_message_is_refused(message: Message) -> None:
    with pytest.raises(ValueError, match=r"characters|command"):
        encode(message)


def test_a_field_of_255_characters_may_be_sent_and_one_of_256_not() -> None:
    longest = said("23", ("AA", "ä" * 255))
    assert limited(longest) is longest
    with pytest.raises(ValueError, match="AA is longer than 255") as caught:
        limited(said("23", ("AA", "7" * 256)))
    assert "777" not in str(caught.value)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_character_that_cannot_be_said_is_refused_and_no_pin_told(encoding: str) -> None:
    message = said("23", ("AA", "167A006007"), ("AD", "4711\ud800"))
    with pytest.raises(ValueError, match="cannot be said") as caught:
        encode(message, Charset(encoding))
    fault = caught.value
    assert fault.__context__ is None
    assert "4711" not in repr(fault)
    assert "4711" not in str(vars(fault))


def test_neither_pin_nor_card_is_in_a_repr() -> None:
    shown = repr(said("23", ("AA", "167A006007"), ("AD", "4711")))
    assert "4711" not in shown
    assert "167A006007" not in shown


def test_tables_agree() -> None:
    assert set(NAMES) == set(LAYOUTS)
    assert set(ANSWERS) | set(ANSWERS.values()) | {"96", "97"} == set(LAYOUTS)
    assert set(ANSWERS) > READS
    assert READS.isdisjoint({"01", "09", "11", "15", "19", "25", "29", "37", "65"})


# Properties

VALUES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="|"), max_size=30
)
NAMES_OF_FIELDS = st.text("ABCXYZ0189", min_size=2, max_size=2)
FIXED = "YN0123456789 |."


@st.composite
def messages(draw: st.DrawFn, values: st.SearchStrategy[str] = VALUES) -> Message:
    code = draw(st.sampled_from(sorted(LAYOUTS)))
    fixed = {
        name: draw(st.text(FIXED, min_size=end - start, max_size=end - start))
        for name, start, end in LAYOUTS[code].parts
    }
    fields = draw(st.lists(st.tuples(NAMES_OF_FIELDS, values), max_size=8))
    return Message(code, fixed, tuple(fields))


@given(messages(), st.none() | st.integers(0, 9), st.booleans())
def test_what_is_said_is_what_is_read(message: Message, seq: int | None, checked: bool) -> None:
    data = encode(message, seq=seq, checked=checked)
    read = parse(data)
    assert (read.code, read.fixed, read.fields) == (message.code, message.fixed, message.fields)
    assert (read.seq, read.checksum_valid) == (seq, True if checked else None)
    assert encode(read, seq=seq, checked=checked) == data


@pytest.mark.parametrize("encoding", SINGLE_BYTE)
@settings(max_examples=40)
@given(data=st.data())
def test_every_charset_says_what_it_can(encoding: str, data: st.DataObject) -> None:
    letters = st.characters(codec=encoding, exclude_categories=["Cc"], exclude_characters="|")
    message = data.draw(messages(st.text(letters, max_size=20)))
    charset = Charset(encoding, encoding)
    read = parse(encode(message, charset, seq=1, checked=True), charset)
    assert (read.fields, read.check) == (message.fields, Check.GOOD)


def read_or_fault(raw: bytes, charset: Charset | None = None) -> Message | Malformed:
    try:
        return parse(raw, charset or Charset())
    except Malformed as fault:
        return fault


@given(messages(), st.integers(0, 9), st.data())
def test_no_single_changed_byte_passes_the_checksum(
    message: Message, seq: int, data: st.DataObject
) -> None:
    raw = encode(message, seq=seq, checked=True)
    at = data.draw(st.integers(0, len(raw) - 5))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))
    assert not read_or_fault(raw[:at] + bytes((byte,)) + raw[at + 1 :]).checksum_valid


ANY_LINE = st.binary(max_size=80) | st.builds(
    lambda code, rest: code.encode() + rest,
    st.sampled_from(sorted(LAYOUTS)),
    st.binary(max_size=80),
)


@given(ANY_LINE, st.sampled_from(ENCODINGS))
def test_any_bytes_are_a_message_or_malformed(raw: bytes, encoding: str) -> None:
    read = read_or_fault(raw, Charset(encoding))
    assert isinstance(read, Malformed) or read.known == (read.code in LAYOUTS)
