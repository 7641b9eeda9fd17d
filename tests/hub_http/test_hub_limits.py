"""What a hub takes in at most: memory for bodies, rows of one device, connections, a full disk."""

import asyncio
import contextlib
import gzip
import io
import logging
import os
import resource
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import StoreFull
from sync.hub import sockets
from sync.hub.bodies import FEW
from sync.hub.database import Database
from sync.hub.limits import BURST, PER_SECOND, Allowed, Budget, Intake, check_disk
from sync.hub.problems import Refused
from sync.hub_wire import MAX_BODY, MAX_EVENTS
from tests.hub_core.world import Hub
from tests.hub_http.serving import ANY_DATABASE, Running, raw, running, until
from tests.hub_http.test_hub_http_stories import event

JSON = {"Content-Type": "application/json"}


@contextlib.asynccontextmanager
async def held_back(served: Running, path: str, body: bytes, *more: str) -> AsyncIterator[None]:
    """A request whose last byte does not come."""
    _, writer = await asyncio.open_connection("127.0.0.1", served.front.port)
    head = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *more]
    writer.write(("\r\n".join([*head, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode())
    writer.write(body[:-1])
    try:
        yield
    finally:
        writer.transport.abort()


@ANY_DATABASE
async def test_who_joins_sends_a_few_lines_and_no_gzip(hub: Hub) -> None:
    budget = Budget()
    async with running(hub, budget=budget) as served:
        packed = gzip.compress(b" " * MAX_BODY)
        headers = {**JSON, "Content-Encoding": "gzip"}
        answer = await served.ask("POST", "/v1/join", data=packed, headers=headers)
        assert answer.problem().status == 415
        for large in (b" " * (FEW + 1), io.BytesIO(b" " * (FEW + 1))):  # the latter in chunks
            answer = await served.ask("POST", "/v1/join", data=large, headers=JSON)
            assert answer.problem().status == 413
        code = b'{"code":"' + b"x" * 1000 + b'"}'
        assert (await served.ask("POST", "/v1/join", data=code, headers=JSON)).status == 400
        async with held_back(served, "/v1/join", packed, "Content-Encoding: gzip"):
            await served.get("/healthz")
            assert budget.held == 0
        async with held_back(served, "/v1/join", b" " * FEW):
            await until(lambda: 0 < budget.held <= FEW)


@ANY_DATABASE
async def test_bodies_in_hand_are_bounded_and_given_back(hub: Hub) -> None:
    budget = Budget(most=400_000, each=300_000)
    body = b" " * 250_000
    async with running(hub, budget=budget) as served:
        one, other = await served.device("door-1"), await served.device("door-2")
        async with held_back(served, "/v1/events", body, f"Authorization: Bearer {one}"):
            await until(lambda: budget.held > 200_000)
            for token in (one, other):
                answer = await served.ask("POST", "/v1/events", token, data=body, headers=JSON)
                assert answer.problem().status == 503
                assert int(answer.headers["Retry-After"]) > 0
            answer = await served.post("/v1/events", [event(1)], other)
            assert answer.status == 200
        await until(lambda: budget.held == 0)
        answer = await served.ask("POST", "/v1/events", one, data=body, headers=JSON)
        assert (answer.problem().status, budget.held) == (400, 0)


@ANY_DATABASE
async def test_what_gzip_becomes_counts(hub: Hub) -> None:
    budget = Budget(most=1_000_000, each=1_000_000)
    packed = gzip.compress(b" " * 2_000_000)
    async with running(hub, budget=budget) as served:
        token = await served.device("door-1")
        headers = {**JSON, "Content-Encoding": "gzip"}
        answer = await served.ask("POST", "/v1/events", token, data=packed, headers=headers)
        assert answer.problem().status == 503
        assert budget.held == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 70)), max_size=40))
