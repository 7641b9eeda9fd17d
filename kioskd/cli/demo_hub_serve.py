"""The hub of a demo: `kioskd-hub serve` in all but its wall clock, which the demo moves.

A process of its own: python -P -m kioskd.cli.demo_hub_serve CONFIG OFFSET, with log lines as JSON
on standard error. Hub and device share the demo's clock, as two machines share that of the world:
what happened in a week that is simulated is filed under the days of that week.
Deliberately not here: what is served (sync.hub.serve).
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from kioskd.cli.demo_clock import MovedClock, Offset
from kioskd.logs import set_up
from sync.hub.config import load_hub
from sync.hub.model import HubConfig
from sync.hub.serve import serve

_OWNER_ONLY: Final = 0o077


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop; the exit code."""
    os.umask(_OWNER_ONLY)
    config_file, offset_file = map(Path, arguments)
    config = load_hub(config_file)
    lines = set_up("json")
    try:
        with Offset(offset_file) as offset:
            asyncio.run(_serve(config, MovedClock(offset)))
    finally:
        lines.finish()
    return 0


async def _serve(config: HubConfig, clock: MovedClock) -> None:
    stop = asyncio.Event()

    def now() -> datetime:
        return clock.moment().wall

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve(config, os.environ, stop, lambda address: None, now=now)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
