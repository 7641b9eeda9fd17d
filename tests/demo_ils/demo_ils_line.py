"""A line to the demo's library, logged in; what is sent and read are messages of ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sync.demo_ils.people import PASSWORD, USER
from sync.demo_ils.rules import Library
from sync.demo_ils.server import serving
from sync.sip2.charset import UTF_8, Charset
from sync.sip2.framing import Framer
from sync.sip2.layouts import LAYOUTS
from sync.sip2.messages import Message, encode, parse

AT = datetime(2026, 12, 7, 10, 41, 52, tzinfo=ZoneInfo("Europe/Helsinki"))
NOW = "20261207    104152"
DUE = "20270104    235959"
SECONDS = 2.0  # for any one answer; only a test that fails waits so long
FIXED = {
    "transaction_date": NOW,
    "return_date": NOW,
    "nb_due_date": NOW,
    "no_block": "N",
    "sc_renewal_policy": "N",
    "third_party_allowed": "N",
    "card_retained": "N",
    "hold_mode": "+",
    "language": "007",
    "summary": " " * 10,
    "fee_type": "01",
    "payment_type": "00",
    "currency_type": "EUR",
    "uid_algorithm": "0",
    "pwd_algorithm": "0",
    "status_code": "0",
    "max_print_width": "080",
    "protocol_version": "2.00",
}


class Line:
    """A connection. ask: fields by id; those of the fixed part by name."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, charset: Charset
    ) -> None:
        self._reader, self._writer, self._charset = reader, writer, charset
        self._framer, self._seq = Framer(), 0

    async def ask(self, code: str, **parts: str) -> Message:
        fixed = {name: parts.get(name, FIXED[name]) for name, *_ in LAYOUTS[code].parts}
        fields = [(name, value) for name, value in parts.items() if len(name) == 2]
        self._seq = (self._seq + 1) % 10
        message = Message(code, fixed, fields)
        data = encode(message, self._charset, seq=self._seq, checked=True)
        answer = await self.say(data + b"\r")
        assert (answer.seq, answer.checksum_valid) == (self._seq, True)
        return answer

    async def say(self, data: bytes) -> Message:
        self._writer.write(data)
        return await self.hear()

    async def hear(self) -> Message:
        async with asyncio.timeout(SECONDS):
            while not (whole := self._framer.feed(await self._reader.read(4096))):
                assert not self._reader.at_eof(), "hung up"
            return parse(whole[0], self._charset)

    async def over(self) -> bool:
        async with asyncio.timeout(SECONDS):
            return await self._reader.read() == b""


@asynccontextmanager
async def connected(port: int, charset: Charset = UTF_8) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer, charset)
    finally:
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def talking(
    library: Library, charset: Charset = UTF_8, **options: Any
) -> AsyncIterator[Line]:
    """A line to a server of this library, logged in."""
    async with (
        serving(library, now=lambda: AT, **options) as port,
        connected(port, charset) as line,
    ):
        assert (await line.ask("93", CN=USER, CO=PASSWORD)).fixed["ok"] == "1"
        yield line