def test_a_budget_never_gives_out_more_than_it_has(asked: list[tuple[str, int]]) -> None:
    budget = Budget(most=100, each=60)
    with contextlib.ExitStack() as open_:
        for owner, size in asked:
            held = open_.enter_context(budget.holding(owner))
            before = budget.held
            with contextlib.suppress(Refused):
                held.grow(size)
            assert budget.held == before + held.size <= 100
            assert held.size in (0, size)
    assert budget.held == 0


async def test_a_journal_of_days_goes_through_and_a_flood_does_not(database: Database) -> None:
    clock = [100.0]
    intake = Intake(database, reserve=0, clock=lambda: clock[0])
    for _ in range(BURST // MAX_EVENTS):
        await intake.check("door-1", MAX_EVENTS, 300_000)
    with pytest.raises(Refused) as refused:
        await intake.check("door-1", MAX_EVENTS, 300_000)
    assert refused.value.status == 429
    assert refused.value.retry_after == MAX_EVENTS / PER_SECOND
    await intake.check("door-2", MAX_EVENTS, 300_000)  # another's are its own
    clock[0] += MAX_EVENTS / PER_SECOND
    await intake.check("door-1", MAX_EVENTS, 300_000)


async def test_large_rows_count_more_and_nothing_waits_for_ever(database: Database) -> None:
    clock = [0.0]
    allowed = Allowed(burst=10, per_second=1.0)
    intake = Intake(database, allowed, reserve=0, clock=lambda: clock[0])
    await intake.check("door-1", 1, 6 * 1024)
    with pytest.raises(Refused) as refused:
        await intake.check("door-1", 1, 6 * 1024)
    assert refused.value.retry_after == 2.0
    with pytest.raises(Refused) as refused:
        await intake.check("door-1", 1000, 0)
    clock[0] += refused.value.retry_after or 0.0
    await intake.check("door-1", 1000, 0)


@ANY_DATABASE
@pytest.mark.parametrize(
    ("path", "row"),
    [("/v1/events", event(1)), ("/v1/activity", {"ref": "r", "date": "2026-11-23"})],
)
async def test_a_flood_is_told_when_to_come_again(hub: Hub, path: str, row: Any) -> None:
    intake = Intake(hub.database, Allowed(burst=2, per_second=0.1), reserve=0)
    async with running(hub, intake=intake) as served:
        token = await served.device("door-1")
        assert (await served.post(path, [row, row], token)).status == 200
        answer = await served.post(path, [row], token)
        assert answer.problem().status == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 10


async def test_a_disk_that_fills_keeps_what_the_hub_itself_needs(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SimpleNamespace(f_frsize=4096, f_blocks=1 << 20, f_bavail=1000)
    async with running(hub) as served:
        token = await served.device("door-1")
        monkeypatch.setattr(os, "statvfs", lambda _: disk)
        answer = await served.post("/v1/events", [event(1)], token)
        if hub.database.is_postgresql:  # its disk is another machine's
            assert answer.status == 200
            return
        assert answer.problem().title == "The hub has no space left"
        assert (await served.post("/v1/heartbeat", _BEAT, token)).status == 200
        disk.f_bavail = 100_000
        assert (await served.post("/v1/events", [event(1)], token)).status == 200


_BEAT = {"at": "2026-11-23T10:00:00Z", "version": "1"}


def test_of_a_small_disk_the_reserve_is_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SimpleNamespace(f_frsize=1024, f_blocks=1000, f_bavail=100)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    check_disk(Path("/x/hub.db"), 1 << 30)
    disk.f_bavail = 99
    with pytest.raises(StoreFull, match=r"hub\.db"):
        check_disk(Path("/x/hub.db"), 1 << 30)


@ANY_DATABASE
async def test_an_address_without_a_token_does_not_take_all_places(hub: Hub) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    async with (
        running(hub, connections=10, strangers=2) as served,
        contextlib.AsyncExitStack() as open_,
    ):
        token = await served.device("door-1")
        beside = [await idle(open_, served) for _ in range(2)]
        assert (await raw(served, ask)).startswith(b"HTTP/1.1 503 ")
        for reader, writer in beside:  # they show a token, and count no more
            head = f"GET /v1/config HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
            writer.write(head.encode())
            assert b" 200 " in await reader.readline()
        assert (await served.get("/healthz")).status == 200
        for _, writer in beside:
            writer.close()
        places = served.front._places
        await until(lambda: places._all == places._of.total() == 1)  # the session's own


async def idle(
    open_: contextlib.AsyncExitStack, served: Running
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that says nothing, once the hub has it."""
    had = served.front._places._all
    reader, writer = await asyncio.open_connection("127.0.0.1", served.front.port)
    open_.callback(writer.transport.abort)
    await until(lambda: served.front._places._all > had)
    return reader, writer


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["come", "welcome", "leave"]))))
def test_places_are_never_more_than_there_are(steps: list[tuple[str, str]]) -> None:
    places = sockets.Places(5, 2)
    strangers: dict[str, int] = {"a": 0, "b": 0}
    known = 0
    for address, step in steps:
        if step == "come":
            fits = strangers[address] < 2 and known + sum(strangers.values()) < 5
            assert places.come(address) is fits
            strangers[address] += fits
        elif step == "welcome" and strangers[address]:
            places.welcome(address)
            strangers[address] -= 1
            known += 1
        elif step == "leave" and (strangers[address] or known):
            places.leave(address if strangers[address] else None)
            known -= not strangers[address]
            strangers[address] -= bool(strangers[address])


@pytest.mark.parametrize(
    ("files", "most"), [(1024, 824), (100_000, 10_000), (10_200, 10_000), (256, 128), (10, 5)]
)
def test_connections_leave_files_for_the_hub(files: int, most: int) -> None:
    assert sockets.connections_within(files) == most


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [
        (1024, 4096, 4096),
        (1024, resource.RLIM_INFINITY, sockets.FILES),
        (1024, 524_288, sockets.FILES),
        (100_000, 524_288, 100_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, sockets.FILES),
    ],
)
def test_the_limit_of_files_is_raised_as_far_as_it_may(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, raised: int
) -> None:
    limit = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limit[0])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limit.__setitem__(0, new))
    assert sockets.raised_files() == raised
    assert limit[0][1] == hard


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1, 0, 0), "192.0.2.7"),
        (("2001:db8:1:2:3::4", 1, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1, 0, 2), "fe80::/64"),
        ("", ""),
        (None, ""),
        (("nonsense", 1), ""),
    ],
)
def test_whose_connection_it_is(peer: object, address: str) -> None:
    assert sockets.address_of(peer) == address


@ANY_DATABASE
async def test_an_upload_that_is_reset_is_no_error(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(hub) as served:
        token = await served.device("door-1")
        _, writer = await asyncio.open_connection("127.0.0.1", served.front.port)
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        writer.write(
            f"{head}Content-Type: application/json\r\nContent-Length: 999\r\n\r\n[".encode()
        )
        await writer.drain()
        await until(lambda: not served.front._places._of)  # its token was seen
        plug = writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await until(lambda: any(r.getMessage() == "request" for r in caplog.records))
        await until(lambda: served.front._places._all == 0)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_fault_a_thousand_times_a_second_is_a_few_lines() -> None:
    clock = [0.0]
    hush = sockets.Hush(lambda: clock[0])

    def told(text: str) -> logging.LogRecord | None:
        record = logging.LogRecord("asyncio", logging.ERROR, "", 0, text, None, None)
        return record if hush.filter(record) else None

    assert sum(told(f"accept: no file left\nsocket {n}") is not None for n in range(1000)) == 5
    assert told("another fault") is not None
    clock[0] = 60.0
    again = told("accept: no file left\nsocket 1")
    assert again is not None
    assert again.getMessage().endswith("\n995 more were left out")
    for number in range(10_000):
        told(f"fault {number}")
    assert len(hush._seen) <= 100


def test_a_hush_ends_with_its_block() -> None:
    log = logging.getLogger("a library")
    with sockets.hushed("a library"):
        assert len(log.filters) == 1
    assert log.filters == []
