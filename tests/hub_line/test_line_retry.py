"""When to try again, and when the hub counts as down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.retry import MAX_RETRY_AFTER, Backoff, Recent, retry_after

CHANCE = st.floats(0, 1, exclude_max=True)


def test_waits_double_up_to_the_cap() -> None:
    backoff = Backoff(first=2.0, most=60.0)
    assert [backoff.wait(n, 0.0) for n in (1, 2, 3, 5, 6, 99)] == [1, 2, 4, 16, 30, 30]


def test_a_server_that_asks_for_thirty_years_waits_a_quarter_of_an_hour() -> None:
    asked = retry_after("1000000000")
    assert asked == MAX_RETRY_AFTER
    assert Backoff().wait(1, 0.0, asked) == MAX_RETRY_AFTER


def test_a_retry_after_is_never_cut_short() -> None:
    assert Backoff().wait(1, 0.0, 120.0) >= 120


@pytest.mark.parametrize(
    "text", [None, "", "-1", "1.5", "soon", "٣", "Wed, 21 Oct 2026 07:28:00 GMT"]
)
def test_what_is_no_number_of_seconds_is_no_retry_after(text: str | None) -> None:
    assert retry_after(text) is None


def test_digits_without_an_end_are_only_the_bound() -> None:
    assert retry_after("9" * 10_000) == MAX_RETRY_AFTER


def test_down_after_two_of_the_last_five_and_up_after_two_in_a_row() -> None:
    recent = Recent()
    told = []
    for ok in (False, True, True, True, True, False, True, False, True, False, True, True, False):
        recent = recent.after(ok=ok)
        told.append(recent.down)
    #            F  T  T  T  T  F (the first is forgotten) T  F      T     F     T     T      F
    assert told == [False] * 7 + [True, True, True, True, False, False]


@given(st.integers(-5, 10**9), CHANCE, st.none() | st.floats(-1e12, 1e12))
def test_a_wait_has_bounds(failures: int, chance: float, asked: float | None) -> None:
    backoff = Backoff(first=2.0, most=60.0)
    assert 1.0 <= backoff.wait(failures, chance, asked) <= MAX_RETRY_AFTER + backoff.first


@given(st.lists(st.booleans(), max_size=40))
def test_two_calls_that_went_are_always_up(oks: list[bool]) -> None:
    recent = Recent()
    for ok in [*oks, True, True]:
        recent = recent.after(ok=ok)
    assert not recent.down
