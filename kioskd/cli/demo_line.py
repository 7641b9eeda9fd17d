"""The child of a demo's daemon that keeps the line to the hub, on the demo's clock.

It is kioskd.daemon.line_run in all but its wall clock: a cache that is pulled in a simulated week
is as young as that week says. The offset of the clock stands beside the configuration.
Deliberately not here: the line (kioskd.daemon.line_run).
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from kioskd.cli.demo_clock import MovedClock, Offset
from kioskd.cli.demo_config import OFFSET
from kioskd.daemon import line_run


def main(arguments: Sequence[str]) -> int:
    """Keep the line until the daemon is gone; the exit code."""
    with Offset(Path(arguments[0]).with_name(OFFSET)) as offset:
        return line_run.main(arguments, MovedClock(offset))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
