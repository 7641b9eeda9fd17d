"""The other end of a serial port, in software: a pseudo-terminal or a TCP server.

For tests and demos that run the real drivers over real bytes. `plug` gives the port its device,
`unplug` takes it away; plugged in again it is another pseudo-terminal behind the same path, as
a USB device comes back. Deliberately not here: what a device would say; the caller writes it.
"""

import asyncio
import os
import socket
import termios
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from kioskd.ports import Device

_READ_SIZE = 65536  # bytes


@asynccontextmanager
async def running(device: Device) -> AsyncIterator[bool]:
    """Run a device for the length of the block; yields whether it was there at first."""
    task = asyncio.create_task(device.run(), name=device.name)
    try:
        yield await device.tried()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class SimulatedPty:
    """A pseudo-terminal behind a symlink. `port` is what a configuration names."""

    def __init__(self, link: Path) -> None:
        self.port = str(link)
        self._link = link
        self._master = -1
        self._slave = -1
        self._left_behind: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        self.plug()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.unplug()

    def plug(self) -> None:
        """A new pseudo-terminal. One that is still there stays open and falls silent."""
        self._left_behind += (self._master, self._slave)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave, termios.TCSANOW)
        os.set_blocking(self._master, False)
        beside = self._link.with_name(self._link.name + ".new")
        beside.symlink_to(os.ttyname(self._slave))
        beside.replace(self._link)

    def unplug(self) -> None:
        """The device is gone and its path with it."""
        self._link.unlink(missing_ok=True)
        _close(self._master, self._slave, *self._left_behind)
        self._master = self._slave = -1
        self._left_behind = ()

    def send(self, data: bytes) -> int:
        """What the device sends; how many bytes the line took (fewer when nobody reads)."""
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0

    def received(self) -> bytes:
        """What the device got since the last call."""
        got = b""
        with suppress(BlockingIOError):
            while data := os.read(self._master, _READ_SIZE):
                got += data
        return got


class SimulatedServer:
    """A terminal server for one client. `port` is what a configuration names."""

    def __init__(self) -> None:
        self._number = 0
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self.plug()
        self.port = f"socket://127.0.0.1:{self._number}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.unplug()

    def plug(self) -> None:
        """Listen on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self._number))
        self._listener.setblocking(False)
        self._number = self._listener.getsockname()[1]

    def unplug(self) -> None:
        """Hang up and listen no more."""
        for end in (self._client, self._listener):
            if end is not None:
                end.close()
        self._client = self._listener = None

    def send(self, data: bytes) -> int:
        """What the device sends; how many bytes the line took (0 before anybody connected)."""
        client = self._accepted()
        if client is None:
            return 0
        try:
            return client.send(data)
        except BlockingIOError:
            return 0

    def received(self) -> bytes:
        """What the device got since the last call."""
        client = self._accepted()
        got = b""
        with suppress(BlockingIOError):
            while client is not None and (data := client.recv(_READ_SIZE)):
                got += data
        return got

    def _accepted(self) -> socket.socket | None:
        """The newest client; a driver that connects again takes the place of its old link."""
        with suppress(BlockingIOError):
            while self._listener is not None:
                client, _ = self._listener.accept()
                client.setblocking(False)
                if self._client is not None:
                    self._client.close()
                self._client = client
        return self._client


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            os.close(descriptor)
