"""A million credentials: snapshot, delta, idle pull and a block, on SQLite and on PostgreSQL.

Takes some ten minutes: `python -m bench.run hub_million`.

Deliberately not here: the same at the size of a town (bench_hub).
"""

import asyncio
from pathlib import Path

from bench.bench_hub import blocks, databases, fill_hub
from bench.figures import Figure
from bench.hub_parts import device
from bench.hub_pulls import Pulling
from bench.hub_rig import HubFiles, device_files, folder

ROWS, QUICK_ROWS = 1_000_000, 20_000
DELTAS, QUICK_DELTAS = 3, 1
IDLE, QUICK_IDLE = 500, 20
BLOCKS, QUICK_BLOCKS = 5, 1


def run(quick: bool) -> list[Figure]:
    """All of it on each database."""
    with folder() as base, databases(base) as urls:
        return [figure for url in urls for figure in _on(base, url, quick)]


def _on(base: Path, url: str, quick: bool) -> list[Figure]:
    rows = QUICK_ROWS if quick else ROWS
    files = HubFiles.make(base / url.partition(":")[0], url)
    asyncio.run(fill_hub(files, rows))
    (token,) = asyncio.run(files.tokens(["door-1"]))
    with files.serving() as hub:
        config = device_files(files.base / "door-1", hub.url, token)
        with device(config) as one:
            pulling = Pulling(files, hub.pid, one, rows, files.base)
            figures = pulling.snapshots()
            figures.append(pulling.delta(QUICK_DELTAS if quick else DELTAS))
            figures += pulling.idle(QUICK_IDLE if quick else IDLE)
        times = QUICK_BLOCKS if quick else BLOCKS
        return [*figures, *asyncio.run(blocks(files, config, times, rows))]
