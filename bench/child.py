"""Run one benchmark module and write its outcome: `python -m bench.child NAME FILE [--quick]`.

A process of its own for each module, so that peak memory and warm caches are its own. Figures go
to a file: what a benchmark prints stays on the terminal.
"""

import argparse
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from bench.figures import Figure, Outcome


def peak_rss_mb() -> float:
    """Peak resident memory of this process, MB (10^6 bytes).

    Read from the kernel's status file: ru_maxrss starts at the size of the process that
    started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def main() -> int:
    """Run it; whatever it raises ends the process with its traceback."""
    parser = argparse.ArgumentParser(prog="bench.child", description=__doc__)
    parser.add_argument("name", help="module of the folder bench, without bench_")
    parser.add_argument("outcome", type=Path, help="file to write")
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds")
    options = parser.parse_args()
    module = importlib.import_module(f"bench.bench_{options.name}")
    run = cast("Callable[[bool], list[Figure]]", module.run)
    outcome = Outcome(figures=tuple(run(options.quick)), peak_rss_mb=peak_rss_mb())
    options.outcome.write_bytes(msgspec.json.encode(outcome))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
