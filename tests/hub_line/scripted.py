"""A hub that answers what a test has written down, byte by byte, over TCP or TLS on loopback."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from sync.hub_address import HubAddress

TOKEN = "kd1.front." + "A" * 43


@dataclass
class Seen:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """Head and body as raw bytes. cut: abort the connection after so many bytes of the body.

    drip: one byte of the body each so many seconds. stay: keep the connection open at the end.
    """

    body: bytes = b""
    status: int = 200
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    drip: float = 0.0
    stay: bool = False
    raw: bytes | None = None

    def head(self) -> bytes:
        """Status line and headers."""
        fields = {"Content-Type": self.kind, "Content-Length": str(len(self.body)), **self.headers}
        if self.stay:
            del fields["Content-Length"]
        lines = [f"HTTP/1.1 {self.status} X", *(f"{k}: {v}" for k, v in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


Script = Callable[[Seen], Reply | Awaitable[Reply]]


class ScriptedHub:
    """Answers with `script`; `seen` has every request, `connections` counts."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.seen: list[Seen] = []
        self.connections = 0
        self.port = 0
        self._tls = tls

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    @property
    def address(self) -> HubAddress:
        return HubAddress(self.url, TOKEN)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["ScriptedHub"]:
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            self.connections += 1
            try:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                    while await self._one(reader, writer):
                        pass
            except asyncio.CancelledError:
                pass
            finally:
                writer.transport.abort()
                tasks.discard(task)

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await server.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = [line.split(": ", 1) for line in head[1:] if line]
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        seen = Seen(method, target, headers, body)
        self.seen.append(seen)
        answer = self.script(seen)
        reply = answer if isinstance(answer, Reply) else await answer
        return await self._send(reply, writer)

    async def _send(self, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        writer.write(reply.head())
        if reply.drip:
            for at in range(len(reply.body)):
                writer.write(reply.body[at : at + 1])
                await writer.drain()
                await asyncio.sleep(reply.drip)
        else:
            writer.write(reply.body[: reply.cut])
        await writer.drain()
        if reply.stay:
            await asyncio.Event().wait()
        return reply.cut is None
