"""The proxy does what it says: each fault really happens, and hangs on its seed alone."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from tests.faults.proxy import CALM, Flow, Passage, Proxy, Schedule

SAID = b"q" * 1000
ANSWER = b"a" * 3000


class Echo:
    """Answers every thousand bytes with three thousand; remembers what each connection said."""

    def __init__(self) -> None:
        self.heard: list[bytearray] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = bytearray()
        self.heard.append(mine)
        try:
            while data := await reader.read(4096):
                mine += data
                if len(mine) == len(SAID):
                    writer.write(ANSWER)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, int]]:
    made = Echo()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        yield made, server.sockets[0].getsockname()[1]


async def ask(port: int) -> bytes:
    """What comes back before the connection ends; b"" when nothing does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = b""
    try:
        writer.write(SAID)
        await writer.drain()
        while len(found) < len(ANSWER) and (data := await reader.read(4096)):
            found += data
    except ConnectionError:
        pass
    finally:
        writer.close()
    return found


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while True:
            if holds():
                return
            await asyncio.sleep(0.001)


async def through(echo: tuple[Echo, int], *passages: Passage) -> tuple[list[bytes], Proxy]:
    async with Proxy(echo[1], Schedule(first=passages)) as proxy:
        found = [await ask(proxy.port) for _ in passages]
        if any(passage.replayed for passage in passages):
            await until(lambda: len(echo[0].heard) > len(passages))
            await until(lambda: bytes(echo[0].heard[-1]) == SAID)
        return found, proxy


async def test_what_is_calm_passes_whole(echo: tuple[Echo, int]) -> None:
    found, proxy = await through(echo, CALM)
    assert found == [ANSWER]
    assert bytes(echo[0].heard[0]) == SAID
    assert (proxy.passed[0].up, proxy.passed[0].down) == (len(SAID), len(ANSWER))


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("at", [0, 1, 999])
async def test_a_question_is_cut_at_any_byte(echo: tuple[Echo, int], at: int, reset: bool) -> None:
    found, proxy = await through(echo, Passage(up=Flow(cut=at), reset=reset))
    assert found == [b""]
    assert proxy.passed[0].cut
    assert proxy.passed[0].up == at
    assert len(b"".join(echo[0].heard)) <= at


@pytest.mark.parametrize("at", [0, 1, 2999])
async def test_an_answer_is_cut_at_any_byte(echo: tuple[Echo, int], at: int) -> None:
    found, proxy = await through(echo, Passage(down=Flow(cut=at)))
    assert found == [ANSWER[:at]]
    assert bytes(echo[0].heard[0]) == SAID
    assert proxy.passed[0].cut


async def test_a_drip_takes_its_ticks(echo: tuple[Echo, int]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    found, _ = await through(echo, Passage(down=Flow(drip=100)))
    assert found == [ANSWER]
    assert loop.time() - began >= 0.030  # 30 ticks of 1 ms, or the drip does not drip


async def test_a_question_is_said_twice(echo: tuple[Echo, int]) -> None:
    found, proxy = await through(echo, Passage(replayed=True, down=Flow(cut=0)))
    assert found == [b""]
    assert [bytes(heard) for heard in echo[0].heard] == [SAID, SAID]
    assert proxy.passed[0].cut


async def test_a_held_connection_is_overtaken(echo: tuple[Echo, int]) -> None:
    order: list[str] = []

    async def asked(port: int, name: str) -> None:
        await ask(port)
        order.append(name)

    async with Proxy(echo[1], Schedule(first=[Passage(held=100), CALM])) as proxy:
        first = asyncio.create_task(asked(proxy.port, "held"))
        await until(lambda: len(proxy.passed) == 1)
        await asked(proxy.port, "later")
        await first
    assert order == ["later", "held"]


async def test_refused_and_swallowed_say_nothing(echo: tuple[Echo, int]) -> None:
    found, _ = await through(echo, Passage(refused=True), Passage(swallowed=5))
    assert found == [b"", b""]
    assert echo[0].heard == []


async def test_after_calm_everything_passes(echo: tuple[Echo, int]) -> None:
    async with Proxy(echo[1], Schedule(first=[Passage(refused=True)] * 9)) as proxy:
        assert await ask(proxy.port) == b""
        proxy.calm()
        assert await ask(proxy.port) == ANSWER


def test_a_schedule_hangs_on_its_seed_alone() -> None:
    drawn = [Schedule.drawn(7).of(number) for number in range(200)]
    assert drawn == [Schedule.drawn(7).of(number) for number in range(200)]
    assert drawn != [Schedule.drawn(8).of(number) for number in range(200)]
    assert repr(Schedule.drawn(7)) == "Schedule(seed=7, first=())"


def test_every_fault_is_drawn_soon() -> None:
    drawn = [Schedule.drawn(1).of(number) for number in range(300)]
    assert 0.3 < sum(passage == CALM for passage in drawn) / len(drawn) < 0.7
    for drawn_one in ("refused", "swallowed", "replayed", "held", "reset"):
        assert any(getattr(passage, drawn_one) for passage in drawn)
    for flow in ("up", "down"):
        assert any(getattr(passage, flow).cut is not None for passage in drawn)
        assert any(getattr(passage, flow).drip for passage in drawn)
    cuts = {p.down.cut for p in drawn if p.down.cut is not None}
    assert min(cuts) < 16
    assert max(cuts) > 2000
