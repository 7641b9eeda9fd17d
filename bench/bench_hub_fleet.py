"""500 devices on two hubs and one PostgreSQL: do pulls stay fast, and is any event lost or doubled?

Each device is simulated with the real line, in two processes: a pull and a heartbeat each 30 s, ten
events each 5 s, and a stream of hints that stays open. After a minute of that come some blocks,
which all devices are told of at once.

Takes some three minutes: `python -m bench.run hub_fleet`.

Deliberately not here: SQLite, which is not for so many.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bench.bench_hub import fill_hub
from bench.feeds import card
from bench.figures import Figure, median
from bench.hub_backlog import hub_rows
from bench.hub_fleet import EVENTS, Orders, Seen, Simulated
from bench.hub_memory import (
    processor_of_all,
    processor_of_machine,
    processor_seconds,
    rss,
)
from bench.hub_parts import ROOT, at_most, of_samples
from bench.hub_raw import insert_seconds
from bench.hub_rig import (
    DurableServer,
    HubFiles,
    Serving,
    folder,
    postgresql,
)
from bench.hub_rows import FEED, counted
from kioskd.clock.system import SystemClock
from sync.hub.pull_standing import Standing, standing_of
from sync.hub_address import HubAddress
from sync.hub_client import HubClient

DEVICES, QUICK_DEVICES = 500, 20
ROWS, QUICK_ROWS = 20_000, 1_000
SECONDS, QUICK_SECONDS = 60.0, 3.0
RAMP, QUICK_RAMP = 30.0, 2.0
BLOCKS, QUICK_BLOCKS = 3, 1
PROCESSES: Final = 2
OF_A_BRANCH: Final = 5  # devices
PULL_SECONDS, QUICK_PULL_SECONDS = 30.0, 1.0
EVENT_SECONDS: Final = 5.0
PULL_P99_MS: Final = 250.0
_ALONE: Final = 50  # pulls before all others
_SETTLE_SECONDS: Final = 8.0  # after a block


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many, and how long."""

    devices: int
    rows: int
    seconds: float
    ramp: float
    blocks: int
    pull: float


@dataclass(frozen=True, slots=True)
class Minute:
    """What was seen while the load was on. since, until: time.monotonic."""

    since: float
    until: float
    hubs: float
    database: float
    fleet: float
    others: float
    hub_mb: float

    @property
    def seconds(self) -> float:
        return self.until - self.since


def run(quick: bool) -> list[Figure]:
    """Nothing where PostgreSQL is not installed."""
    full = Sizes(DEVICES, ROWS, SECONDS, RAMP, BLOCKS, PULL_SECONDS)
    few = Sizes(
        QUICK_DEVICES, QUICK_ROWS, QUICK_SECONDS, QUICK_RAMP, QUICK_BLOCKS, QUICK_PULL_SECONDS
    )
    with folder() as base, postgresql() as server:
        return _measured(base, server, few if quick else full) if server else []


