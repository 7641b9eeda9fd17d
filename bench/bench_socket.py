"""The control socket of a running daemon: `status` alone, with 20 clients, and beside an import.

The raw baseline is an asyncio unix socket that answers as many bytes and does nothing else. Both
are asked turn by turn, so that they meet the same moments of the machine.
Deliberately not here: what staff's actions cost, which is a commit (bench_commit).
"""

import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.feeds import write_feed
from bench.figures import Figure, median, percentile, ratio_to
from bench.rig import _START, Rig

ROWS, QUICK_ROWS = 1_000_000, 20_000
ASKED, QUICK_ASKED = 5_000, 200
CLIENTS = 20
PAUSE_SECONDS = 0.002  # between two questions beside an import: as staff ask, not a flood
MAX_P99_MS = 5.0
_STATUS = b'{"id":1,"verb":"status","args":{}}\n'
_WITHIN_SECONDS = 10.0


def run(quick: bool) -> list[Figure]:
    """All figures of the socket."""
    rows, asked = (QUICK_ROWS, QUICK_ASKED) if quick else (ROWS, ASKED)
    with tempfile.TemporaryDirectory(prefix="kioskd-socket-") as folder:
        rig = Rig(Path(folder))
        feed = Path(folder) / "feed.jsonl"
        write_feed(feed, rows)
        rig.import_feed(feed)
        with rig.start() as running:
            running.ready()
            daemon = Path(folder) / "data" / "control.sock"
            size = f"{rows:,} credentials"
            return measured(daemon, lambda: import_beside(rig, feed), asked, size)


def measured(
    daemon: Path, begin: "Callable[[], subprocess.Popen[bytes]]", asked: int, size: str
) -> list[Figure]:
    """The figures of whatever answers at `daemon`, alone and while what `begin` starts runs."""
    ours = Asker(daemon, greets=True)
    bytes_back = len(ours.ask())
    with _echo(daemon.parent, bytes_back) as path:
        raw = Asker(path, greets=False)
        size = f"{size}, {bytes_back} bytes back"
        return [
            _figure("status, one client", *_in_turns(ours, raw, asked), size, budget=False),
            _figure(
                f"status, {CLIENTS} clients at once",
                _at_once(daemon, asked, greets=True),
                _at_once(path, asked, greets=False),
                size,
                budget=False,
            ),
            _figure("status beside an import", *_beside(begin, ours, raw), size, budget=True),
        ]


class Asker:
    """One client that blocks."""

    def __init__(self, path: Path, *, greets: bool) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(_WITHIN_SECONDS)
        until = time.perf_counter() + _WITHIN_SECONDS
        while not _connected(self.socket, path):
            assert time.perf_counter() < until, f"{path}: nobody answers there"
            time.sleep(0.01)
        if greets:
            self.answer()

    def ask(self) -> bytes:
        """Ask, and wait for the whole answer."""
        self.socket.sendall(_STATUS)
        return self.answer()

    def answer(self) -> bytes:
        """The next line."""
        text = b""
        while not text.endswith(b"\n"):
            came = self.socket.recv(65_536)
            assert came, "hung up"
            text += came
        return text

    def took_ms(self) -> float:
        """Milliseconds of one question."""
        began = time.perf_counter()
        self.ask()
        return (time.perf_counter() - began) * 1e3


def import_beside(rig: Rig, feed: Path) -> "subprocess.Popen[bytes]":
    """Begin an import as staff do, beside the daemon."""
    command = [sys.executable, "-P", "-c", _START, "feed", "import", str(feed)]
    command += ["--config", str(rig.config)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def _echo(folder: Path, size: int) -> Iterator[Path]:
    path = folder / "echo.sock"
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "bench.echo", str(path), str(size)]
    process = subprocess.Popen(command, cwd=root)
    try:
        yield path
    finally:
        process.kill()
        process.wait()


def _connected(plain: socket.socket, path: Path) -> bool:
    try:
        plain.connect(os.fspath(path))
    except OSError:
        return False
    return True


def _in_turns(ours: Asker, raw: Asker, asked: int) -> tuple[list[float], list[float]]:
    both = [_pair(ours, raw, number) for number in range(asked)]
    return [mine for mine, _ in both], [base for _, base in both]


def _pair(ours: Asker, raw: Asker, number: int) -> tuple[float, float]:
    """One question to each; who is asked first, right after a pause, waits for a core to wake."""
    if number % 2:
        base = raw.took_ms()
        return ours.took_ms(), base
    return ours.took_ms(), raw.took_ms()


def _beside(
    begin: "Callable[[], subprocess.Popen[bytes]]", ours: Asker, raw: Asker
) -> tuple[list[float], list[float]]:
    both: list[tuple[float, float]] = []
    process = begin()
    more = 500  # questions after it: the daemon takes the new cache within a second
    while more:
        more -= process.poll() is not None
        both.append(_pair(ours, raw, len(both)))
        time.sleep(PAUSE_SECONDS)
    assert process.returncode == 0, "the import failed"
    return [mine for mine, _ in both], [base for _, base in both]


def _at_once(path: Path, asked: int, *, greets: bool) -> list[float]:
    """Every client has a question open all the time."""
    took: list[float] = []
    with selectors.DefaultSelector() as waiting:
        for asker in [Asker(path, greets=greets) for _ in range(CLIENTS)]:
            waiting.register(asker.socket, selectors.EVENT_READ, asker)
        began = {key.fd: _send(key.data) for key in waiting.get_map().values()}
        while len(took) < asked:
            for key, _ in waiting.select():
                key.data.answer()
                took.append((time.perf_counter() - began[key.fd]) * 1e3)
                began[key.fd] = _send(key.data)
        for key in waiting.get_map().values():
            key.data.socket.close()
    return took


def _send(asker: Asker) -> float:
    asker.socket.sendall(_STATUS)
    return time.perf_counter()


def _figure(name: str, ours: list[float], raw: list[float], size: str, *, budget: bool) -> Figure:
    p99 = percentile(ours, 99)
    return Figure(
        name,
        "ms",
        median(ours),
        p99=p99,
        baseline=median(raw),
        ratio=ratio_to(median(ours), median(raw)),
        budget=f"p99 <= {MAX_P99_MS:g} ms" if budget else "",
        ok=not budget or p99 <= MAX_P99_MS,
        size=f"{len(ours):,} answers; raw p99 {percentile(raw, 99):.2f} ms; {size}",
    )
