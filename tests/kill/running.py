"""A daemon as the tests see it: a process, its log lines, its devices, and the wire of its relay.

Everything is read in `pump`, by the one thread that there is; waiting means pumping until
something holds. Patience is long and only ever spent by a test that fails.
"""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from drivers.simulated import SimulatedPty
from tests.kill.ledger import OFF, ON, Life

PATIENCE_SECONDS = 30.0
TURN_SECONDS = 0.005  # the relay's wire is looked at this often while nothing is logged
KILLED = -signal.SIGKILL
_READ_SIZE = 65536  # bytes
_FENCE = b"fence"
_ON_THE_WAY = frozenset({"idle", "enter-pin", "wait"})


class Ptys:
    """The three devices of a door; they outlive every daemon."""

    def __init__(self, scanner: SimulatedPty, keypad: SimulatedPty, relay: SimulatedPty) -> None:
        self.scanner = scanner
        self.keypad = keypad
        self.relay = relay

    def to_the_last_byte(self) -> bytes:
        """What the relay got that was not read yet, once nobody writes to it any more.

        A pseudo-terminal hands bytes over a little later than they were written; what is
        written last comes last.
        """
        os.write(self.relay._slave, _FENCE)
        got = b""
        while not got.endswith(_FENCE):
            select.select([self.relay._master], [], [], PATIENCE_SECONDS)
            got += self.relay.received()
        return got.removesuffix(_FENCE)


class Running:
    """A started daemon; `life` is what the ledger will know of it."""

    def __init__(self, command: Sequence[str], ptys: Ptys, life: Life) -> None:
        self.life = life
        self.events: list[dict[str, Any]] = []
        self._ptys = ptys
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._told = self._process.stdout.fileno()
        self._pipes = [self._told, self._process.stderr.fileno()]
        self._parts = dict.fromkeys(self._pipes, b"")

    def pump(self, seconds: float = TURN_SECONDS) -> None:
        """Read what there is; wait for it so long at most."""
        for pipe in select.select(self._pipes, [], [], seconds)[0]:
            data = os.read(pipe, _READ_SIZE)
            if not data:
                self._pipes.remove(pipe)
            self._read(pipe, data)
        self._hear(self._ptys.relay.received())

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait until something holds. AssertionError when it does not, or the daemon is gone."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            gone = self._process.poll() is not None and not self._pipes
            assert not gone, f"ended before {what}: {self.events[-5:]}"
            assert time.monotonic() < deadline, f"no {what}: {self.events[-5:]}"
            self.pump()

    def ready(self) -> None:
        """Wait for the daemon to serve. Its first bytes must have secured the strike by then."""
        self.until(lambda: self.saw("ready"), "ready")
        self.until(self.life.frames, "frame")
        assert self.life.frames()[0] == OFF

    def saw(self, event: str) -> dict[str, Any] | None:
        """The last log line with this event."""
        return next((found for found in reversed(self.events) if found["event"] == event), None)

    def notices(self) -> list[str]:
        """What people were shown at the end of their sessions."""
        shown = [str(e["notice"]) for e in self.events if e["event"] == "notice"]
        return [notice for notice in shown if notice not in _ON_THE_WAY]

    def present(self, number: str, pin: str, index: str) -> None:
        """Scan a card and type a PIN, if any; the ledger hears of it under the card's index."""
        self.life.tried.append(index)
        self._ptys.scanner.send(f"{number}\r".encode())
        if pin:
            self._ptys.keypad.send(f"{pin}#".encode())

    def answer(self, ask: Callable[[], None]) -> str:
        """The notice that follows."""
        before = len(self.notices())
        ask()
        self.until(lambda: len(self.notices()) > before, "notice")
        return self.notices()[before]

    def secured_after(self, releases: int) -> None:
        """Wait for the end of the pulse after so many releases."""

        def over() -> bool:
            frames = self.life.frames()
            return frames.count(ON) == releases and frames[-1] == OFF

        self.until(over, "end of the pulse")

    def kill_after(self, seconds: float) -> None:
        """SIGKILL, so much later; the wire is read meanwhile."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.pump(min(left, TURN_SECONDS))
        self._process.kill()
        assert self.ended() == KILLED

    def terminate(self) -> int:
        """Ask it to stop; its exit code."""
        self._process.terminate()
        return self.ended()

    def ended(self) -> int:
        """Wait for its end and read the rest of what it said and wrote; its exit code."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._pipes:
            assert time.monotonic() < deadline, f"it does not end: {self.events[-5:]}"
            self.pump()
        code = self._process.wait()
        self._hear(self._ptys.to_the_last_byte())
        self.close()
        return code

    def close(self) -> None:
        """End it if it still runs; for the end of a test that failed."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._pipes.clear()

    def _hear(self, data: bytes) -> None:
        if data:
            self.life.heard.append((datetime.now(UTC), data))

    def _read(self, pipe: int, data: bytes) -> None:
        *lines, self._parts[pipe] = (self._parts[pipe] + data).split(b"\n")
        if pipe == self._told:
            self.life.told += [line.decode() for line in lines]
        else:
            self.events += [json.loads(line) for line in lines]