def _measured(base: Path, server: DurableServer, sizes: Sizes) -> list[Figure]:
    server.run("CREATE DATABASE hub")
    codes = [f"B{number}" for number in range(-(-sizes.devices // OF_A_BRANCH))]
    files = HubFiles.make(base / "hub", server.url("hub"), codes)
    asyncio.run(fill_hub(files, sizes.rows))
    names = [f"door-{number}" for number in range(sizes.devices)]
    tokens = asyncio.run(files.tokens(names, codes))
    with files.serving("one") as one, files.serving("two") as two:
        hubs = (one, two)
        positions = asyncio.run(_positions(files))
        alone = asyncio.run(_alone(one, tokens[0], positions[0]))
        devices = [
            _device(name, token, hubs[place % 2], positions[place % len(codes)])
            for place, (name, token) in enumerate(zip(names, tokens, strict=True))
        ]
        fleet = _started(devices, sizes)
        try:
            time.sleep(sizes.ramp + 5)
            minute = _minute(fleet, hubs, server, sizes.seconds)
            blocked = [_block(files, number) for number in range(sizes.blocks)]
            seen = [_ended(process) for process in fleet]
        finally:
            for process in fleet:
                process.kill()
                process.communicate()
    told = _figures(sizes, minute, seen, blocked, alone)
    return [*told, *asyncio.run(_checked(files, seen, sizes))]


async def _positions(files: HubFiles) -> list[Standing]:
    """Of each branch, where a device stands that has everything."""
    config = files.config()
    async with files.opened() as database, database.reading() as connection:
        return [await standing_of(connection, config, branch) for branch in config.branches]


def _device(name: str, token: str, hub: Serving, at: Standing) -> Simulated:
    return Simulated(name, at.branch, hub.url, token, at.generation, at.cursor())


async def _alone(hub: Serving, token: str, at: Standing) -> float:
    """Milliseconds of a pull (both its requests) while nobody else asks."""
    took, cursor = [], at.cursor()
    async with HubClient(HubAddress(hub.url, token), SystemClock()) as client:
        for _ in range(_ALONE):
            began = time.perf_counter()
            await client.restrictions(cursor)
            await client.credentials(cursor)
            took.append((time.perf_counter() - began) * 1e3)
    return median(took)


def _started(devices: list[Simulated], sizes: Sizes) -> list["subprocess.Popen[bytes]"]:
    started = []
    for place in range(PROCESSES):
        # Each process has devices of both hubs.
        mine = [d for number, d in enumerate(devices) if number // 2 % PROCESSES == place]
        orders = Orders(mine, sizes.pull, EVENT_SECONDS, sizes.ramp)
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.hub_fleet"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(orders) + b"\n")
        process.stdin.flush()
        started.append(process)
    return started


def _minute(
    fleet: list["subprocess.Popen[bytes]"],
    hubs: tuple[Serving, ...],
    server: DurableServer,
    seconds: float,
) -> Minute:
    def used() -> tuple[float, ...]:
        hub = sum(processor_seconds(one.pid) for one in hubs)
        ours = sum(processor_seconds(process.pid) for process in fleet)
        return hub, processor_of_all(server.pid), ours, processor_of_machine()

    before, since = used(), time.monotonic()
    time.sleep(seconds)
    after, until = used(), time.monotonic()
    hub, database, ours, machine = (
        (late - early) / (until - since) for early, late in zip(before, after, strict=True)
    )
    others = machine - hub - database - ours
    return Minute(since, until, hub, database, ours, others, max(rss(one.pid) for one in hubs))


def _block(files: HubFiles, number: int) -> tuple[str, float]:
    """Import a block; the card and when the command had ended (time.monotonic)."""
    delta = files.base / "delta.jsonl"
    row = {"card": card(number), "restrictions": [{"kind": "use-ban"}]}
    delta.write_text(json.dumps(row) + "\n", encoding="utf-8")
    files.command("import", str(delta), "--feed", FEED, "--delta", "--json")
    ended = time.monotonic()
    time.sleep(_SETTLE_SECONDS)
    return card(number), ended


def _ended(process: "subprocess.Popen[bytes]") -> Seen:
    out, _ = process.communicate(b"over\n", timeout=120)
    assert process.returncode == 0, process.returncode
    return msgspec.json.decode(out, type=Seen)


def _figures(
    sizes: Sizes,
    minute: Minute,
    seen: list[Seen],
    blocked: list[tuple[str, float]],
    alone: float,
) -> list[Figure]:
    of = f"{sizes.devices} devices, 2 hubs, {minute.seconds:.0f} s"
    pulls = [
        pull.seconds * 1e3
        for one in seen
        for pull in one.pulls
        if minute.since <= pull.at <= minute.until
    ]
    told = [
        at - ended for card_, ended in blocked for one in seen for at in one.told.get(card_, [])
    ]
    assert len(told) == sizes.devices * sizes.blocks, (len(told), sizes)
    assert sum(one.listening for one in seen) == sizes.devices, "some did not listen"
    failures = Counter[str]()
    for one in seen:
        failures.update(one.failures)
    for why, times in failures.most_common(10):
        print(f"{times} times: {why}", file=sys.stderr)
    size = f"{len(pulls):,} pulls; {of}; raw: one device alone"
    told_size = f"{len(told):,} times; {of}"
    return [
        of_samples("pull under load", "ms", pulls, PULL_P99_MS, raw=alone, size=size),
        of_samples("block: end of the command to every device", "s", told, size=told_size),
        at_most("failures that devices saw", "calls", failures.total(), 0, size=of),
        at_most("both hubs, processor", "cores", minute.hubs, size=of),
        at_most("PostgreSQL, processor", "cores", minute.database, size=of),
        at_most("all devices, processor", "cores", minute.fleet, size=of),
        at_most("all else on this machine, processor", "cores", minute.others, size=of),
        at_most("RSS of the larger hub", "MB", minute.hub_mb, size=of),
    ]


async def _checked(files: HubFiles, seen: list[Seen], sizes: Sizes) -> list[Figure]:
    """Whether the hub has every event, once, and counted it once."""
    sent = {name: made for one in seen for name, made in one.sent.items()}
    async with files.opened() as database:
        rows = await counted(
            database,
            "SELECT device, count(*), count(DISTINCT seq), max(seq) FROM event GROUP BY device",
        )
        (tally,) = await counted(database, "SELECT sum(n) FROM tally WHERE what = 'login'")
        some = hub_rows(1000)
        raw = len(some) / await insert_seconds(database, files.base, some, EVENTS)
    there = {str(device): (int(n), int(seqs), int(last)) for device, n, seqs, last in rows}
    lost = sum(made - there.get(name, (0, 0, 0))[1] for name, made in sent.items())
    doubled = sum(n - seqs for n, seqs, _ in there.values())
    counted_wrong = abs(int(tally[0]) - sum(sent.values()))
    of = f"{sum(sent.values()):,} events of {sizes.devices} devices"
    return [
        at_most("events lost", "events", lost, 0, size=of),
        at_most("events doubled", "events", doubled, 0, size=of),
        at_most("events counted wrongly", "events", counted_wrong, 0, size=of),
        at_most("raw inserts of ten events each", "events/s", raw),
    ]
