"""Messages out of a stream: any split, any junk between, and no end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.sip2.faults import Malformed
from sync.sip2.framing import MAX_BYTES, MAX_LINES, Framer
from tests.sip2.sip_lines import HTML

LOG_IN = b"941AY0AZFDFB"
JUNK = st.text("\n\x00 \t", max_size=4).map(str.encode)
LINE = st.binary(min_size=1, max_size=40).filter(lambda data: b"\r" not in data)


def framed(*chunks: bytes, limit: int = MAX_BYTES) -> list[bytes]:
    framer = Framer(limit)
    return [line for chunk in chunks for line in framer.feed(chunk)]


# Stories


@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\r\n\x00", b"\r \t\r\n"])
def test_every_ending_that_begins_with_cr_is_one(end: bytes) -> None:
    assert framed(LOG_IN + end + LOG_IN + end) == [LOG_IN, LOG_IN]


def test_a_message_without_end_is_not_one_yet() -> None:
    assert framed(LOG_IN) == []
    assert framed(LOG_IN + b"\n") == []


def test_nuls_and_blanks_within_a_message_are_its_own() -> None:
    assert framed(b"24  \x00  AAx |\r") == [b"24  \x00  AAx |"]


def test_html_comes_as_lines_that_somebody_else_ignores() -> None:
    assert framed(HTML + b"\r\n" + LOG_IN + b"\r") == [HTML, LOG_IN]


def test_junk_without_end_is_not_kept() -> None:
    framer = Framer(10)
    for _ in range(5):
        assert framer.feed(b"\x00" * 100) == []
    assert framer.feed(LOG_IN[:9] + b"\r") == [LOG_IN[:9]]


def test_a_message_of_the_limit_is_read_and_one_byte_more_is_not() -> None:
    assert framed(b"9" * 20 + b"\r", limit=20) == [b"9" * 20]
    assert framed(b"9" * 20, b"\r", limit=20) == [b"9" * 20]
    with pytest.raises(Malformed, match="endless"):
        framed(b"9" * 21 + b"\r", limit=20)


def test_the_rest_of_an_endless_message_is_no_message() -> None:
    framer = Framer(20)
    with pytest.raises(Malformed, match="endless"):
        framer.feed(b"9" * 21)
    assert framer.feed(b"9" * 100) == []
    assert framer.feed(b"941AY0\r941AY1\r") == [b"941AY1"]


def test_a_message_after_one_that_was_too_long_but_ended_is_whole() -> None:
    framer = Framer(20)
    with pytest.raises(Malformed):
        framer.feed(b"9" * 21 + b"\r941")
    assert framer.feed(b"AY1\r") == [b"941AY1"]


def test_what_is_blank_is_left_out_or_counted() -> None:
    stream = b"\r\n\r" + LOG_IN + b"\r\x00 \r"
    assert Framer().feed(stream) == [LOG_IN]
    assert Framer(blank=True).feed(stream) == [b"", b"", LOG_IN, b""]


@pytest.mark.parametrize("each", [b"\r", b"9\r", b"\n\x00\r", b"x" * 2000 + b"\r"])
def test_so_many_lines_at_once_and_not_one_more(each: bytes) -> None:
    framer = Framer(blank=True)
    assert len(framer.feed(each * MAX_LINES)) == MAX_LINES
    with pytest.raises(Malformed, match="crowded"):
        framer.feed(each * (MAX_LINES + 1))
    assert len(framer.feed(each)) == 1


def test_after_too_many_lines_a_message_is_whole_or_none() -> None:
    framer = Framer()
    framer.feed(b"cut o")
    with pytest.raises(Malformed, match="crowded"):
        framer.feed(b"ff\r" * (MAX_LINES + 1) + b"941")
    assert framer.feed(b"AY0\r" + LOG_IN + b"\r") == [LOG_IN]


# Properties


@given(st.lists(st.tuples(JUNK, LINE), max_size=MAX_LINES), st.data())
def test_no_split_and_no_junk_changes_what_is_read(
    parts: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(junk + line + b"\r" for junk, line in parts)
    expected = [line.lstrip(b"\n\x00 \t") for _, line in parts]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    wanted = [line for line in expected if line]
    assert framed(stream) == wanted
    assert framed(*pieces) == wanted
    assert framed(*(bytes((byte,)) for byte in stream)) == wanted


@given(st.lists(st.binary(max_size=30)))
def test_what_is_kept_is_bounded(chunks: list[bytes]) -> None:
    framer = Framer(16)
    for chunk in chunks:
        try:
            lines = framer.feed(chunk)
        except Malformed:
            lines = []
        assert all(0 < len(line) <= 16 for line in lines)
        assert len(framer._rest) <= 16
