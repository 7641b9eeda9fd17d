"""A hub and a device at the size of a town, on SQLite and on PostgreSQL: what is soon measured.

    how a snapshot is spread over hub, network and device
    an idle pull, a backlog of events, a block until it binds, the line's own process

The million and the five hundred devices are benchmarks of their own: hub_million, hub_fleet.

Deliberately not here: PostgreSQL where it is not installed.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.figures import Figure, median
from bench.hub_backlog import Backlog, checked, hub_rows
from bench.hub_line import block, command_seconds, running
from bench.hub_memory import rss
from bench.hub_parts import at_least, at_most, device, of_samples
from bench.hub_pulls import Pulling
from bench.hub_raw import insert_seconds
from bench.hub_rig import HubFiles, Serving, device_files, folder, postgresql
from bench.hub_rows import counted, fill
from sync.hub_wire import MAX_EVENTS

ROWS, QUICK_ROWS = 20_000, 2_000
IDLE, QUICK_IDLE = 500, 20
BACKLOG, QUICK_BACKLOG = 100_000, 3_000
BLOCKS, QUICK_BLOCKS = 10, 1
MIN_RATE: Final = 3_000  # events a second
BLOCK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    rows: int
    idle: int
    backlog: int
    blocks: int


def run(quick: bool) -> list[Figure]:
    """All of it on each database."""
    full = Sizes(ROWS, IDLE, BACKLOG, BLOCKS)
    sizes = Sizes(QUICK_ROWS, QUICK_IDLE, QUICK_BACKLOG, QUICK_BLOCKS) if quick else full
    with folder() as base, databases(base) as urls:
        return [figure for url in urls for figure in _on(base, url, sizes)]


@contextlib.contextmanager
def databases(base: Path) -> Iterator[list[str]]:
    """Where hubs may have their rows: one of each kind that there is."""
    with postgresql() as server:
        urls = [f"sqlite:///{base}/hub.db"]
        if server is not None:
            server.run("CREATE DATABASE hub")
            urls.append(server.url("hub"))
        yield urls


def _on(base: Path, url: str, sizes: Sizes) -> list[Figure]:
    files = HubFiles.make(base / url.partition(":")[0], url)
    asyncio.run(fill_hub(files, sizes.rows))
    tokens = asyncio.run(files.tokens(["door-1", "door-2"]))
    with files.serving() as hub:
        config = device_files(files.base / "door-1", hub.url, tokens[0])
        with device(config) as one:
            pulling = Pulling(files, hub.pid, one, sizes.rows, files.base)
            figures = [*pulling.snapshots(), *pulling.idle(sizes.idle)]
        figures += asyncio.run(blocks(files, config, sizes.blocks, sizes.rows))
        figures.append(asyncio.run(_backlog(files, hub, tokens[1], sizes.backlog)))
        return figures


async def fill_hub(files: HubFiles, rows: int) -> None:
    """Credentials in an empty hub."""
    async with files.opened() as database:
        await fill(database, files.keys(), rows)


async def blocks(files: HubFiles, config: Path, times: int, rows: int) -> list[Figure]:
    """Blocks of one card each, imported beside the serving hub."""
    of = f"{files.database}, {rows:,} credentials"
    async with running(config) as line:
        weight = rss(line.pid)
        took = [await block(files, line, number) for number in range(times)]
        later = rss(line.pid)
    raw = median([await command_seconds(files) for _ in range(3)])
    from_start, from_end = [start for start, _ in took], [end for _, end in took]
    figure = of_samples(
        "block: `import --delta` to the door",
        "s",
        from_start,
        BLOCK_SECONDS,
        raw=raw,
        size=f"{of}; raw: start of the command",
    )
    return [
        figure,
        of_samples("block: end of the command to the door", "s", from_end, size=of),
        at_most("the line's process, RSS when it listens", "MB", weight, size=of),
        at_most(f"the line's process, RSS after {times} blocks", "MB", later, size=of),
    ]


async def _backlog(files: HubFiles, hub: Serving, token: str, count: int) -> Figure:
    backlog = Backlog(files.base / "door-2", count)
    try:
        seconds = await backlog.drained(hub, token)
    finally:
        backlog.close()
    rows = hub_rows(count)
    async with files.opened() as database:
        there = await counted(
            database,
            "SELECT count(*), count(DISTINCT id), min(seq), max(seq) FROM event"
            " WHERE device = 'door-2'",
        )
        checked(there, backlog.count)
        raw = count / await insert_seconds(database, files.base, rows, MAX_EVENTS)
    rate, of = backlog.count / seconds, f"{files.database}, {count:,} events; raw: inserts"
    return at_least("backlog drained", "events/s", rate, MIN_RATE, raw=raw, size=of)
