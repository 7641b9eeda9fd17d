"""The daemon of a demo: `kioskd run` in all but its wall clock, which the demo moves.

A process of its own: python -P -m kioskd.cli.demo_daemon CONFIG OFFSET, with log lines as JSON on
standard error. Its line to a hub is on the same clock (kioskd.cli.demo_line). Nobody vouches for a
clock that is moved, whatever the machine's own time server says, so that a demo is the same day on
every machine.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kioskd.logs import LogLines

_LINE: Final = "kioskd.cli.demo_line"


class Unvouched:
    """Evidence of a clock for which nobody speaks."""

    def synchronised(self) -> bool:
        """No time server."""
        return False

    def rtc(self) -> bool:
        """No battery clock."""
        return False


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop; the exit code. The order is that of kioskd.cli.run."""
    from kioskd.daemon import signals

    signals.hold()
    os.umask(0o077)
    from kioskd.config.load import load
    from kioskd.daemon.boot import begin

    config_file, offset_file = map(Path, arguments)
    config = load(config_file)
    # Held until the process is gone: a thread that still writes may outlive this call.
    lock, _ = begin(config)

    from kioskd import logs
    from kioskd.cli.demo_clock import MovedClock, Offset
    from kioskd.daemon.run import run

    lines = logs.set_up("json")
    with Offset(offset_file) as offset:
        try:
            return run(
                config,
                leave=lambda code: _leave(lines, code),
                clock=MovedClock(offset),
                evidence=Unvouched(),
                log_format="json",
                line_child=_LINE,
            )
        finally:
            lines.finish()
            del lock


def _leave(lines: "LogLines", code: int) -> None:
    lines.finish()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
