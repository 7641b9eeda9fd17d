"""What of a table of counts is published: no hidden cell can be computed back."""

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.domain.statistics import SMALLEST_SHOWN, Table, published, table_of

Lines = list[list[int]]


def table(lines: Lines) -> Table:
    rows = [f"r{n}" for n in range(len(lines))]
    columns = [f"c{n}" for n in range(len(lines[0]) if lines else 0)]
    counts = {
        (r, c): n
        for r, line in zip(rows, lines, strict=True)
        for c, n in zip(columns, line, strict=True)
    }
    return table_of(counts, rows, columns)


def test_totals_are_added_up() -> None:
    made = table([[10, 20], [30, 40]])
    assert made.cells == ((10, 20, 30), (30, 40, 70), (40, 60, 100))
    assert made.total == 100


def test_a_table_of_many_is_published_whole() -> None:
    made = table([[10, 20], [0, 40]])
    assert published(made) == made


def test_a_small_cell_takes_the_next_smallest_of_its_row_and_column_with_it() -> None:
    shown = published(table([[3, 20, 9], [30, 40, 50], [7, 60, 8]]))
    assert shown.cells == (
        (None, 20, None, 32),
        (30, 40, 50, 120),
        (None, 60, None, 75),
        (40, 120, 67, 227),
    )


def test_one_visitor_alone_takes_the_totals_with_them() -> None:
    shown = published(table([[0, 1], [0, 0]]))
    assert shown.cells == ((0, None, None), (0, 0, 0), (0, None, None))


def test_ones_alone_are_not_given_away_by_their_sums() -> None:
    """Two hidden cells that sum to two are both one: everybody knows that a zero is shown."""
    shown = published(table([[1, 1], [1, 1]]))
    assert shown.cells[0][2] is None or shown.cells[2][0] is None


@pytest.mark.parametrize("lines", [[], [[]], [[], []]])
def test_an_empty_table_stays_empty(lines: Lines) -> None:
    made = table(lines)
    assert published(made) == made
    assert made.total == 0


def alternatives(exact: Table, shown: Table) -> Iterator[Table]:
    """Tables that look the same when published and differ by at most one in each hidden cell."""
    places = [
        (r, c)
        for r in range(len(exact.rows))
        for c in range(len(exact.columns))
        if shown.cells[r][c] is None
    ]
    for moves in product((-1, 0, 1), repeat=len(places)):
        lines = [[n or 0 for n in line[:-1]] for line in exact.cells[:-1]]
        for (r, c), move in zip(places, moves, strict=True):
            lines[r][c] += move
        made = table(lines)
        if all(
            (n == s if s is not None else n is not None and n >= 1)
            for line, told in zip(made.cells, shown.cells, strict=True)
            for n, s in zip(line, told, strict=True)
        ):
            yield made


small_tables = st.integers(1, 3).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(0, 9), min_size=columns, max_size=columns), min_size=1, max_size=2
    )
)


@settings(max_examples=300, deadline=None)
@given(small_tables)
def test_each_hidden_cell_could_be_another_number_for_all_that_is_shown(lines: Lines) -> None:
    exact = table(lines)
    shown = published(exact)
    possible = list(alternatives(exact, shown))
    for r, line in enumerate(shown.cells):
        for c, n in enumerate(line):
            if n is None:
                assert len({made.cells[r][c] for made in possible}) > 1, (r, c)


tables = st.integers(1, 8).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(0, 40) | st.just(0), min_size=columns, max_size=columns),
        min_size=1,
        max_size=8,
    )
)


@settings(max_examples=200, deadline=None)
@given(tables)
def test_no_small_count_is_shown_no_zero_hidden_and_nothing_changed(lines: Lines) -> None:
    exact = table(lines)
    shown = published(exact)
    for line, told in zip(exact.cells, shown.cells, strict=True):
        for n, s in zip(line, told, strict=True):
            assert n is not None
            assert s in (n, None)
            assert (s is None) >= (0 < n < SMALLEST_SHOWN)
            assert s is not None or n > 0


@settings(max_examples=200, deadline=None)
@given(tables)
def test_no_line_hides_a_single_cell(lines: Lines) -> None:
    shown = published(table(lines))
    for line in (*shown.cells, *zip(*shown.cells, strict=True)):
        assert list(line).count(None) != 1
