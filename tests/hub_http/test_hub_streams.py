"""Streams of lines under bad conditions: slow readers, too many, faults in the middle."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import StoreError
from sync.hub.model import Branch
from sync.hub.streams import StreamLimits, takes_gzip
from tests.hub_core.world import Hub
from tests.hub_http.serving import ANY_DATABASE, Running, running, until

BLOCK = b'{"card":"1"}\n' * 5000
TORN = (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError)
Making = Callable[[], AsyncIterator[bytes]]


@dataclass
class Made:
    """Pulls whose stream a test makes. count: of streams that began; closed: let go of."""

    making: Making
    count: int = 0
    closed: int = 0

    async def snapshot(self, branch: Branch) -> AsyncIterator[bytes]:
        return self._stream()

    async def restrictions(
        self, branch: Branch, cursor: str | None, limit: int
    ) -> AsyncIterator[bytes]:
        return self._stream()

    credentials = restrictions

    async def position(self, branch: Branch) -> str:
        return "here"

    async def _stream(self) -> AsyncIterator[bytes]:
        self.count += 1
        try:
            async for chunk in self.making():
                yield chunk
        finally:
            self.closed += 1


@contextlib.asynccontextmanager
async def streaming(
    hub: Hub, making: Making, limits: StreamLimits | None = None
) -> AsyncIterator[tuple[Running, Made]]:
    """A hub whose streams are these."""
    made = Made(making)
    async with running(hub) as whole:
        parts = replace(whole.parts, pulls=made)
        async with running(hub, parts=parts, limits=limits) as served:
            yield served, made


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield BLOCK
        await asyncio.sleep(0)


async def stuck() -> AsyncIterator[bytes]:
    yield b""
    await asyncio.sleep(60)


async def breaking() -> AsyncIterator[bytes]:
    yield BLOCK
    raise StoreError("the database went away")


@contextlib.asynccontextmanager
async def open_stream(
    served: Running, token: str, path: str = "/v1/credentials"
) -> AsyncIterator[asyncio.StreamReader]:
    """A request whose answer nobody reads on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.front.port, limit=1024)
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    try:
        yield reader
    finally:
        writer.transport.abort()


async def drained(reader: asyncio.StreamReader) -> None:
    """Read to the end."""
    while await reader.read(1024 * 1024):
        pass


async def begun(made: Made, count: int = 1) -> None:
    """Wait until so many streams began."""
    await until(lambda: made.count >= count)


async def rid(made: Made, closed: int) -> None:
    """Wait until so many streams were let go of."""
    await until(lambda: made.closed >= closed)


@ANY_DATABASE
@pytest.mark.parametrize("limits", [StreamLimits(page=0.3, snapshot=0.3), StreamLimits(stall=0.3)])
@pytest.mark.parametrize("path", ["/v1/credentials", "/v1/restrictions?cursor=x"])
async def test_who_reads_too_slowly_is_cut(hub: Hub, limits: StreamLimits, path: str) -> None:
    async with streaming(hub, endless, limits) as (served, made):
        token = await served.device("door-1")
        async with open_stream(served, token, path) as reader:
            await rid(made, 1)
            with pytest.raises(ConnectionError):  # and not an end as if it were whole
                await drained(reader)


@ANY_DATABASE
async def test_a_fault_in_the_middle_tears_the_stream(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for coding in ("gzip", "identity"):
        async with streaming(hub, breaking) as (served, made):
            token = await served.device(f"door-{coding}")
            with pytest.raises(TORN):
                await served.get("/v1/credentials", token, headers={"Accept-Encoding": coding})
            assert made.closed == 1
    assert "request failed" in caplog.text


@ANY_DATABASE
async def test_what_is_not_ready_in_time_is_503(hub: Hub) -> None:
    class Slow(Made):
        async def snapshot(self, branch: Branch) -> AsyncIterator[bytes]:
            await asyncio.sleep(60)
            raise AssertionError

    async with running(hub) as whole:
        parts = replace(whole.parts, pulls=Slow(stuck))
        async with running(hub, parts=parts, limits=StreamLimits(snapshot=0.2)) as served:
            token = await served.device("door-1")
            answer = await served.get("/v1/credentials", token)
            assert answer.problem().status == 503


@ANY_DATABASE
async def test_only_so_many_snapshots_at_once(hub: Hub) -> None:
    async with streaming(hub, stuck, StreamLimits(snapshots=2)) as (served, made):
        one, two, three = [await served.device(f"door-{n}") for n in range(3)]
        async with open_stream(served, one), open_stream(served, two, "/v1/restrictions"):
            await begun(made, 2)
            answer = await served.get("/v1/credentials", three)
            assert answer.problem().status == 503
            assert int(answer.headers["Retry-After"]) > 0


@ANY_DATABASE
async def test_a_second_snapshot_of_a_device_ends_its_first(hub: Hub) -> None:
    async with streaming(hub, stuck, StreamLimits(snapshots=1)) as (served, made):
        token = await served.device("door-1")
        async with open_stream(served, token):
            await begun(made)
            async with open_stream(served, token) as again:
                assert (await again.readline()).startswith(b"HTTP/1.1 200")
                await rid(made, 1)


@ANY_DATABASE
async def test_a_device_that_goes_away_leaves_nothing_open(hub: Hub) -> None:
    async with streaming(hub, endless) as (served, made):
        token = await served.device("door-1")
        with contextlib.suppress(TimeoutError):
            await served.get("/v1/credentials", token, timeout=aiohttp.ClientTimeout(total=0.3))
        await rid(made, 1)


@ANY_DATABASE
async def test_streams_under_way_do_not_keep_the_hub_from_ending(hub: Hub) -> None:
    loop = asyncio.get_running_loop()
    async with streaming(hub, stuck) as (served, made):
        token = await served.device("door-1")
        async with open_stream(served, token):
            await begun(made)
            started = loop.time()
            await served.front.__aexit__(None, None, None)
            assert loop.time() - started < 4.0
            assert made.closed == 1


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("br, zstd", False),
        ("xgzip", False),
        ("*", False),
    ],
)
def test_who_takes_gzip(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes


@given(st.text(max_size=60))
def test_nothing_that_is_accepted_breaks_it(accepted: str) -> None:
    assert not takes_gzip(accepted) or "gzip" in accepted.lower()
