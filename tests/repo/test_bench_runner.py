"""The benchmark runner: a budget that is exceeded, or a benchmark that fails, fails the run."""

import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Figure, Outcome, percentile, ratio_to
from bench.run import cells, discover, kept, main

KEPT = Figure("look-up", "ms", 0.04, p99=0.1, baseline=0.005, ratio=8.0, budget="p50 <= 0.05 ms")
OVER = Figure("look-up", "ms", 0.06, budget="p50 <= 0.05 ms", ok=False)
REPORTED = Figure("first touch", "ms", 1.5)


def test_a_figure_over_its_budget_fails_the_run() -> None:
    assert kept({"vault": Outcome((KEPT, REPORTED), 40.0)}, quick=False)
    assert not kept({"vault": Outcome((KEPT, OVER), 40.0)}, quick=False)


def test_a_quick_run_judges_no_figure_but_still_needs_every_benchmark() -> None:
    assert kept({"vault": Outcome((OVER,), 40.0)}, quick=True)
    assert not kept({"vault": None}, quick=True)


def test_a_row_shows_the_figure_beside_its_baseline() -> None:
    row = ("look-up", "", "0.04", "0.1", "ms", "0.005", "8.00x", "p50 <= 0.05 ms", "ok")
    assert cells(KEPT) == row
    assert cells(REPORTED)[-1] == ""


def test_benchmarks_are_found_by_their_file_names(tmp_path: Path) -> None:
    for name in ("bench_vault.py", "bench_journal.py", "figures.py"):
        (tmp_path / name).touch()
    assert discover(tmp_path) == ["journal", "vault"]


def test_an_unknown_benchmark_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such"]) == 2
    assert capsys.readouterr().err.startswith("no benchmark no-such; there are:")


def test_p99_of_a_hundred_is_the_last_but_one() -> None:
    assert percentile([float(n) for n in range(1, 101)], 99) == 99.0
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 99)


def test_no_baseline_gives_no_ratio() -> None:
    assert ratio_to(1.0, None) is None
    assert ratio_to(1.0, 0.25) == 4.0


samples = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


@given(samples, st.floats(0, 100))
def test_a_percentile_is_a_sample_that_enough_do_not_exceed(
    values: list[float], percent: float
) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100


@given(samples)
def test_percentiles_never_fall(values: list[float]) -> None:
    found = [percentile(values, percent) for percent in (0, 50, 90, 99, 100)]
    assert found == sorted(found)
    assert found[1] <= statistics.median(values) <= found[-1]
