"""Cursors: what was written is read, and nothing else is."""

import base64

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sync.hub.cursor import MAX_CHANGE, MAX_TEXT, Cursor, Within, cursor_of, text_of

hexes = st.text("0123456789abcdef", max_size=32)
cursors = st.builds(
    Cursor,
    version=st.just(1),
    hub=hexes,
    branch=st.text(max_size=64),
    generation=hexes,
    change=st.integers(0, MAX_CHANGE),
    nonce=hexes,
    within=st.sampled_from(Within),
    card=st.binary(max_size=16),
    feed=st.text(max_size=64),
)
ONE = Cursor(1, "ab" * 8, "ESI", "cd" * 8, 7, "ef" * 8, Within.CREDENTIALS, b"0" * 16, "esi")


@given(cursors)
def test_every_cursor_comes_back(cursor: Cursor) -> None:
    text = text_of(cursor)
    short = len(text) <= MAX_TEXT
    assert cursor_of(text) == (cursor if short else None)


@given(st.text(max_size=600) | st.from_regex(r"[A-Za-z0-9_-]{0,600}", fullmatch=True))
def test_garbage_is_no_cursor(text: str) -> None:
    found = cursor_of(text)
    assert found is None or text_of(found) == text


@given(st.binary(max_size=300))
def test_other_bytes_are_no_cursor(data: bytes) -> None:
    found = cursor_of(base64.urlsafe_b64encode(data).rstrip(b"=").decode())
    assert found is None


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_cursor_with_another_byte_is_another_or_none(place: int, mask: int) -> None:
    data = bytearray(base64.urlsafe_b64decode(text_of(ONE) + "=="))
    data[place % len(data)] ^= mask
    assert cursor_of(base64.urlsafe_b64encode(data).rstrip(b"=").decode()) != ONE


def test_bounds_and_forms() -> None:
    text = text_of(ONE)
    assert cursor_of(text) == ONE
    assert len(text) < 150
    values = list(msgspec.structs.astuple(ONE))
    for place, wrong in (
        (0, 2),
        (1, "AB"),
        (2, "x" * 65),
        (3, "0" * 33),
        (4, -1),
        (4, 2**63),
        (5, "0\n"),
        (6, 3),
        (7, bytes(17)),
        (8, "x" * 65),
        (8, None),
    ):
        other = [*values[:place], wrong, *values[place + 1 :]]
        assert cursor_of(encoded(other)) is None, (place, wrong)
    assert cursor_of(encoded([*values, 1])) is None
    assert cursor_of(encoded(values[:-1])) is None
    assert cursor_of(text + "=") is None
    assert cursor_of("") is None
    assert encoded(values) == text


def encoded(values: list[object]) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(values)).rstrip(b"=").decode()
