"""One journal commit: a durable row with its person and counts, beside one raw durable insert.

The raw baseline is a single sqlite3 insert of a like row, WAL and synchronous=FULL, in the same
directory and turn by turn with ours, so that both meet the same moods of the disk.
"""

import asyncio
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.figures import Figure, median, percentile, ratio_to
from kioskd.access.lockout import Lockout
from kioskd.domain.decision import DecidedBy, Decision, Reason
from kioskd.domain.moment import stamp
from kioskd.domain.record import Kind, Record
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_start import Opened, open_journal

ROUNDS, QUICK_ROUNDS = 3000, 50
MOST_RATIO = 2.0  # in the journal's thread
MOST_EXTRA_MS = 0.4  # awaited from the loop
DETAIL = {"cache_age_s": 4711, "generation": "20261123T010101-0a1b2c3d"}
INSERT = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
TABLE = (
    "CREATE TABLE event (seq INTEGER PRIMARY KEY, id TEXT, at TEXT, kind TEXT, door TEXT, "
    "decision TEXT, reason TEXT, decided_by TEXT, by TEXT, detail TEXT, personal TEXT, hash TEXT, "
    "trusted INTEGER)"
)


def run(quick: bool) -> list[Figure]:
    """Commit in its thread and awaited from the loop, each turn by turn with the raw insert."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    # Not in /tmp, which may be memory: a commit to memory is no commit.
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as folder:
        directory = Path(folder)
        raw = _Raw(directory / "raw.db")
        try:
            return [
                *_in_thread(directory / "thread", raw, rounds),
                _awaited(directory / "loop", raw, rounds),
            ]
        finally:
            raw.close()


class _Raw:
    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(TABLE)

    def insert(self) -> None:
        at = stamp(datetime.now(UTC))
        row = ("0" * 36, at, "entry.decided", "front", "granted", "OK", "cache", None)
        detail = '{"cache_age_s":4711,"generation":"20261123T010101-0a1b2c3d"}'
        self._connection.execute(INSERT, (None, *row, detail, "a" * 64, "b" * 64, 1))

    def close(self) -> None:
        self._connection.close()


def _in_thread(directory: Path, raw: _Raw, rounds: int) -> list[Figure]:
    file = _opened(directory).file
    ours, base, charges = [], [], []
    for _ in range(rounds):
        record = _record()
        ours.append(_timed(lambda record=record: file.append(record, (record.card,))))  # type: ignore[misc]
        base.append(_timed(raw.insert))
        card = secrets.token_bytes(16)
        charges.append(_timed(lambda card=card: file.charge(card, Lockout(1))))  # type: ignore[misc]
    file.close()
    ratio = ratio_to(median(ours), median(base))
    kept = ratio is not None and ratio <= MOST_RATIO
    budget = f"median <= {MOST_RATIO} x raw"
    return [
        _figure("journal commit in its thread", ours, base, budget, ok=kept),
        _figure("failed attempt charged in its thread", charges, base, "", ok=True),
    ]


def _awaited(directory: Path, raw: _Raw, rounds: int) -> Figure:
    ours: list[float] = []
    base: list[float] = []

    async def measure() -> None:
        journal = ThreadedJournal(_opened(directory), directory, lambda: _opened(directory))
        for _ in range(rounds):
            record = _record()
            cleared = (record.card,) if record.card else ()
            start = time.perf_counter()
            await journal.append(record, cleared)
            ours.append((time.perf_counter() - start) * 1e3)
            base.append(_timed(raw.insert))
        journal.close()

    asyncio.run(measure())
    kept = median(ours) <= median(base) + MOST_EXTRA_MS
    budget = f"median <= raw + {MOST_EXTRA_MS} ms"
    return _figure("journal commit awaited from the loop", ours, base, budget, ok=kept)


def _opened(directory: Path) -> Opened:
    directory.mkdir(exist_ok=True)
    return open_journal(directory, ZoneInfo("Europe/Helsinki"), datetime.now(UTC), "0" * 36, None)


def _record() -> Record:
    return Record(
        id=secrets.token_hex(18),
        at=datetime.now(UTC),
        kind=Kind.ENTRY_DECIDED,
        door="front",
        decision=Decision(Reason.OK),
        decided_by=DecidedBy.CACHE,
        detail=DETAIL,
        card=secrets.token_bytes(16),
    )


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def _figure(name: str, ours: list[float], base: list[float], budget: str, *, ok: bool) -> Figure:
    return Figure(
        name=name,
        unit="ms",
        median=median(ours),
        p99=percentile(ours, 99),
        baseline=median(base),
        ratio=ratio_to(median(ours), median(base)),
        budget=budget,
        ok=ok,
        size=f"{len(ours):,} commits",
    )
