"""A child process of our own for as long as the daemon lives, with a socket pair between them.

It is started with no signal held (the daemon holds those that stop it) and without what systemd
means for the daemon alone; credentials it may read. When the daemon ends, however, the child reads
the end of its socket and ends too.

Deliberately not here: a site's own programs (programs), and what is said over the socket.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from kioskd.daemon.programs import environment_for_others
from kioskd.daemon.signals import PAUSING, STOPPING
from kioskd.errors import StoreError

_DEFAULTS: Final = tuple({*STOPPING, *PAUSING, signal.SIGPIPE, signal.SIGCHLD})
_CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
END_SECONDS: Final = 1.0  # after its socket was closed; then it is ended


class Beside:
    """A running child. Its standard input is its end of the socket pair; read and write here."""

    def __init__(
        self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.pid = pid
        self.reader = reader
        self.writer = writer
        self._handle = os.pidfd_open(pid)
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(self._handle, self._over)

    @classmethod
    async def started(
        cls, module: str, arguments: Sequence[str], environment: Mapping[str, str], limit: int
    ) -> "Beside":
        """Start `python -m module`. StoreError when there is no process or descriptor for it.

        limit: bytes of a line that it may say.
        """
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise StoreError(f"{module} cannot be started: {error.strerror}") from error
        try:
            pid = _spawned(module, arguments, environment, theirs.fileno())
        except OSError as error:
            ours.close()
            raise StoreError(f"{module} cannot be started: {error.strerror}") from error
        finally:
            theirs.close()
        ours.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=limit)
        return cls(pid, reader, writer)

    async def end(self) -> int:
        """Close its socket, wait a while, then end it; its exit code, or minus a signal."""
        self.writer.close()
        await asyncio.wait({self._ended}, timeout=END_SECONDS)
        if not self._ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            await asyncio.wait({self._ended}, timeout=END_SECONDS)
        return self._ended.result() if self._ended.done() else -signal.SIGKILL

    def _over(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        status = os.waitpid(self.pid, 0)[1]  # it has ended: this does not wait
        self._ended.set_result(os.waitstatus_to_exitcode(status))


def _spawned(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], end: int
) -> int:
    """Takes a millisecond or so: the kernel shares the pages of this process until the exec."""
    # Not "-m" with the working directory on the path: a folder `drivers` there would be taken.
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", module, *arguments],
        _environment(environment),
        file_actions=[(os.POSIX_SPAWN_DUP2, end, 0)],
        setsigmask=(),
        setsigdef=_DEFAULTS,
    )


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    found = environment_for_others(given)
    if _CREDENTIALS in given:
        found[_CREDENTIALS] = given[_CREDENTIALS]
    return found
