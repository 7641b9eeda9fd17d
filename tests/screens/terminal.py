"""`kiosk-ui` as a program on a pseudo-terminal."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

PATIENCE_SECONDS = 30.0  # only ever spent by a test that fails
PROGRAM = "import sys; from ui.main import kiosk_ui; sys.exit(kiosk_ui())"
STALE = {"COLUMNS": "200", "LINES": "9"}
USUAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
KIOSK_UI = (sys.executable, "-P", "-c", PROGRAM)


class Running:
    """A screen that was started."""

    def __init__(self, pid: int, terminal: int) -> None:
        self.pid = pid
        self.seen = b""
        self._terminal = terminal
        self._code: int | None = None

    def until(self, text: str) -> bytes:
        """All that it wrote until this text came; TimeoutError."""
        end = time.monotonic() + PATIENCE_SECONDS
        while text.encode() not in self.seen:
            if time.monotonic() > end or not self._read(end - time.monotonic()):
                raise TimeoutError(repr(self.seen[-300:]))
        return self.seen

    def drain(self) -> None:
        """Forget what it wrote until now."""
        while self._read(0):
            pass
        self.seen = b""

    def type(self, keys: bytes) -> None:
        """Keys of a keyboard at the terminal."""
        os.write(self._terminal, keys)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def code(self) -> int:
        """Its exit code, once it has ended."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self._code is None:
            self._read(0.01)
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if ended else None
            if time.monotonic() > end:
                raise TimeoutError(repr(self.seen[-300:]))
        return self._code

    def close(self) -> None:
        """Leave nothing behind, however the test ended."""
        if self._code is None:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self._terminal)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._terminal], [], [], max(0.0, seconds))[0]:
            return False
        try:
            came = os.read(self._terminal, 65_536)
        except OSError:  # the other end is closed
            return False
        self.seen += came
        return bool(came)


@contextmanager
def kiosk_ui(
    *arguments: str, columns: int = 93, rows: int = 28, kind: Mapping[str, str] = USUAL
) -> Iterator[Running]:
    """The program on a terminal of this size and kind."""
    with on_terminal((*KIOSK_UI, *arguments), columns, rows, kind) as running:
        yield running


@contextmanager
def on_terminal(
    command: Sequence[str], columns: int = 93, rows: int = 28, kind: Mapping[str, str] = USUAL
) -> Iterator[Running]:
    """Any program on a terminal of this size. kind: what the environment says of it, all of it."""
    pid, terminal = pty.fork()
    if pid == 0:
        # a shell's idea of another terminal's size must not count
        for name in ("TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE"):
            os.environ.pop(name, None)
        os.environ.update(**kind, **STALE)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execv(command[0], list(command))  # noqa: S606 - no shell is wanted
    running = Running(pid, terminal)
    try:
        yield running
    finally:
        running.close()
