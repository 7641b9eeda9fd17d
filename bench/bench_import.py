"""Import of a full feed: as `kioskd feed import` does it, beside a raw bulk insert of its rows.

The raw baseline is what the same number of rows of the same size costs when they come sorted and
sealed already: one executemany into a new file, and an fsync.
"""

import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.feeds import write_feed
from bench.figures import Figure
from kioskd.daemon.importing import ImportReport, ImportRequest, Progress, import_feed
from kioskd.vault.device_key import write_device_key

ROWS, QUICK_ROWS = 1_000_000, 20_000
MIN_RATE = 60_000  # rows a second
MAX_RSS_MB = 150
MAX_BYTES = 160  # a credential
_BUCKETS = 64


def run(quick: bool) -> list[Figure]:
    """Rate, memory and size of one import."""
    rows = QUICK_ROWS if quick else ROWS
    with tempfile.TemporaryDirectory(prefix="kioskd-bench-") as folder:
        config = write_site(Path(folder))
        feed = Path(folder) / "feed.jsonl"
        write_feed(feed, rows)
        raw = raw_rate(Path(folder) / "raw.db", rows)
        memory = _TreeMemory()
        began = time.perf_counter()
        report = import_feed(ImportRequest(str(config), str(feed)), memory.note)
        seconds = time.perf_counter() - began
    return _figures(report, rows / seconds, raw, memory)


def write_site(folder: Path) -> Path:
    """A configuration with its key in this folder; the configuration file."""
    key, config = folder / "device.key", folder / "kioskd.toml"
    write_device_key(key)
    config.write_text(
        f"""
[site]
name = "Esimerkkilä"
branch = "ESI"
[storage]
directory = "{folder}/data"
retention_days = 14
[secrets]
device_key = "file:{key}"
[cards]
patron = ['\\d{{3}}[A-Z]\\d{{6}}']
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
""",
        encoding="utf-8",
    )
    return config


def raw_rate(path: Path, rows: int) -> float:
    """Rows a second of a raw sorted bulk insert, fsync included; making the rows is not counted."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("CREATE TABLE c (card BLOB PRIMARY KEY, sealed BLOB) WITHOUT ROWID")
    connection.execute("BEGIN")
    spent = 0.0
    for batch in _sorted_batches(rows):
        began = time.perf_counter()
        connection.executemany("INSERT INTO c VALUES (?, ?)", batch)
        spent += time.perf_counter() - began
    began = time.perf_counter()
    connection.execute("COMMIT")
    connection.close()
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    path.unlink()
    return rows / (spent + time.perf_counter() - began)


def _sorted_batches(rows: int) -> Iterator[list[tuple[bytes, bytes]]]:
    for bucket in range(_BUCKETS):
        first = bytes([bucket * 256 // _BUCKETS])
        yield sorted((first + os.urandom(15), os.urandom(92)) for _ in range(rows // _BUCKETS))


class _TreeMemory:
    """Memory of the import at each report: of its largest process, and of all together."""

    def __init__(self) -> None:
        self.largest = 0.0
        self.together = 0.0

    def note(self, step: Progress) -> None:
        processes = list(_descendants(os.getpid()))
        self.largest = max([self.largest, *(_kib(p, "status", "VmHWM:") for p in processes)])
        shared = sum(_kib(p, "smaps_rollup", "Pss:") for p in processes)
        self.together = max(self.together, shared)


def _descendants(process: int) -> Iterator[int]:
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, listed.read_text(encoding="ascii").split()):
            yield child
            yield from _descendants(child)


def _kib(process: int, file: str, name: str) -> float:
    try:
        lines = Path(f"/proc/{process}/{file}").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0  # it has ended
    return next((float(line.split()[1]) for line in lines if line.startswith(name)), 0.0)


def _figures(report: ImportReport, rate: float, raw: float, memory: _TreeMemory) -> list[Figure]:
    size = f"{report.credentials:,} credentials"
    largest, together = memory.largest * 1024 / 1e6, memory.together * 1024 / 1e6
    each = report.bytes_per_credential
    return [
        Figure(
            "import, start to switch",
            "rows/s",
            rate,
            baseline=raw,
            ratio=rate / raw,
            budget=f">= {MIN_RATE:,} rows/s",
            ok=rate >= MIN_RATE,
            size=size,
        ),
        Figure(
            "import, RSS of its largest process",
            "MB",
            largest,
            budget=f"<= {MAX_RSS_MB} MB",
            ok=largest <= MAX_RSS_MB,
            size=size,
        ),
        Figure(
            "import, memory of all its processes (PSS)",
            "MB",
            together,
            budget=f"<= {MAX_RSS_MB} MB",
            ok=together <= MAX_RSS_MB,
            size=size,
        ),
        Figure(
            "cache, bytes a credential",
            "bytes",
            each,
            budget=f"<= {MAX_BYTES} bytes",
            ok=each <= MAX_BYTES,
            size=size,
        ),
    ]
