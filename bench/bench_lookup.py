"""A card number to a decision: index, point read, unseal, decide; beside a raw point read.

Raw and ours take turns card by card, so that both meet the same moments of the machine. Reads of
pages that are in nobody's memory are measured apart, on a file that the kernel was told to forget.
"""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.bench_import import QUICK_ROWS, ROWS, write_site
from bench.feeds import card, write_feed
from bench.figures import Figure, median, percentile
from kioskd.access.facts import DoorPolicy, Facts, PinOutcome
from kioskd.access.policy import decide
from kioskd.config.load import load
from kioskd.daemon.importing import ImportRequest, import_feed
from kioskd.daemon.keys import Keys, open_keys
from kioskd.daemon.stores import open_cache
from kioskd.domain.hours import HoursState
from kioskd.store.credentials import CredentialCache

SAMPLES, FIRST_TOUCHES = 20_000, 1_000
_STRIDE = 7_919
MAX_P50_MS, MAX_P99_MS, MAX_RATIO = 0.05, 0.15, 10.0

_DOOR = DoorPolicy(branch="ESI")
_NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def run(quick: bool) -> list[Figure]:
    """Look-up with its caches warm, and first touches apart."""
    rows = QUICK_ROWS if quick else ROWS
    with tempfile.TemporaryDirectory(prefix="kioskd-bench-") as folder:
        config = write_site(Path(folder))
        feed = Path(folder) / "feed.jsonl"
        write_feed(feed, rows)
        import_feed(ImportRequest(str(config), str(feed)))
        feed.unlink()
        keys = open_keys(load(config))
        cache = open_cache(Path(folder) / "data", keys, None)
        try:
            return _measured(cache, keys, _only_database(Path(folder) / "data"), rows)
        finally:
            cache.close()


def _measured(cache: CredentialCache, keys: Keys, database: Path, rows: int) -> list[Figure]:
    # A stride prime to the rows meets cards in no order; their indices have none anyway.
    cards = [card(n * _STRIDE % rows) for n in range(SAMPLES)]
    size = f"{rows:,} credentials"
    raw = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, isolation_level=None)
    _forget(database)
    cold = [_timed(_decided, cache, keys, number) for number in cards[:FIRST_TOUCHES]]
    for number in cards:  # and once more, so that its pages are in the kernel's memory
        _decided(cache, keys, number)
    ours, baseline = _in_turns(cache, keys, raw, cards)
    raw.close()
    return [_warm_figure(ours, baseline, size), _cold_figure(cold, size)]


def _in_turns(
    cache: CredentialCache, keys: Keys, raw: sqlite3.Connection, cards: Sequence[str]
) -> tuple[list[float], list[float]]:
    ours, baseline = [], []
    for number in cards:
        index = keys.index.keys_of(number).cache
        ours.append(_timed(_decided, cache, keys, number))
        baseline.append(_timed(_raw_read, raw, index))
    return ours, baseline


def _decided(cache: CredentialCache, keys: Keys, number: str) -> None:
    credential = cache.find(keys.index.keys_of(number).cache)
    facts = Facts(
        now=_NOW,
        today=_NOW.date(),
        door=_DOOR,
        hours=HoursState.SELF_SERVICE,
        lockdown=False,
        clock_trusted=True,
        cache_age=timedelta(hours=1),
        credential=credential,
        pin=PinOutcome.RIGHT,
    )
    if not decide(facts).granted:
        raise AssertionError("a card of the feed was not granted")


def _raw_read(raw: sqlite3.Connection, index: bytes) -> None:
    raw.execute("SELECT sealed FROM credential WHERE card = ?", (index,)).fetchone()


def _timed(call: Callable[..., None], *arguments: object) -> float:
    began = time.perf_counter_ns()
    call(*arguments)
    return (time.perf_counter_ns() - began) / 1e6


def _forget(database: Path) -> None:
    """Ask the kernel to drop the file's pages; what SQLite itself holds is a few of the top."""
    descriptor = os.open(database, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def _only_database(directory: Path) -> Path:
    [database] = directory.glob("credentials.*.db")
    return database


def _warm_figure(ours: Sequence[float], baseline: Sequence[float], size: str) -> Figure:
    p50, p99, raw = median(ours), percentile(ours, 99), median(baseline)
    return Figure(
        "look-up, unseal and decide",
        "ms",
        p50,
        p99=p99,
        baseline=raw,
        ratio=p50 / raw,
        budget=f"p50 <= {MAX_P50_MS} ms, p99 <= {MAX_P99_MS} ms, <= {MAX_RATIO:.0f} x raw",
        ok=p50 <= MAX_P50_MS and p99 <= MAX_P99_MS and p50 <= MAX_RATIO * raw,
        size=size,
    )


def _cold_figure(cold: Sequence[float], size: str) -> Figure:
    name = "the same, first touch of a page on disk"
    return Figure(name, "ms", median(cold), p99=percentile(cold, 99), size=size)
