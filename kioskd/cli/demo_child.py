"""A program of the demo's as a child process: started, listened to, ended; and commands.

Each child leads a process group of its own, with whatever it starts, so that nothing outlives it.
Deliberately not here: which programs there are (kioskd.cli.demo_site, kioskd.cli.demo_hub).
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

STOP_SECONDS: Final = 6.0  # daemon and hub promise 5
_GONE_SECONDS: Final = 2.0  # for who is killed to be gone
_LOOK_SECONDS: Final = 0.005


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


def run_to_end(command: Sequence[str], said: Path, *, seconds: float, stdin: str = "") -> Done:
    """Run a command to its end; what it writes is added to a file too.

    subprocess.TimeoutExpired after `seconds`; the command is gone then, with what it started.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, process_group=0
    ) as child:
        try:
            out, err = child.communicate(stdin, seconds)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            _await_end_of(child.pid)
            raise
    with said.open("a", encoding="utf-8") as file:
        file.write(out + err)
    return Done(child.returncode, out, err)


class Child:
    """A program that logs JSON lines. events: those so far. log: where its standard error goes."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.log = log
        self.events: list[dict[str, Any]] = []
        self._command = tuple(command)
        self._child: subprocess.Popen[bytes] | None = None
        self._log: IO[str] | None = None
        self._line = ""

    def start(self) -> None:
        """Start it; it is ready when it says so."""
        with self.log.open("ab") as file:
            self._child = subprocess.Popen(  # noqa: S603 - our own program
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                process_group=0,
            )
        if self._log is None:
            self._log = self.log.open(encoding="utf-8")

    def listen(self) -> None:
        """Read what it has logged since."""
        if self._log is None:
            return
        while line := self._log.readline():
            self._line += line
            if self._line.endswith("\n"):
                self.events.append(_event(self._line))
                self._line = ""

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._child is not None and self._child.poll() is None

    def kill(self) -> None:
        """End it and its children as a power cut would: they get no chance to tidy up."""
        if self._child is None:
            return
        if self._child.returncode is None:  # else its number may be another's by now
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
        self._over(self._child)

    def stop(self) -> int:
        """Ask it to end; its exit code, or -9 when it had to be killed."""
        if self._child is None:
            return 0
        if self.running:
            self._child.terminate()
        try:
            code = self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL
        self._over(self._child)
        return code

    def _over(self, child: "subprocess.Popen[bytes]") -> None:
        child.wait()
        _await_end_of(child.pid)
        self._child = None

    def close(self) -> None:
        """End it, whatever it does, and let go of its log."""
        try:
            self.stop()
        finally:
            self.kill()
            if self._log is not None:
                self._log.close()


def _await_end_of(group: int) -> None:
    end = time.monotonic() + _GONE_SECONDS
    with suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.killpg(group, 0)
            time.sleep(_LOOK_SECONDS)


def _event(line: str) -> dict[str, Any]:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:  # what Python itself says when it ends badly
        return {"event": "", "text": line.rstrip()}
    return event
