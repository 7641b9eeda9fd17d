"""Where a snapshot's bytes go: the standard input of the import's process, which says how it went.

Its memory is given back with it, it is killed without harm, and it verifies for itself what it
read. Bytes are passed on as they come, wherever they are cut; a pipe that is full holds back who
writes, and so the hub.

Deliberately not here: what the process does (line_cache_load).
"""

import asyncio
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Final, Self

from kioskd.daemon.importing import (
    ImportReport,
    ImportRequest,
    Refused,
    decode_event,
    how_it_ended,
    worker_command,
)
from kioskd.errors import KioskError, StoreError
from sync.line_ports import Applied

_MOST_EVENT: Final = 1 << 20  # bytes of one line that the process reports
_GONE: Final = (BrokenPipeError, ConnectionResetError)


class ChildSink:
    """sync.line_ports.SnapshotSink."""

    def __init__(self, child: Process) -> None:
        self._child = child
        self._told = asyncio.ensure_future(self._listen())

    @classmethod
    async def start(cls, request: ImportRequest) -> Self:
        """Start the process. StoreError when that cannot be."""
        command = worker_command(request)
        try:
            child = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, limit=_MOST_EVENT
            )
        except OSError as error:
            raise StoreError(f"the import could not be started: {error.strerror}") from error
        return cls(child)

    async def write(self, data: bytes) -> None:
        """Some bytes of the snapshot, cut anywhere. KioskError: the process refused it already."""
        assert self._child.stdin is not None  # noqa: S101
        try:
            self._child.stdin.write(data)
            await self._child.stdin.drain()
        except _GONE:
            raise await self._why_it_ended() from None

    async def finish(self) -> Applied:
        """The end of the stream; returns once the new cache is the one in use.

        InputError: count or digest differ, or nothing would be left. StoreError: it could not be
        loaded, or an import is running.
        """
        await self._close()
        told = await self._told
        code = await self._child.wait()
        if isinstance(told, ImportReport):
            return Applied(told.loaded, told.deleted, told.bad)
        raise _error_of(told, code)

    async def abandon(self) -> None:
        """End the process; the cache is as it was. Safe at any time, and twice."""
        with suppress(ProcessLookupError):
            self._child.kill()
        await self._close()
        await self._told
        await self._child.wait()

    async def _close(self) -> None:
        assert self._child.stdin is not None  # noqa: S101
        self._child.stdin.close()
        with suppress(*_GONE):
            await asyncio.shield(asyncio.ensure_future(self._child.stdin.wait_closed()))

    async def _listen(self) -> ImportReport | Refused | None:
        """What the process says last; its progress is nobody's business here."""
        assert self._child.stdout is not None  # noqa: S101
        last: ImportReport | Refused | None = None
        async for line in self._child.stdout:
            event = decode_event(line)
            if isinstance(event, ImportReport | Refused):
                last = event
        return last

    async def _why_it_ended(self) -> KioskError:
        await self._close()
        return _error_of(await self._told, await self._child.wait())


def _error_of(told: ImportReport | Refused | None, code: int) -> KioskError:
    return told.error() if isinstance(told, Refused) else StoreError(how_it_ended(code))
