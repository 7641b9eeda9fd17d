"""Keypad bytes."""

from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.key_bytes import keys


def test_a_pin_and_enter() -> None:
    assert keys(b"1234#") == ["1", "2", "3", "4", "#"]


def test_cr_enters_and_its_line_feed_is_dropped() -> None:
    assert keys(b"12\r\n") == ["1", "2", "#"]


def test_star_clears_and_garbage_is_dropped() -> None:
    assert keys(b"\x00A\xff1\x1b[*a.2 ") == ["1", "*", "2"]


@given(st.binary())
def test_every_byte_stands_alone(data: bytes) -> None:
    one_by_one = [key for byte in data for key in keys(bytes((byte,)))]
    assert keys(data) == one_by_one
    assert set(one_by_one) <= set("0123456789#*")


@given(st.lists(st.sampled_from("0123456789#*")))
def test_every_key_comes_through(pressed: list[str]) -> None:
    assert keys("".join(pressed).encode()) == pressed
