"""A TCP proxy that does what networks do: cuts, drips, delays, repeats, reorders, swallows.

    schedule = Schedule.drawn(seed)              # prints itself, so that a failure can be repeated
    async with Proxy(port_of_the_server, schedule) as proxy:
        ... a client talks to 127.0.0.1:proxy.port ...
        proxy.calm()                             # from now on everything passes

Each connection has a Passage, drawn from the seed and its number alone. Time is in ticks, whose
length is a parameter, so that a schedule with long pauses costs milliseconds.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self

TICK: Final = 0.001  # seconds
_READ: Final = 4096
_CALM_PARTS: Final = 8  # of 16: this share of the passages passes everything


@dataclass(frozen=True, slots=True)
class Flow:
    """One direction of a connection. cut: bytes that pass before the connection is cut; None: all.

    drip: bytes a tick. delay: ticks before the first byte.
    """

    cut: int | None = None
    drip: int | None = None
    delay: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """What becomes of one connection.

    refused: closed at once. swallowed: its bytes go nowhere, and it is closed after so many ticks.
    replayed: all that the client said is said to the server once more, later, on a connection of
    its own. held: ticks before the server hears of it, so that a later one is there before it.
    reset: a cut is a reset, not an end.
    """

    up: Flow = Flow()
    down: Flow = Flow()
    refused: bool = False
    swallowed: int = 0
    replayed: bool = False
    held: int = 0
    reset: bool = False


CALM: Final = Passage()


class Chance:
    """Numbers that hang on a seed and a name alone."""

    def __init__(self, *names: object) -> None:
        self._bytes = hashlib.sha256(repr(names).encode()).digest()
        self._at = 0

    def below(self, bound: int) -> int:
        """0 to bound - 1."""
        if self._at + 4 > len(self._bytes):
            self._bytes, self._at = hashlib.sha256(self._bytes).digest(), 0
        number = int.from_bytes(self._bytes[self._at : self._at + 4])
        self._at += 4
        return number % bound


@dataclass(frozen=True, slots=True)
class Schedule:
    """The passages of a run: those given, then those drawn; seed None: then calm ones."""

    seed: int | None = None
    first: Sequence[Passage] = ()

    @classmethod
    def drawn(cls, seed: int) -> Self:
        """Everything hangs on the seed."""
        return cls(seed)

    def of(self, number: int) -> Passage:
        """What becomes of the connection of this number, counted from 0."""
        if number < len(self.first):
            return self.first[number]
        return CALM if self.seed is None else _drawn(Chance(self.seed, number))


def _drawn(chance: Chance) -> Passage:
    kind = chance.below(16)
    if kind < _CALM_PARTS:
        return CALM
    # Cuts fall into heads and into bodies: small numbers as often as large ones.
    cut = chance.below(1 << (3 + chance.below(13)))
    return {
        8: Passage(up=Flow(cut=cut), reset=bool(chance.below(2))),
        9: Passage(down=Flow(cut=cut), reset=bool(chance.below(2))),
        10: Passage(down=Flow(cut=cut, drip=1 + chance.below(200))),
        11: Passage(up=Flow(drip=1 + chance.below(64)), down=Flow(drip=1 + chance.below(500))),
        12: Passage(replayed=True, down=Flow(cut=cut if chance.below(2) else None)),
        13: Passage(held=chance.below(40), down=Flow(delay=chance.below(20))),
        14: Passage(refused=True),
        15: Passage(swallowed=1 + chance.below(60)),
    }[kind]


@dataclass(slots=True)
class Passed:
    """What did happen to one connection: bytes that got through, and whether it was cut."""

    passage: Passage
    up: int = 0
    down: int = 0
    cut: bool = False
    replayed: int = 0
    said: bytearray = field(default_factory=bytearray, repr=False)


class Proxy:
    """Between a client and a server on loopback."""

    def __init__(self, server_port: int, schedule: Schedule, tick: float = TICK) -> None:
        self.schedule = schedule
        self.passed: list[Passed] = []
        self.port = 0
        self.server_port = server_port
        self._tick = tick
        self._calm = False
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._server.wait_closed()

    def calm(self) -> None:
        """Everything passes from now on; what is under way goes its way."""
        self._calm = True

    def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passage = CALM if self._calm else self.schedule.of(len(self.passed))
        passed = Passed(passage)
        self.passed.append(passed)
        self._keep(asyncio.create_task(self._pass(passed, reader, writer)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _pass(
        self, passed: Passed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            with suppress(OSError):
                await self._through(passed, reader, writer)
        finally:
            _close(writer, reset=passed.cut and passed.passage.reset)
        if passed.passage.replayed and passed.said:
            with suppress(OSError):
                await self._replay(passed)

    async def _through(
        self, passed: Passed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        passage = passed.passage
        if passage.refused:
            return
        if passage.swallowed:
            await self._ticks(passage.swallowed)
            return
        await self._ticks(passage.held)
        theirs, ours = await asyncio.open_connection("127.0.0.1", self.server_port)
        up = asyncio.create_task(self._flow(passed, passage.up, reader, ours, up=True))
        down = asyncio.create_task(self._flow(passed, passage.down, theirs, writer, up=False))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if up.done() and not passed.cut and not down.done():
                await down  # a client that only stopped speaking still hears the answer
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            _close(ours, reset=passed.cut and passage.reset)

    async def _flow(
        self,
        passed: Passed,
        flow: Flow,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        up: bool,
    ) -> None:
        left = flow.cut
        await self._ticks(flow.delay)
        while left is None or left > 0:
            data = await reader.read(min(flow.drip or _READ, _READ if left is None else left))
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
            left = None if left is None else left - len(data)
            self._count(passed, data, up=up)
            if flow.drip:
                await self._ticks(1)
        passed.cut = True

    def _count(self, passed: Passed, data: bytes, *, up: bool) -> None:
        if up:
            passed.up += len(data)
            if passed.passage.replayed:
                passed.said += data
        else:
            passed.down += len(data)

    async def _replay(self, passed: Passed) -> None:
        """The server hears all of it again; what it answers goes nowhere."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        try:
            writer.write(bytes(passed.said))
            await writer.drain()
            async with asyncio.timeout(self._tick * 500):
                while await reader.read(_READ):
                    passed.replayed += 1
        except TimeoutError:
            pass
        finally:
            _close(writer, reset=False)

    async def _ticks(self, ticks: int) -> None:
        if ticks:
            await asyncio.sleep(ticks * self._tick)


def _close(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        writer.transport.abort()
    else:
        writer.close()
