"""The screen of a door: its first picture, its memory, and how soon it follows its door.

The real program on a pseudo-terminal, and a real control socket in this process. The raw baseline
is a bare Textual application that shows the lines of a socket: what Textual itself costs.
"""

import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import Figure, median, percentile
from kioskd.domain.notice import Notice, Shown
from tests.screens.doorkeeper import Doorkeeper
from tests.screens.terminal import KIOSK_UI, Running, on_terminal

MOST_MB, MOST_SECONDS, MOST_MS = 60.0, 0.8, 50.0
SETTLED_SECONDS = 2.0  # after which nothing is loaded any more
_NOTICES = (  # with words that stand on the screen in plain letters, in the last language
    (Notice.GRANTED, "Access granted."),
    (Notice.ENTER_PIN, "Enter your PIN"),
    (Notice.FULL, "The library is full."),
    (Notice.DENIED, "Access denied."),
)
_BARE = """
import asyncio, sys
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("begun", id="line")
    async def on_mount(self):
        self.reading = asyncio.create_task(self.read())
    async def read(self):
        reader, _ = await asyncio.open_unix_connection(sys.argv[1])
        while line := await reader.readline():
            self.query_one("#line").update(line.decode())
Bare().run()
"""


def run(quick: bool) -> list[Figure]:
    """Starts, memory and latency, each beside the bare application's."""
    starts, notices = (2, 8) if quick else (15, 400)
    with tempfile.TemporaryDirectory(prefix="kioskd-screen-") as folder:
        bare = _bare(Path(folder) / "bare", starts, notices)
        ours = _ours(Path(folder) / "ours", starts, notices)
    return [
        _start_figure(ours[0], bare[0], starts),
        _memory_figure(ours[1], bare[1]),
        _latency_figure(ours[2], bare[2], notices),
    ]


Measured = tuple[list[float], float, list[float]]  # seconds of starts, MB, ms from event to screen


def _ours(path: Path, starts: int, notices: int) -> Measured:
    keeper = Doorkeeper(path)
    command = (*KIOSK_UI, "--door", "front", "--socket", str(path))
    with keeper.in_a_thread() as daemon:
        daemon.show(Shown(Notice.CLOSED))

        def send(number: int) -> str:
            notice, words = _NOTICES[number % len(_NOTICES)]
            daemon.show(Shown(notice))
            return words

        return _measured(command, "The library is closed.", starts, notices, send)


def _bare(path: Path, starts: int, notices: int) -> Measured:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    command = (sys.executable, "-c", _BARE, str(path))
    connected: list[socket.socket] = []

    def send(number: int) -> str:
        if not connected:
            while len(connected) < starts:
                connected.append(listening.accept()[0])
        connected[-1].sendall(f"line-{number}-of-many\n".encode())
        return f"line-{number}-of-many"

    try:
        return _measured(command, "begun", starts, notices, send)
    finally:
        for each in (*connected, listening):
            each.close()


def _measured(
    command: tuple[str, ...], first: str, starts: int, notices: int, send: Callable[[int], str]
) -> Measured:
    begun = []
    for left in range(starts, 0, -1):
        at = time.perf_counter()
        with on_terminal(command) as screen:
            screen.until(first)
            begun.append(time.perf_counter() - at)
            if left == 1:
                followed = [_followed(screen, send, number) for number in range(notices)]
                time.sleep(SETTLED_SECONDS)
                return begun, _rss_mb(screen.pid), followed
            time.sleep(0.2)  # so that it has connected before it goes
    raise AssertionError("no starts")


def _followed(screen: Running, send: Callable[[int], str], number: int) -> float:
    """Milliseconds from the event to its words at the terminal."""
    time.sleep(0.01)
    screen.drain()
    at = time.perf_counter()
    screen.until(send(number))
    return (time.perf_counter() - at) * 1000


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def _start_figure(ours: list[float], bare: list[float], starts: int) -> Figure:
    return Figure(
        "first picture after exec",
        "s",
        median(ours),
        p99=percentile(ours, 99),
        baseline=median(bare),
        ratio=median(ours) / median(bare),
        budget=f"<= {MOST_SECONDS} s",
        ok=median(ours) <= MOST_SECONDS,
        size=f"{starts} starts; raw: a bare Textual application",
    )


def _memory_figure(ours: float, bare: float) -> Figure:
    return Figure(
        "screen RSS",
        "MB",
        ours,
        baseline=bare,
        ratio=ours / bare,
        budget=f"<= {MOST_MB:.0f} MB",
        ok=ours <= MOST_MB,
        size="after all notices",
    )


def _latency_figure(ours: list[float], bare: list[float], notices: int) -> Figure:
    return Figure(
        "event to words at the terminal",
        "ms",
        median(ours),
        p99=percentile(ours, 99),
        baseline=median(bare),
        ratio=median(ours) / median(bare),
        budget=f"p99 <= {MOST_MS:.0f} ms",
        ok=percentile(ours, 99) <= MOST_MS,
        size=f"{notices} notices, 93x28 cells",
    )
