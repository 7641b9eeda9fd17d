"""Run the benchmarks, print one table, write results.json: `python -m bench.run [NAME ...]`.

Every figure stands beside a raw baseline of the same run, because absolute times say more about
the machine than about the code. The exit code is 1 when a budget is exceeded or a benchmark
fails, and 2 for a name that does not exist.

Deliberately not here: what is measured and what it may cost (bench/bench_*.py).
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.figures import Figure, Outcome
from bench.machine import describe

HERE = Path(__file__).resolve().parent
LONG = frozenset({"hub", "hub_fleet", "hub_million"})  # minutes each: only when named
Outcomes = Mapping[str, Outcome | None]  # None: the benchmark failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run those named, or all of them but the long ones."""
    options = _options(arguments)
    known = discover(HERE)
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    machine = describe()  # before the benchmarks: they are what loads the machine later
    usual = [name for name in known if name not in LONG]
    outcomes = {name: _run(name, options.quick) for name in options.names or usual}
    _print(outcomes, Console(width=None if sys.stdout.isatty() else 160))
    report = {
        "command": sys.orig_argv,
        "quick": options.quick,
        "machine": machine,
        "benchmarks": outcomes,
    }
    options.output.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return 0 if kept(outcomes, quick=options.quick) else 1


def discover(folder: Path) -> list[str]:
    """Names of the benchmark modules in a folder, sorted."""
    return sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))


def kept(outcomes: Outcomes, *, quick: bool) -> bool:
    """Whether all ran and all budgets were kept; a quick run measures nothing worth judging."""
    return all(
        outcome is not None and (quick or all(figure.ok for figure in outcome.figures))
        for outcome in outcomes.values()
    )


def cells(figure: Figure) -> tuple[str, ...]:
    """One row of the table, from the figure's name to its verdict."""
    return (
        figure.name,
        figure.size,
        _number(figure.median),
        _number(figure.p99),
        figure.unit,
        _number(figure.baseline),
        "" if figure.ratio is None else f"{figure.ratio:.2f}x",
        figure.budget,
        "" if not figure.budget else "ok" if figure.ok else "[red]over[/red]",
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.run", description="Measure and compare.")
    told = f"only these; without a name all but {', '.join(sorted(LONG))}"
    parser.add_argument("names", nargs="*", metavar="NAME", help=told)
    parser.add_argument("--quick", action="store_true", help="small sizes; judges nothing")
    parser.add_argument("--output", type=Path, default=HERE / "results.json", help="JSON report")
    return parser.parse_args(arguments)


def _run(name: str, quick: bool) -> Outcome | None:
    print(f"running {name}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="kioskd-bench-") as folder:
        outcome = Path(folder) / "outcome.json"
        command = [sys.executable, "-m", "bench.child", name, str(outcome)]
        command += ["--quick"] if quick else []
        if subprocess.run(command, cwd=HERE.parent, check=False).returncode:
            return None
        return msgspec.json.decode(outcome.read_bytes(), type=Outcome)


def _print(outcomes: Outcomes, console: Console) -> None:
    table = Table("figure", "over", title="Figures, each beside a raw baseline of the same run")
    for heading in ("median", "p99", "unit", "raw", "ratio"):
        table.add_column(heading, justify="left" if heading == "unit" else "right")
    table.add_column("budget")
    table.add_column("kept")
    for name, outcome in outcomes.items():
        table.add_section()
        rss = f"RSS {outcome.peak_rss_mb:.0f} MB" if outcome else "[red]failed[/red]"
        table.add_row(f"[bold]{name}[/bold]", rss)
        for figure in outcome.figures if outcome else ():
            table.add_row(*cells(figure))
    console.print(table)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    raise SystemExit(main())
