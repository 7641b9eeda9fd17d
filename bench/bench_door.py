"""The daemon as a program: start, last key to relay byte, memory, the loop.

Real bytes over ptys. Its cache holds 1,000,000 credentials. The raw baseline of a decision is
what nobody can save: the argon2id run of that very entry and one durable SQLite insert.

Deliberately not here: look-ups (bench_lookup), commits (bench_commit), imports (bench_import).
"""

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.feeds import card, write_feed
from bench.figures import Figure, median, percentile
from bench.rig import Rig, Running

INSTRUMENTED = Path(__file__).with_name("instrumented.py")


def run(quick: bool) -> list[Figure]:
    """All figures of a running door."""
    rows, entries, more = (2_000, 20, 20) if quick else (1_000_000, 500, 500)
    with tempfile.TemporaryDirectory(prefix="kioskd-door-") as folder:
        rig = Rig(Path(folder))
        feed = Path(folder) / "feed.jsonl"
        write_feed(feed, rows, known=entries + more)
        rig.import_feed(feed)
        feed.unlink()
        return [
            *_start(rig, rows, 3 if quick else 10),
            *_entries(rig, entries, more, rows),
            *_loop(rig, entries, rows),
        ]


def _start(rig: Rig, rows: int, times: int) -> list[Figure]:
    frames, readies = [], []
    for _ in range(times):
        with rig.start() as running:
            frames.append(running.first_frame())
            readies.append(running.ready())
    size = f"{rows:,} credentials, {times} starts"
    return [
        _figure("off-frame after exec", "s", frames, 0.4, size),
        _figure("ready, warm", "s", readies, 1.5, size),
    ]


def _entries(rig: Rig, entries: int, more: int, rows: int) -> list[Figure]:
    out = rig.folder / "entries.json"
    with rig.start((str(INSTRUMENTED), "--out", str(out))) as running:
        running.ready()
        took = [running.entry(card(number)) * 1000 for number in range(entries)]
        for number in range(entries, entries + more):
            running.entry(card(number))
        rss = _idle_rss(running, entries + more, rows)
    kdf = json.loads(out.read_text(encoding="utf-8"))["kdf_ms"][:entries]
    commit = _raw_commit_ms(rig.folder, entries)
    # Each entry beside the KDF run of its own: nobody can answer sooner than that.
    beyond = [total - own for total, own in zip(took, kdf, strict=True)]
    most = percentile(commit, 99) + 5.0
    raw = median(kdf) + median(commit)
    size = f"{entries} entries"
    return [
        Figure(
            "last key to relay byte",
            "ms",
            median(took),
            p99=percentile(took, 99),
            baseline=raw,
            ratio=median(took) / raw,
            size=f"{size}; raw: KDF + one durable insert",
        ),
        Figure(
            "the same, beyond its own KDF run",
            "ms",
            median(beyond),
            p99=percentile(beyond, 99),
            baseline=median(commit),
            ratio=median(beyond) / median(commit),
            budget=f"p99 <= raw commit p99 {most - 5.0:.2f} + 5 ms",
            ok=percentile(beyond, 99) <= most,
            size=size,
        ),
        rss,
    ]


def _idle_rss(running: Running, entries: int, rows: int) -> Figure:
    time.sleep(2.0)
    rss = running.rss_mb()
    return Figure(
        "daemon RSS, idle",
        "MB",
        rss,
        budget="<= 85 MB",
        ok=rss <= 85.0,
        size=f"after {entries:,} entries, {rows:,} credentials",
    )


def _loop(rig: Rig, entries: int, rows: int) -> list[Figure]:
    out = rig.folder / "loop.json"
    with rig.start((str(INSTRUMENTED), "--loop", "--out", str(out))) as running:
        running.ready()
        for number in range(min(entries, 100)):
            running.entry(card(number))
        rig.scanner.send(b"\x00\xff<>&'" * 20_000)
        rig.keypad.send(b"7" * 4_000)
        time.sleep(1.0)
    found = json.loads(out.read_text(encoding="utf-8"))
    cpu = found["callback_cpu_ms"]
    worst = ", ".join(f"{name} {ms:.1f}" for name, ms in found["worst"][:3])
    size = f"100 entries and a flood of garbage; worst: {worst}"
    return [
        Figure(
            "CPU of the longest loop callback",
            "ms",
            max(cpu),
            budget="<= 5 ms",
            ok=max(cpu) <= 5.0,
            size=size,
        ),
        Figure(
            "loop lag",
            "ms",
            median(found["lag_ms"]),
            p99=percentile(found["lag_ms"], 99.9),
            size="p99 column: p99.9",
        ),
    ]


def _figure(name: str, unit: str, samples: list[float], most: float, size: str) -> Figure:
    worst = max(samples)
    return Figure(
        name,
        unit,
        median(samples),
        p99=worst,
        budget=f"<= {most} {unit}",
        ok=median(samples) <= most,
        size=size,
    )


def _raw_commit_ms(folder: Path, rows: int) -> list[float]:
    raw = sqlite3.connect(folder / "raw.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        raw.execute(f"PRAGMA {pragma}")
    raw.execute("CREATE TABLE row (seq INTEGER PRIMARY KEY, body TEXT)")
    body = "x" * 400
    took = [
        _timed(lambda: raw.execute("INSERT INTO row (body) VALUES (?)", (body,)))
        for _ in range(max(rows, 100))
    ]
    raw.close()
    return took


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
