"""`kioskd demo` at a terminal: the stage is set, the panel has the terminal, nothing is left.

The panel here is a few lines that do what a panel does to a terminal; the real one has tests of
its own.
"""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.left_behind import processes_of

PATIENCE_SECONDS = 60.0
PANEL = """\
import asyncio, json, os, sys, tty
from pathlib import Path
from kioskd.client import open_link

given = dict(zip(sys.argv[1::2], sys.argv[2::2]))

async def main():
    tty.setraw(0)
    os.write(1, b"\\x1b[?1049h\\x1b[?25l")
    async with await open_link(Path(given["--demo"])) as demo:
        state = await demo.ask("state")
        people = await demo.ask("people")
        vilma = await demo.ask("explain", id="vilma")
    async with await open_link(Path(given["--socket"])) as daemon:
        status = await daemon.ask("status")
    told = [given["--door"], state["daemon"], len(people["people"]), vilma["granted"]]
    told.append([door["name"] for door in status["doors"]])
    os.write(1, b"PANEL" + json.dumps(told).encode() + b"PANEL")
    key = await asyncio.to_thread(os.read, 0, 1)
    if key == b"x":
        os.write(1, b"\\x1b[?1049l\\x1b[?25h")
        return 0
    return 3

sys.exit(asyncio.run(main()))
"""
SHOW = (
    "import sys; from kioskd.cli.demo_terminal import show\n"
    "seconds = float(sys.argv[1]) or None\n"
    "sys.exit(show(seconds, [sys.executable, '-P', sys.argv[2]]))"
)


class Terminal:
    """A pseudo-terminal with the demo on it."""

    def __init__(self, directory: Path, seconds: float = 0.0) -> None:
        panel = directory.with_name(f"{directory.name}-panel.py")
        panel.write_text(PANEL, encoding="utf-8")
        self.directory = directory
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(self.master)
        self.shown = ""
        self.child = subprocess.Popen(
            [sys.executable, "-P", "-c", SHOW, str(seconds), str(panel)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(directory)},
        )
        os.close(slave)

    def until(self, text: str) -> None:
        """Read what is shown until a text comes."""
        end = time.monotonic() + PATIENCE_SECONDS
        while text not in self.shown:
            ready, _, _ = select.select([self.master], [], [], end - time.monotonic())
            assert ready, self.shown
            self.shown += os.read(self.master, 65536).decode()

    def rest(self) -> str:
        """Read until the demo has ended; what was shown after the panel came up."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.child.poll() is None or select.select([self.master], [], [], 0)[0]:
            assert time.monotonic() < end, self.shown
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    self.shown += os.read(self.master, 65536).decode()
                except OSError:  # nobody has the other end any more
                    break
        self.child.wait(PATIENCE_SECONDS)
        return self.shown.rpartition("PANEL")[2]

    def is_as_before(self) -> bool:
        """Whether echo, lines and signals are what they were."""
        return termios.tcgetattr(self.master) == self.before

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self.master)


@pytest.fixture
def terminal(directory: Path) -> Iterator[Terminal]:
    terminal = Terminal(directory)
    yield terminal
    terminal.close()


def nothing_left(directory: Path) -> bool:
    return processes_of(directory) == [] and list(directory.iterdir()) == []


def test_a_panel_that_is_left_ends_the_demo(terminal: Terminal, directory: Path) -> None:
    terminal.until("]PANEL")
    lines, _, rest = terminal.shown.partition("\x1b")
    for title in ("the hub gets its key", "full feed loaded", "joins", "line up", "the cleaner"):
        assert title in lines
    assert json.loads(rest.split("PANEL")[1]) == ["front", "runs", 21, True, ["front"]]
    assert not terminal.is_as_before()
    assert processes_of(directory) != []
    os.write(terminal.master, b"x")
    assert terminal.rest() == "\x1b[?1049l\x1b[?25h"
    assert terminal.child.returncode == 0
    assert terminal.is_as_before()
    assert nothing_left(directory)


def test_a_panel_that_fails_is_told(terminal: Terminal, directory: Path) -> None:
    terminal.until("]PANEL")
    os.write(terminal.master, b"?")
    rest = terminal.rest()
    assert "\x1b[?1049l" in rest
    assert "the panel ended with 3" in rest
    assert terminal.child.returncode == 1
    assert terminal.is_as_before()
    assert nothing_left(directory)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_panel_and_demo(
    terminal: Terminal, directory: Path, number: signal.Signals
) -> None:
    terminal.until("]PANEL")
    terminal.child.send_signal(number)
    assert "\x1b[?1049l\x1b[?25h" in terminal.rest()
    assert terminal.child.returncode == 0
    assert terminal.is_as_before()
    assert nothing_left(directory)


def test_a_signal_before_the_panel_leaves_nothing(terminal: Terminal, directory: Path) -> None:
    terminal.until("full feed loaded")
    terminal.child.send_signal(signal.SIGTERM)
    terminal.rest()
    assert terminal.child.returncode != 0
    assert "\x1b" not in terminal.shown
    assert nothing_left(directory)


def test_the_time_given_ends_the_panel(directory: Path) -> None:
    terminal = Terminal(directory, seconds=3.0)
    try:
        terminal.until("]PANEL")
        assert "\x1b[?1049l" in terminal.rest()
        assert terminal.child.returncode == 0
        assert nothing_left(directory)
    finally:
        terminal.close()
