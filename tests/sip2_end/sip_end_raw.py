"""A client without any sense: says bytes, hears bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sync.sip2.messages import Message, encode

QUIET = 0.15  # seconds after which nothing more is awaited


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def say(self, message: Message, seq: int | None = 0) -> bytes:
        """With a checksum where there is a digit; returns what was said."""
        data = encode(message, seq=seq, checked=seq is not None) + b"\r"
        self._writer.write(data)
        return data

    def say_bytes(self, data: bytes) -> None:
        self._writer.write(data)

    async def hear(self) -> bytes:
        """A message with its terminator; b"" when none comes, or the connection ended."""
        try:
            async with asyncio.timeout(QUIET):
                return await self._reader.readuntil(b"\r")
        except asyncio.IncompleteReadError as ended:
            return ended.partial
        except TimeoutError:
            return b""

    async def ended(self) -> bool:
        """Whether the other side closed, and said nothing more."""
        try:
            async with asyncio.timeout(QUIET):
                return await self._reader.read(1) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[Raw]:
    """A connection to loopback, closed at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()
