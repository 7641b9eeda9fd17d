"""A scripted library system on a real socket: each connection has a script of its own."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from sync.sip2.dialect import Dialect
from sync.sip2.layouts import ANSWERS, LAYOUTS
from sync.sip2.messages import Message, encode, parse
from sync.sip2.settings import SipSettings

QUIET = Dialect("test", keep_alive_seconds=0, send_status=False)
# Whole seconds are what is configured; a test does not wait for one.
BRISK = replace(QUIET, keep_alive_seconds=0.02)  # type: ignore[arg-type]
SAID: Mapping[str, str] = {"ok": "1", "online_status": "Y", "offline_ok": "N"}


def message(code: str, *fields: tuple[str, str], **fixed: str) -> Message:
    """A message of this command, its fixed parts filled with what is harmless."""
    parts = {name: SAID.get(name, "0").ljust(end - at) for name, at, end in LAYOUTS[code].parts}
    return Message(code, {**parts, **fixed}, fields)


PATRON = message("63", ("AO", "ESI"), ("AA", "A1"), ("AC", ""))
CHECKOUT = message("11", ("AO", "ESI"), ("AA", "A1"), ("AB", "I1"), ("AC", ""))
STATUS = message("98", ("AO", "ESI"), ("BX", "YYYYYNYYYYYNNNYY"))


def canned(asked: Message) -> Message:
    """The answer of a system where all goes well; it repeats the card and the item."""
    if asked.code == "99":
        return STATUS
    repeated = [(name, value) for name, value in asked.fields if name in ("AA", "AB")]
    return message(ANSWERS[asked.code], *repeated)


async def until(true: Callable[[], bool]) -> None:
    """Until it is so; the test's own time-out ends it otherwise."""
    while not true():  # noqa: ASYNC110 - what is looked at are counters and descriptors
        await asyncio.sleep(0.001)


def open_files() -> int:
    """How many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


class Caller:
    """One connection, as the script of it sees it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: list[Message]
    ) -> None:
        self._reader = reader
        self.writer = writer
        self._heard = heard

    async def hear(self) -> Message | None:
        """The next request; None when the client has gone."""
        try:
            asked = parse((await self._reader.readuntil(b"\r"))[:-1])
        except (asyncio.IncompleteReadError, OSError):
            return None
        self._heard.append(asked)
        return asked

    async def hear_bytes(self, most: int) -> bytes:
        """What comes first, whatever it is."""
        return await self._reader.read(most)

    def line(self, asked: Message, answer: Message | None = None) -> bytes:
        """The bytes of an answer, as one that has AY and AZ where the request had."""
        counted = asked.seq is not None
        return encode(answer or canned(asked), seq=asked.seq, checked=counted) + b"\r"

    async def answer(self, asked: Message, answer: Message | None = None) -> None:
        await self.raw(self.line(asked, answer))

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Say nothing until the client goes."""
        while await self.hear():
            pass


Script = Callable[[Caller], Awaitable[None]]


async def polite(caller: Caller) -> None:
    """Answers everything."""
    while asked := await caller.hear():
        await caller.answer(asked)


async def hangs_up(caller: Caller) -> None:
    """Hears nothing."""


async def silent(caller: Caller) -> None:
    """Hears and never answers."""
    await caller.gone()


def polite_for(most: int) -> Script:
    """Answers so many requests and hears one more; then it hangs up."""

    async def talk(caller: Caller) -> None:
        for _ in range(most):
            if asked := await caller.hear():
                await caller.answer(asked)
        await caller.hear()

    return talk


class SmallServer:
    """One script for each connection in turn; the last goes for all that follow."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts or (polite,)
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self.heard: list[Message] = []
        self.connections = 0
        self.port = 0

    @property
    def codes(self) -> list[str]:
        return [asked.code for asked in self.heard]

    @property
    def live(self) -> int:
        """Connections whose script still runs."""
        return len(self._tasks)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def settings(self, dialect: Dialect = QUIET, **more: Any) -> SipSettings:
        """How this server is spoken to."""
        given = {"host": "127.0.0.1", "port": self.port, "tls": self._tls is not None}
        return SipSettings(dialect=dialect, **{**given, **more})

    async def until(self, requests: int) -> None:
        """Until so many requests were heard."""
        await until(lambda: len(self.heard) >= requests)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await script(Caller(reader, writer, self.heard))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
