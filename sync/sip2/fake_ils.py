"""A library system that says what it is told to: for tests, and for looking at a bad day.

    async with FakeIls(WellBehaved(patrons, items)) as ils:
        ... a client talks to 127.0.0.1:ils.port ...

What it answers is a list of acts, made by a function of the message heard. Of the protocol it keeps
what every server keeps: a message with a wrong checksum is asked for again (96), a repeated one
(same digit, same checksum, same connection) is answered with the same bytes and not done again, and
97 gets the last answer once more.

Deliberately not here: a library (fake_library), and anything that a client may lean on. It checks
no field and writes whatever it is given, delimiters and control characters too.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal, Self

from sync.sip2.charset import UTF_8, Charset
from sync.sip2.faults import Malformed
from sync.sip2.framing import Framer
from sync.sip2.layouts import LAYOUTS
from sync.sip2.messages import DELIMITER, TERMINATOR, Check, Message, checksum, parse

_READ: Final = 4096
_RESEND: Final = b"96AZFEF6\r"

Sum = Literal["right", "wrong", "absent", "zero", "code-points"]


@dataclass(frozen=True, slots=True)
class Say:
    """An answer. seq: "echo" repeats the digit that was heard; None says none.

    checksum: "right" only where the request had one. charset: of this message alone.
    """

    message: Message
    seq: int | Literal["echo"] | None = "echo"
    checksum: Sum = "right"
    terminator: bytes = TERMINATOR
    charset: Charset | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """An answer that is lost on its way; who repeats the request gets it."""

    message: Message


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they stand."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Drip:
    """A byte at a time."""

    data: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds in which nothing is said or heard."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """The end of this connection. reset: without a farewell."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer, as if the request had never come."""


Act = Say | Lost | Raw | Drip | Pause | Close | Silence
Answer = Callable[[Message], Sequence[Act]]


def scripted(turns: Mapping[str, Sequence[Sequence[Act]]], otherwise: Answer) -> Answer:
    """The first requests of a command are answered by turns[command]; all else as ever."""
    left = {code: list(answers) for code, answers in turns.items()}

    def answer(message: Message) -> Sequence[Act]:
        mine = left.get(message.code)
        return mine.pop(0) if mine else otherwise(message)

    return answer


def written(
    say: Say, heard: Message, charset: Charset = UTF_8, delimiter: str = DELIMITER
) -> bytes:
    """The bytes of an answer to what was heard, with terminator. Nothing is refused."""
    charset = say.charset or charset
    parts = "".join(say.message.fixed[name] for name, _, _ in LAYOUTS[say.message.code].parts)
    text = say.message.code + parts
    text += "".join(f"{name}{value}{delimiter}" for name, value in say.message.fields)
    seq = heard.seq if say.seq == "echo" else say.seq
    text += "" if seq is None else f"AY{seq}"
    if say.checksum == "absent" or (say.checksum == "right" and heard.check is Check.ABSENT):
        return charset.encode(text) + say.terminator
    data = charset.encode(text + "AZ")
    return data + _digits(say.checksum, data, text + "AZ").encode("ascii") + say.terminator


def _digits(kind: Sum, data: bytes, text: str) -> str:
    if kind == "zero":
        return "0000"
    if kind == "code-points":
        return f"{-sum(map(ord, text)) & 0xFFFF:04X}"
    return checksum(data + b"\x01" if kind == "wrong" else data)


@dataclass(slots=True)
class _Talk:
    """One connection. key: digit and checksum of the last request; said: its answer."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    key: tuple[int | None, str] | None = None
    said: bytes = b""


class FakeIls:
    """A server on loopback. heard: every message, repeats too. connections: how many were made.

    greeting: done as soon as somebody connects. replays: whether repeats are recognised.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        greeting: Sequence[Act] = (),
        replays: bool = True,
        charset: Charset = UTF_8,
        delimiter: str = DELIMITER,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answer = answer
        self.greeting = greeting
        self.heard: list[Message] = []
        self.connections = 0
        self.port = 0
        self._replays, self._tls = replays, tls
        self._charset, self._delimiter = charset, delimiter
        self._talks: dict[asyncio.Task[None], _Talk] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.drop()
        await self._server.wait_closed()

    @property
    def open(self) -> int:
        """Connections that stand."""
        return len(self._talks)

    def codes(self) -> list[str]:
        """The commands heard, in order."""
        return [message.code for message in self.heard]

    async def drop(self) -> None:
        """Every connection that stands is closed; new ones are taken."""
        tasks = list(self._talks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def tell(self, *acts: Act) -> None:
        """Do these acts on every connection that stands, unasked."""
        for talk in list(self._talks.values()):
            await self._act(talk, Message("99", {}), acts)

    def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = _Talk(reader, writer)
        task = asyncio.create_task(self._talk(talk), name=f"fake-ils:{self.connections}")
        self._talks[task] = talk
        task.add_done_callback(self._talks.pop)

    async def _talk(self, talk: _Talk) -> None:
        framer = Framer()
        try:
            with suppress(OSError, Malformed):
                await self._act(talk, Message("99", {}), self.greeting)
                while data := await talk.reader.read(_READ):
                    for line in framer.feed(data):
                        await self._hear(talk, parse(line, self._charset, self._delimiter))
        finally:
            talk.writer.close()

    async def _hear(self, talk: _Talk, message: Message) -> None:
        self.heard.append(message)
        key = (message.seq, message.checksum or "")
        if message.check is Check.WRONG:
            talk.writer.write(_RESEND)
        elif message.code == "97":
            talk.writer.write(talk.said or _RESEND)
        elif self._replays and message.check is Check.GOOD and key == talk.key:
            talk.writer.write(talk.said)
        else:
            talk.key, talk.said = key, b""
            await self._act(talk, message, self.answer(message))
        await talk.writer.drain()

    async def _act(self, talk: _Talk, message: Message, acts: Sequence[Act]) -> None:
        for act in acts:
            match act:
                case Say():
                    self._write(talk, written(act, message, self._charset, self._delimiter))
                case Raw(data):
                    self._write(talk, data)
                case Lost(lost):
                    talk.said += written(Say(lost), message, self._charset, self._delimiter)
                case Drip(data, seconds):
                    await _drip(talk, data, seconds)
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Close(reset):
                    talk.writer.transport.abort() if reset else talk.writer.close()
                case Silence():
                    talk.key = None
        if not talk.writer.transport.is_closing():
            await talk.writer.drain()

    def _write(self, talk: _Talk, data: bytes) -> None:
        talk.said += data
        talk.writer.write(data)


async def _drip(talk: _Talk, data: bytes, seconds: float) -> None:
    for byte in data:
        talk.said += bytes((byte,))
        talk.writer.write(bytes((byte,)))
        await talk.writer.drain()
        await asyncio.sleep(seconds)
