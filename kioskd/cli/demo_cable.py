"""The line between the demo's device and its hub: a TCP pass-through that can be cut.

It has one port of the loopback for as long as it is there, so that nobody else gets that port
while the line is cut; who connects then is hung up on at once, and what was under way breaks off.
Deliberately not here: what goes through it.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from kioskd.errors import StoreError

_HOST: Final = "127.0.0.1"
_BLOCK: Final = 64 * 1024
_PATIENCE_SECONDS: Final = 5.0


class Cable:
    """A pass-through to a port of the loopback, served by a thread of its own.

    port: where the device connects. whole: whether anything goes through.
    """

    def __init__(self) -> None:
        self.port = 0
        self.whole = True
        self._to = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._there = threading.Event()
        self._end = asyncio.Event()
        self._carried: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="cable", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._there.wait(_PATIENCE_SECONDS):
            raise StoreError(f"the demo's line cannot listen on {_HOST}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._tell(self._end.set)
        self._thread.join(_PATIENCE_SECONDS)

    def lead_to(self, port: int) -> None:
        """Where what comes from now on goes."""
        self._to = port

    def cut(self) -> None:
        """Nothing goes through any more."""
        self.whole = False
        self._tell(self._break_off)

    def mend(self) -> None:
        """Connections that are made from now on go through."""
        self.whole = True

    def _tell(self, act: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the thread has ended
            if self._loop is not None:
                self._loop.call_soon_threadsafe(act)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._came, _HOST, 0)
        async with server:
            self.port = int(server.sockets[0].getsockname()[1])
            self._there.set()
            await self._end.wait()
            server.close()
            self._break_off()
            if self._carried:
                await asyncio.wait(self._carried)

    def _break_off(self) -> None:
        for task in self._carried:
            task.cancel()

    def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(reader, writer), name="carried")
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection until either end hangs up, or the line is cut."""
        try:
            if self.whole:
                await self._pass_on(reader, writer)
        finally:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            from_hub, to_hub = await asyncio.open_connection(_HOST, self._to)
            ways = [
                asyncio.ensure_future(_copy(reader, to_hub)),
                asyncio.ensure_future(_copy(from_hub, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.wait(ways)
                to_hub.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_BLOCK):
            writer.write(data)
            await writer.drain()
