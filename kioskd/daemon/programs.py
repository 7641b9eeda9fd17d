"""Runs a site's own program beside the doors: bounded in time and output, never in their way.

The daemon holds signals that would stop it; a program that inherited them held could not be ended
by anybody, so it is started with none held (posix_spawn can do that, asyncio's subprocess cannot).
It gets a process group of its own, which ends with it when it takes too long.

Deliberately not here: which programs, and what they are told.
"""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kioskd.daemon.signals import PAUSING, STOPPING
from kioskd.errors import InputError

MOST_INPUT: Final = 4096  # bytes; fits into a pipe that nobody has read from
MOST_OUTPUT: Final = 2000  # bytes that are kept
_READ_SIZE = 4096
_READS = 16  # in one go: a program that never stops talking must not keep the loop
_KILL_SECONDS = 1.0  # a program that the kernel does not let go is left to it
_DEFAULTS: Final = tuple({*STOPPING, *PAUSING, signal.SIGPIPE, signal.SIGCHLD})
# What systemd hands to the daemon and means for it alone.
_OURS: Final = frozenset(
    {
        "CREDENTIALS_DIRECTORY",
        "LISTEN_FDNAMES",
        "LISTEN_FDS",
        "LISTEN_PID",
        "NOTIFY_SOCKET",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
    }
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code, or minus the signal; `late` when it had to be ended."""

    code: int
    output: str
    late: bool = False


def environment_for_others(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what was meant for the daemon alone."""
    return {name: value for name, value in environment.items() if name not in _OURS}


async def run_program(
    command: Sequence[str], text: bytes, environment: Mapping[str, str], seconds: float
) -> Ended:
    """Run a program with this on its standard input. InputError when it cannot be started.

    OSError when there is no descriptor or process left for it; nothing is left behind then.
    text: at most MOST_INPUT bytes. Ended after `seconds`, or when the caller is cancelled.
    """
    if len(text) > MOST_INPUT:
        raise InputError(f"{command[0]}: more than {MOST_INPUT} bytes for its standard input")
    heard, said = os.pipe()
    try:
        pid = _started(command, text, environment, said)
    except BaseException:
        os.close(heard)
        raise
    finally:
        os.close(said)
    try:
        child = _Child(pid, heard)
    except BaseException:
        _give_up(pid, heard)
        raise
    return await child.ended(seconds)


def _give_up(pid: int, heard: int) -> None:
    """Nobody can be told of its end: end it now, and take its exit status in a thread."""
    os.close(heard)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    # Not in the loop: one that waits for a disk ends when the disk answers.
    threading.Thread(target=os.waitpid, args=(pid, 0), name="reap", daemon=True).start()


def _started(command: Sequence[str], text: bytes, environment: Mapping[str, str], said: int) -> int:
    asked, given = os.pipe()
    try:
        os.write(given, text)
        return os.posix_spawnp(
            command[0],
            list(command),
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, ours, n) for n, ours in enumerate((asked, said, said))
            ],
            setpgroup=0,
            setsigmask=(),
            setsigdef=_DEFAULTS,
        )
    except OSError as error:
        raise InputError(f"{command[0]}: cannot be started: {error.strerror}") from error
    except ValueError as error:  # a null byte
        raise InputError(f"{command[0]!r}: cannot be started: {error}") from error
    finally:
        os.close(asked)
        os.close(given)


class _Child:
    """A program that runs. It is reaped when it ends, whether or not somebody still waits."""

    def __init__(self, pid: int, heard: int) -> None:
        self._pid = pid
        self._heard = heard
        self._handle = os.pidfd_open(pid)
        self._output = bytearray()
        self._loop = asyncio.get_running_loop()
        self._code: asyncio.Future[int] = self._loop.create_future()
        os.set_blocking(heard, False)
        self._loop.add_reader(heard, self._hear)
        self._loop.add_reader(self._handle, self._over)

    async def ended(self, seconds: float) -> Ended:
        """Wait so long for its end, then end it."""
        try:
            await asyncio.wait({self._code}, timeout=seconds)
        finally:
            late = not self._code.done()
            if late:
                self._kill()
        if late:
            await asyncio.wait({self._code}, timeout=_KILL_SECONDS)
        code = self._code.result() if self._code.done() else -signal.SIGKILL
        return Ended(code, _plain(self._output), late)

    def _kill(self) -> None:
        # Killed, not asked: it had its time. Its group, because a shell's children would go on.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)

    def _hear(self) -> None:
        """Take some of what there is; what is too much is read and dropped."""
        for _ in range(_READS):
            try:
                data = os.read(self._heard, _READ_SIZE)
            except BlockingIOError:
                return
            if not data:
                self._loop.remove_reader(self._heard)  # nobody writes any more
                return
            self._output += data[: MOST_OUTPUT - len(self._output)]

    def _over(self) -> None:
        self._loop.remove_reader(self._handle)
        self._hear()
        self._loop.remove_reader(self._heard)
        for open_ in (self._handle, self._heard):
            os.close(open_)
        status = os.waitpid(self._pid, 0)[1]  # it has ended: this does not wait
        if not self._code.done():
            self._code.set_result(os.waitstatus_to_exitcode(status))


def _plain(output: bytes | bytearray) -> str:
    text = output.decode(errors="replace").strip()
    return "".join(c if c.isprintable() else " " for c in text)
