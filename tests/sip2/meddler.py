"""A proxy that knows where a SIP2 message ends, and does to single messages what happens to them.

    async with Meddler(port_of_the_server, once("12", Fault.LOSE)) as meddler:
        ... a client talks to 127.0.0.1:meddler.port ...

A plan is asked for every message and says what becomes of it; `drawn(seed)` is one that hangs on
the seed alone. Bytes without regard to messages are the business of tests.faults.proxy.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from sync.sip2.messages import TERMINATOR, Message, checksum, encode
from tests.faults.proxy import Chance

_READ: Final = 4096
_DRIP: Final = 12  # bytes of a tick
_RESEND: Final = b"96AZFEF6\r"
_JUNK: Final = b"\n\x00 <html><body>502 Bad Gateway</body></html>\r\n \x00"


class Way(Enum):
    """Which way a message goes."""

    UP = "up"  # to the library system
    DOWN = "down"


class Fault(Enum):
    """What becomes of a message."""

    PASS = "pass"
    LOSE = "lose"
    CORRUPT = "corrupt"  # one byte before the checksum is another one
    MANGLED = "mangled"  # a byte of the checksum itself
    CUT = "cut"  # half of it, then the connection ends on both sides
    TWICE = "twice"
    LATE = "late"  # after `late` seconds
    DRIP = "drip"  # a few bytes a tick
    BYTEWISE = "bytewise"  # one byte at a time
    RESEND = "resend"  # a request that does not arrive; the client hears 96
    OFF_LINE = "off-line"  # does not arrive; the client hears 98, off-line
    POLICY = "policy"  # a request that does not arrive; the client hears 98, on-line
    WRONG_SEQ = "wrong-seq"  # an answer with another digit
    JUNK = "junk"  # an answer with rubbish before it


_ANSWERS_ONLY: Final = frozenset({Fault.WRONG_SEQ, Fault.JUNK})
# Who says so after doing it breaks the protocol: a client may believe that nothing was done.
_REQUESTS_ONLY: Final = frozenset({Fault.RESEND, Fault.POLICY})
_INTRODUCTIONS: Final = frozenset({"93", "94", "99", "98"})
_INSTEAD: Final = frozenset({Fault.RESEND, Fault.OFF_LINE, Fault.POLICY})  # said to the client
EITHER_WAY: Final = tuple(f for f in Fault if f not in _ANSWERS_ONLY | _REQUESTS_ONLY)
FAULTS: Final = {
    Way.UP: (*EITHER_WAY[1:], *sorted(_REQUESTS_ONLY, key=str)),
    Way.DOWN: (*EITHER_WAY[1:], *sorted(_ANSWERS_ONLY, key=str)),
}


@dataclass(frozen=True, slots=True)
class Passing:
    """A message on its way: connection and number are counted from 0, each way on its own."""

    connection: int
    way: Way
    number: int
    code: str


Plan = Callable[[Passing], Fault]


def passes(_: Passing) -> Fault:
    """Nothing happens."""
    return Fault.PASS


def once(code: str, fault: Fault, times: int = 1) -> Plan:
    """The first messages of this command fare so."""
    left = times

    def plan(passing: Passing) -> Fault:
        nonlocal left
        if passing.code != code or not left:
            return Fault.PASS
        left -= 1
        return fault

    return plan


def always(code: str, fault: Fault) -> Plan:
    """Every message of this command fares so."""
    return lambda passing: fault if passing.code == code else Fault.PASS


def drawn(seed: int, one_in: int = 4) -> Plan:
    """One message in so many meets a fault; which and when hangs on the seed alone.

    Log-ins fare better: after one that failed a client does not try again for a while, and nothing
    is learnt from that.
    """

    def plan(passing: Passing) -> Fault:
        chance = Chance(seed, passing.connection, passing.way.value, passing.number)
        if chance.below(one_in * (4 if passing.code in _INTRODUCTIONS else 1)):
            return Fault.PASS
        kinds = FAULTS[passing.way]
        return kinds[chance.below(len(kinds))]

    return plan


class _Cut(Exception):
    """The connection ends here."""


@dataclass(slots=True)
class _Pair:
    """A connection of a client, and ours to the server that belongs to it."""

    number: int
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter


class Meddler:
    """Between a client and a server on loopback. story: what happened to whom, without contents."""

    def __init__(
        self,
        server_port: int,
        plan: Plan = passes,
        *,
        late: float = 0.25,
        tick: float = 0.002,
    ) -> None:
        self.server_port = server_port
        self.plan = plan
        self.story: list[str] = []
        self.port = 0
        self._late, self._tick = late, tick
        self._connections = 0
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.drop()
        await self._server.wait_closed()

    async def drop(self) -> None:
        """Every connection ends now; new ones are taken."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self._connections
        self._connections += 1
        task = asyncio.create_task(self._between(number, reader, writer), name=f"meddler:{number}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _between(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            with suppress(OSError):
                theirs, ours = await asyncio.open_connection("127.0.0.1", self.server_port)
                try:
                    await self._both_ways(_Pair(number, writer, ours), reader, theirs)
                finally:
                    ours.close()
        finally:
            writer.close()

    async def _both_ways(
        self, pair: _Pair, reader: asyncio.StreamReader, theirs: asyncio.StreamReader
    ) -> None:
        up = asyncio.create_task(self._flow(pair, Way.UP, reader))
        down = asyncio.create_task(self._flow(pair, Way.DOWN, theirs))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _flow(self, pair: _Pair, way: Way, reader: asyncio.StreamReader) -> None:
        number, rest = 0, b""
        with suppress(OSError, _Cut):
            while data := await reader.read(_READ):
                *lines, rest = (rest + data).split(TERMINATOR)
                for line in lines:
                    code = line.lstrip(b"\n\x00 ")[:2].decode("ascii", "replace")
                    passing = Passing(pair.number, way, number, code)
                    number += 1
                    await self._meddle(pair, passing, line)

    async def _meddle(self, pair: _Pair, passing: Passing, line: bytes) -> None:
        fault = self.plan(passing)
        if fault is not Fault.PASS:
            where = f"{passing.connection}/{passing.way.value}/{passing.number}"
            self.story.append(f"{where} {passing.code} {fault.value}")
        if fault is Fault.LOSE:
            return
        to = pair.server if passing.way is Way.UP else pair.client
        if fault is Fault.CUT:
            await self._write(to, line[: len(line) // 2], fault)
            raise _Cut
        if fault in _INSTEAD:
            to = pair.client
        if fault is Fault.LATE:
            await asyncio.sleep(self._late)
        await self._write(to, _said(fault, line), fault)

    async def _write(self, to: asyncio.StreamWriter, said: bytes, fault: Fault) -> None:
        step = {Fault.DRIP: _DRIP, Fault.BYTEWISE: 1}.get(fault, len(said))
        for at in range(0, len(said), step):
            to.write(said[at : at + step])
            await to.drain()
            if fault in (Fault.DRIP, Fault.BYTEWISE):
                await asyncio.sleep(self._tick if fault is Fault.DRIP else 0)


def _said(fault: Fault, line: bytes) -> bytes:
    """What arrives where this message was to arrive, or in its stead."""
    said = line + TERMINATOR
    match fault:
        case Fault.RESEND:
            return _RESEND
        case Fault.OFF_LINE | Fault.POLICY:
            return _status(line, online=fault is Fault.POLICY)
        case Fault.CORRUPT | Fault.MANGLED:
            return _corrupt(line, tail=fault is Fault.MANGLED) + TERMINATOR
        case Fault.WRONG_SEQ:
            return _another_digit(line) + TERMINATOR
        case Fault.TWICE:
            return said + said
        case Fault.JUNK:
            return _JUNK + said
        case _:
            return said


def _digit_of(line: bytes) -> int | None:
    at = line.rfind(b"AY")
    return int(line[at + 2 : at + 3]) if at >= 0 and line[at + 2 : at + 3].isdigit() else None


def _corrupt(line: bytes, *, tail: bool) -> bytes:
    """One byte is another one; where hangs on what sort of message it is alone."""
    cut = max(1, line.rfind(b"AY")) if b"AZ" in line else len(line)
    first, after = (cut, len(line)) if tail and cut < len(line) else (0, cut)
    at = first + Chance(line[:2], len(line)).below(after - first)
    return line[:at] + bytes((line[at] ^ 0x01,)) + line[at + 1 :]


def _another_digit(line: bytes) -> bytes:
    """The same answer to another request, with a checksum that fits."""
    digit = _digit_of(line)
    if digit is None:
        return line
    body = line[: line.rfind(b"AY")] + f"AY{(digit + 1) % 10}AZ".encode()
    return body + checksum(body).encode()


def _status(line: bytes, *, online: bool) -> bytes:
    """98 in place of an answer: with the digit of what it stands for."""
    yes = "Y" if online else "N"
    flags = ("online_status", "checkin_ok", "checkout_ok", "acs_renewal_policy")
    fixed = dict.fromkeys((*flags, "status_update_ok", "offline_ok"), yes)
    fixed |= {"timeout_period": "030", "retries_allowed": "003", "protocol_version": "2.00"}
    fixed["date_time_sync"] = "20260101    120000"
    message = Message("98", fixed, (("AO", "ESI"), ("BX", "Y" * 16)))
    return encode(message, seq=_digit_of(line), checked=b"AZ" in line) + TERMINATOR
