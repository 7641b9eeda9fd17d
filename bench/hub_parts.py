"""Measurements that several benchmarks of the hub share: a device beside a hub, turn by turn.

Deliberately not here: sizes and budgets (bench_hub, bench_hub_million, bench_hub_fleet).
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.figures import Figure, median, percentile, ratio_to
from bench.hub_memory import Watch

ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Device:
    """A running bench.hub_device."""

    process: "subprocess.Popen[str]"

    @property
    def pid(self) -> int:
        return self.process.pid

    def do(self, words: str) -> dict[str, Any]:
        """Have it do something; what it answers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the device ended: {words}")
        told: dict[str, Any] = json.loads(line)
        return told


@contextlib.contextmanager
def device(config: Path) -> Iterator[Device]:
    """A device's process for as long as the block."""
    command = [sys.executable, "-m", "bench.hub_device", str(config)]
    process = subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        try:
            yield Device(process)
        finally:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True, slots=True)
class Measured:
    """One piece of work: what it told, and what hub and device used for it."""

    told: dict[str, Any]
    hub: Watch
    device: Watch

    @property
    def seconds(self) -> float:
        return float(self.told["seconds"])


def measured(one: Device, hub_pid: int, words: str) -> Measured:
    """A device's work, with memory and processor time on both sides."""
    with Watch(hub_pid) as hub, Watch(one.pid) as ours:
        told = one.do(words)
    return Measured(told, hub, ours)


def at_most(
    name: str,
    unit: str,
    value: float,
    most: float | None = None,
    *,
    raw: float | None = None,
    size: str = "",
) -> Figure:
    """A figure of one value that may be as large as `most`; None: it is only reported."""
    return Figure(
        name,
        unit,
        value,
        baseline=raw,
        ratio=ratio_to(value, raw),
        budget="" if most is None else f"<= {most:g} {unit}",
        ok=most is None or value <= most,
        size=size,
    )


def at_least(
    name: str, unit: str, value: float, least: float, *, raw: float | None, size: str
) -> Figure:
    """A rate that must be reached."""
    return Figure(
        name,
        unit,
        value,
        baseline=raw,
        ratio=ratio_to(value, raw),
        budget=f">= {least:,g} {unit}",
        ok=value >= least,
        size=size,
    )


def of_samples(
    name: str,
    unit: str,
    samples: list[float],
    most_p99: float | None = None,
    *,
    raw: float | None = None,
    size: str = "",
) -> Figure:
    """Median and p99; the budget is of the p99."""
    p99 = percentile(samples, 99)
    return Figure(
        name,
        unit,
        median(samples),
        p99=p99,
        baseline=raw,
        ratio=ratio_to(median(samples), raw),
        budget="" if most_p99 is None else f"p99 <= {most_p99:g} {unit}",
        ok=most_p99 is None or p99 <= most_p99,
        size=size or f"{len(samples):,} times",
    )
