"""The two ends of the socket pair against each other: what the child asks, the daemon does."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from kioskd.clock.system import SystemClock
from kioskd.daemon.beside import Beside
from kioskd.daemon.line import Line
from kioskd.daemon.line_link import DaemonLink
from kioskd.daemon.line_wire import MAX_LINE, Delivered, LineState, Publish, SiteParts, encode
from kioskd.errors import InputError, StoreError
from sync.hub_wire import DoorSays, PublishedConfig

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PARTS = SiteParts("0.1.0", "j1", 7, "aa", [DoorSays("front", "secured")], ["feed-old"], 3, "key")


class Remembered:
    """line.Duties that remembers. fault: raised by whatever is asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.states: list[LineState] = []
        self.fault: Exception | None = None

    async def _do(self, what: object) -> None:
        self.asked.append(what)
        if self.fault:
            raise self.fault

    async def delivered(self, said: Delivered) -> None:
        await self._do((said.journal, said.through, said.dead))

    async def told(self, keys: list[bytes]) -> None:
        await self._do(keys)

    async def pulse(self) -> SiteParts:
        await self._do("pulse")
        return PARTS

    async def drop(self) -> None:
        await self._do("drop")

    async def publish(self, told: Publish) -> None:
        await self._do((told.config, told.key))

    def state(self, line: LineState) -> None:
        self.states.append(line)


class Pair:
    def __init__(self) -> None:
        self.duties = Remembered()
        self.line = Line(lambda: ["x"], self.duties, SystemClock())
        self.looks = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        here, there = socket.socketpair()
        reader, self.writer = await asyncio.open_unix_connection(sock=here, limit=MAX_LINE)
        theirs = await asyncio.open_unix_connection(sock=there, limit=MAX_LINE)
        self.link = DaemonLink(*theirs, self._look)
        self.child = cast("Beside", SimpleNamespace(reader=reader, writer=self.writer))
        self.line._child = self.child
        self.tasks = [
            asyncio.create_task(self.line._serve(self.child)),
            asyncio.create_task(self.link.listen()),
        ]
        self.theirs = theirs[1]

    def _look(self) -> None:
        self.looks += 1

    async def close(self) -> None:
        self.writer.close()
        self.theirs.close()
        await asyncio.wait(self.tasks, timeout=5)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    made = Pair()
    await made.open()
    yield made
    await made.close()


async def test_everything_that_can_be_asked_for(pair: Pair) -> None:
    published = PublishedConfig(4, "ESI", AT, help_phone="1")
    await pair.link.mark_delivered("j1", 41, [(40, "kind")])
    await pair.link.drop_activities([b"\x00\xff", b"k"])
    assert await pair.link.pulse() == PARTS
    await pair.link.drop()
    await pair.link.publish(published, "key")
    assert pair.duties.asked == [
        ("j1", 41, [(40, "kind")]),
        [b"\x00\xff", b"k"],
        "pulse",
        "drop",
        (published, "key"),
    ]


async def test_several_questions_at_once_get_their_own_answers(pair: Pair) -> None:
    found = await asyncio.gather(*(pair.link.pulse() for _ in range(20)), pair.link.drop())
    assert found[:20] == [PARTS] * 20


async def test_what_was_not_done_is_an_error_that_says_why(pair: Pair) -> None:
    pair.duties.fault = StoreError("the disk is full", transient=False)
    with pytest.raises(StoreError, match="the disk is full") as caught:
        await pair.link.mark_delivered("j1", 1, [])
    assert not caught.value.transient
    pair.duties.fault = InputError("monday: no")
    with pytest.raises(StoreError, match="monday"):
        await pair.link.publish(PublishedConfig(1, "ESI", AT), "key")


async def test_somebody_asks_for_a_pull(pair: Pair) -> None:
    pair.line.look_now()
    await pair.link.pulse()
    assert pair.looks == 1


async def test_the_state_is_kept_and_told(pair: Pair) -> None:
    pair.link.tell(LineState(up=True, hints=True, pulled=AT, waiting=3))
    await pair.link.pulse()
    assert pair.line.state == LineState(up=True, hints=True, pulled=AT, waiting=3)
    assert pair.duties.states == [pair.line.state]
    view = pair.line.view("https://hub.example.invalid:8443/x")
    assert (view.hub, view.up, view.waiting, view.pulled) == (
        "hub.example.invalid:8443",
        True,
        3,
        AT,
    )


async def test_a_daemon_that_is_gone_ends_every_question(pair: Pair) -> None:
    waiting = asyncio.create_task(pair.link.pulse())
    pair.duties.fault = None
    pair.writer.transport.abort()
    with pytest.raises(StoreError, match="gone"):
        await waiting
    await pair.link.ended.wait()
    with pytest.raises(StoreError, match="gone"):
        await pair.link.drop()
    pair.link.tell(LineState(up=True))


@pytest.mark.parametrize("junk", [b"hello\n", b'{"type":"drop"}\n', b"{}\n", b"\xff\n"])
async def test_a_child_that_talks_nonsense_is_let_go(pair: Pair, junk: bytes) -> None:
    pair.theirs.write(junk)
    await asyncio.wait_for(pair.tasks[0], 5)
    assert pair.duties.asked == []


async def test_without_a_child_nobody_can_be_asked() -> None:
    line = Line(lambda: ["x"], Remembered(), SystemClock())
    with pytest.raises(InputError, match="try again"):
        line.look_now()
    assert encode(LineState()) == b'{"type":"state"}'


async def test_a_fault_of_ours_is_told_and_ends_nobody(pair: Pair) -> None:
    pair.duties.fault = OverflowError("date value out of range")
    with pytest.raises(StoreError, match="fault of this version") as caught:
        await pair.link.publish(PublishedConfig(1, "ESI", AT), "key")
    assert not caught.value.transient
    pair.duties.fault = None
    assert await pair.link.pulse() == PARTS


@pytest.mark.parametrize("junk", [b"x" * (MAX_LINE + 10), b'{"a":' * 5000], ids=["long", "deep"])
async def test_a_child_that_says_too_much_is_let_go(pair: Pair, junk: bytes) -> None:
    pair.theirs.write(junk + b"\n")
    await asyncio.wait_for(pair.tasks[0], 5)
