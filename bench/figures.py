"""One measured figure, and how figures are made of samples.

A module `bench/bench_*.py` defines

    def run(quick: bool) -> list[Figure]: ...

and is run by `python -m bench.run` in a child process of its own, so that its memory is its own.
`quick` asks for small sizes and few rounds: the same code, figures that mean nothing.

Deliberately not here: budgets. Each benchmark states its own beside what it measures.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    median, p99, baseline are in `unit`; baseline is the raw operation of the same run and
    ratio is median / baseline. budget is text ("p50 <= 0.05 ms"); `ok` is whether it was kept,
    and stays True where budget is empty: such a figure is only reported. size says over what it
    was measured ("1,000,000 credentials").
    """

    name: str
    unit: str
    median: float
    p99: float | None = None
    baseline: float | None = None
    ratio: float | None = None
    budget: str = ""
    ok: bool = True
    size: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one benchmark module brought: its figures and its peak resident memory in MB."""

    figures: tuple[Figure, ...]
    peak_rss_mb: float


def median(samples: Sequence[float]) -> float:
    """The middle sample; ValueError of no samples."""
    return statistics.median(samples)


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that `percent` of all do not exceed (nearest rank)."""
    if not samples:
        raise ValueError("a percentile of no samples")
    ordered = sorted(samples)
    rank = -(-len(ordered) * percent // 100)  # rounded up, so that p99 of 10 is the largest
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]


def ratio_to(value: float, baseline: float | None) -> float | None:
    """How many times the baseline; None where there is none to compare with."""
    return value / baseline if baseline else None
