"""The stream of hints, byte by byte."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import RegisterError
from sync.hub_hints import MAX_FIELD, Heard, HintLines

STREAM = (
    b": hello\n\nid: c1\nevent: change\ndata: x\n\n"
    b"event: command\r\n\r\nevent:config\nid: c2\n\nevent: open\n\nevent: alive\n\n"
)
HINTS = [Heard("change", "c1"), Heard("command", "c1"), Heard("config", "c2")]


def heard(pieces: Iterable[bytes]) -> list[Heard]:
    lines = HintLines()
    return [one for piece in pieces for one in lines.feed(piece) if one.kind != "alive"]


def test_hints_come_out_whole_or_byte_by_byte() -> None:
    assert heard([STREAM]) == HINTS
    assert heard(STREAM[at : at + 1] for at in range(len(STREAM))) == HINTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_any_cutting_gives_the_same_hints(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert heard(STREAM[a:b] for a, b in itertools.pairwise(edges)) == HINTS


def test_a_hint_that_is_cut_is_none() -> None:
    assert heard([b"event: change\n"]) == []


def test_a_comment_is_a_sign_of_life() -> None:
    assert HintLines().feed(b": keep\n\n") == [Heard("alive")]


@pytest.mark.parametrize("bad", ["x" * 1025, "a\tb", "ö"])
def test_an_id_that_could_not_be_sent_back_is_left_out(bad: str) -> None:
    assert heard([f"id: {bad}\nevent: change\n\n".encode()]) == [Heard("change", "")]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_without_an_end_is_cut(end: bytes) -> None:
    with pytest.raises(RegisterError):
        HintLines().feed(b"x" * (MAX_FIELD + 1) + end)


@given(st.lists(st.binary(max_size=200)))
def test_garbage_is_a_sign_of_life_and_no_more(pieces: list[bytes]) -> None:
    lines = HintLines()
    for piece in pieces:
        assert lines.feed(piece)
