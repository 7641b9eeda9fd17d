"""No pattern that the loader takes can hold up the loop on one scan."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.config.patterns import MAX_PATTERN, pattern
from kioskd.config.walk import Notes, Place, Unfit
from kioskd.domain.card import MAX_SCAN

PLACE = Place(Notes("c.toml"))
IN_USE = [
    r"\d{3}[A-Z]\d{6}",
    r"26\d{8}",
    r"\d{3}N\d{8}",
    r"\d+",
    r"[A-Z]{1,2}\d+",
    r"\d+[A-Z]\d+",
    r"(?:\d{9}|\d{13})",
    r"(FI|SE)?-?\d{6,10}[A-Z]?",
    r"(?!000)\d{6}",
    r"(\d{2}-){3}\d{2}",
    ".*",
]
HOLDING_UP = [
    r"(\d+)+[A-Z]",
    r"(\d*)*X",
    r"([0-9]+)*?X",
    r"(?:\d|\d)*X",
    r"(?:\d?){40}X",
    r"(?:1|11)+X",
    r"(?=(\d+)+X)\d+",
    r"\d?" * 40 + "X",
    r"\d*\d*\d*\d*X",
    r"(\d)\1{5}",
    r"(?P<a>\d)(?P=a)",
    r"(\d)?(?(1)1|2)",
    r"(?:(?:){4294967294})",
    r"((((a{64}){64}){64}){64}){64}",
]


@pytest.mark.parametrize("text", IN_USE)
def test_patterns_as_libraries_have_them_are_taken(text: str) -> None:
    assert pattern(PLACE, text) == re.compile(text)


@pytest.mark.parametrize("text", HOLDING_UP)
def test_a_pattern_with_too_many_ways_to_fit_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(Unfit, match=r"no repetition inside another.* like \\d\{6\}"):
        pattern(PLACE, text)


def test_the_length_of_a_pattern_is_bounded() -> None:
    assert pattern(PLACE, "1" * MAX_PATTERN).fullmatch("1" * MAX_PATTERN)
    with pytest.raises(Unfit, match=f"1 to {MAX_PATTERN}"):
        pattern(PLACE, "1" * (MAX_PATTERN + 1))


def test_a_refused_pattern_is_a_fault_of_its_key(
    faults: Callable[[str], list[str]], changed: Callable[[str, str], str]
) -> None:
    (fault,) = faults(changed(r"\d{3}[A-Z]\d{6}", r"(\d+)+[A-Z]"))
    assert fault.startswith('cards.patron: "(\\d+)+[A-Z]" could hold up the door')


PIECES = st.recursive(
    st.sampled_from(["1", "[A-Z]", r"\d", "."]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,9}", "*?"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
    ),
    max_leaves=8,
)


@pytest.mark.timeout(60)  # one that slips through takes hours; all that are taken, a second
@given(PIECES)
@settings(deadline=None, max_examples=200)
def test_what_is_taken_comes_to_an_end_on_the_worst_scans(text: str) -> None:
    try:
        taken = pattern(PLACE, text + "!")
    except Unfit:
        return
    for scan in ("1" * MAX_SCAN, "A" * MAX_SCAN, "1A" * (MAX_SCAN // 2)):
        assert taken.fullmatch(scan) is None
