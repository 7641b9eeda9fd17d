"""What the hub refuses: each with a problem, the right status, and without repeating a thing."""

import asyncio
import contextlib
import io
import json
import logging
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from kioskd.errors import KioskError, StoreError, StoreFull, VaultError
from sync.hub.devices import Device, Devices
from sync.hub_wire import MAX_BODY, MAX_EVENTS, EventResult
from tests.hub_core.world import Hub
from tests.hub_http.serving import ANY_DATABASE, Running, raw, running
from tests.hub_http.test_hub_http_stories import event


async def test_a_token_of_another_device_is_no_token(served: Running) -> None:
    token = await served.device("door-1")
    await served.device("door-2")
    assert (await served.get("/v1/config", token.replace("door-1", "door-2"))).status == 401
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    async with served.session.get(served.url + "/v1/config", headers=twice) as response:
        assert response.status == 401


async def test_revoking_bites_at_the_next_request(served: Running) -> None:
    token = await served.device("door-1")
    assert (await served.get("/v1/config", token)).status == 200
    await Devices(served.hub.database, served.hub.now).revoke("door-1")
    assert (await served.get("/v1/config", token)).problem().status == 401


async def test_a_device_of_a_branch_that_is_gone_is_told(served: Running) -> None:
    token = await served.device("door-1", "OLD")
    problem = (await served.get("/v1/credentials", token)).problem()
    assert problem.status == 403
    assert "OLD" in problem.detail


async def test_a_cursor_of_another_branch_is_gone(served: Running) -> None:
    here, there = await served.device("door-1"), await served.device("door-2", "TOI")
    _, trailer = (await served.get("/v1/credentials", there)).lines()
    for cursor in (trailer.cursor, "nonsense", "%00", "%F0%9F%98%80"):
        answer = await served.get(f"/v1/credentials?cursor={cursor}", here)
        assert answer.problem().status == 410


@ANY_DATABASE
async def test_a_gzip_bomb_is_cut_while_it_inflates(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await served.device("door-1")
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(bomb.compress(bytes(1024 * 1024)) for _ in range(400)) + bomb.flush()
    assert len(packed) < MAX_BODY
    most = 0
    inflated = zlib.decompressobj

    class Watched:
        def __init__(self, bits: int) -> None:
            self._stream = inflated(bits)

        def decompress(self, data: bytes, length: int) -> bytes:
            nonlocal most
            made = self._stream.decompress(data, length)
            most += len(made)
            return made

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await served.ask("POST", "/v1/events", token, data=packed, headers=headers)
    assert answer.problem().status == 413
    assert 0 < most <= MAX_BODY + 1


@ANY_DATABASE
async def test_a_body_of_gzip_must_be_whole(served: Running) -> None:
    token = await served.device("door-1")
    body = json.dumps([event(1)]).encode()
    assert (await served.post_packed("/v1/events", body, token)).status == 200
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(body) + packer.flush()
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    for broken in (packed[:-3], packed + b"x", b"no gzip", b"", packed + packed):
        answer = await served.ask("POST", "/v1/events", token, data=broken, headers=headers)
        assert answer.problem().status == 400, broken


@ANY_DATABASE
async def test_too_much_is_413(served: Running) -> None:
    token = await served.device("door-1")
    answer = await served.post("/v1/events", [event(n) for n in range(MAX_EVENTS + 1)], token)
    assert answer.problem().status == 413
    headers = {"Content-Type": "application/json"}
    large = io.BytesIO(b" " * (MAX_BODY + 1))
    answer = await served.ask("POST", "/v1/events", token, data=large, headers=headers)
    assert answer.problem().status == 413


FAULTS: Sequence[tuple[Exception, int, str]] = [
    (StoreFull("/var/lib/hub.db: no space left"), 503, "The hub has no space left"),
    (StoreError("db.example.invalid: gone"), 503, "Service Unavailable"),
    (VaultError("hub.key does not open"), 500, "Internal Server Error"),
    (RuntimeError("card 2600123"), 500, "Internal Server Error"),
    (TimeoutError(), 500, "Internal Server Error"),
]


@ANY_DATABASE
@pytest.mark.parametrize(("fault", "status", "title"), FAULTS)
async def test_faults_of_the_hub_stay_in_its_log(
    hub: Hub,
    fault: Exception,
    status: int,
    title: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        async def take(self, device: Device, items: Sequence[object]) -> list[EventResult]:
            raise fault

    caplog.set_level(logging.INFO)
    async with running(hub) as whole:
        parts = replace(whole.parts, events=Broken())
        async with running(hub, parts=parts) as served:
            token = await served.device("door-1")
            answer = await served.post("/v1/events", [event(1)], token)
    assert (answer.problem().status, answer.problem().title) == (status, title)
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert str(fault) not in answer.body.decode() or not str(fault)
    failed = next(record for record in caplog.records if record.getMessage() == "request failed")
    assert (failed.__dict__["path"], failed.__dict__["device"]) == ("/v1/events", "door-1")
    if not isinstance(fault, KioskError):
        assert "2600123" not in failed.getMessage()


async def test_the_log_has_a_line_for_each_request_and_no_secret(
    served: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = await served.device("door-1")
    await served.post("/v1/verify", {"card": "2600124", "pin": "9876"}, token)
    await served.post("/v1/verify?card=2600123", {"card": "2600124", "pin": "9876"}, token)
    await served.get("/v1/2600125?x=2600126")
    await served.ask("GET", "/v1/config", token[:-1] + "!")
    lines = [r.__dict__ for r in caplog.records if r.getMessage() == "request"]
    told = [(x["method"], x["path"], x["status"], x["device"]) for x in lines]
    assert told == [
        ("POST", "/v1/verify", 200, "door-1"),
        ("POST", "/v1/verify", 400, "door-1"),
        ("GET", "-", 404, "-"),
        ("GET", "/v1/config", 401, "-"),
    ]
    assert "26001" not in str(lines)
    assert "kd1." not in str(lines)
    assert "9876" not in str(lines)


@ANY_DATABASE
async def test_headers_that_drip_are_cut(hub: Hub) -> None:
    async with running(hub, idle=0.3) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.front.port)
        writer.write(b"GET /healthz HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(5.0):  # TimeoutError: it would have gone on for ever
                while not reader.at_eof():
                    writer.write(b"X: y\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.01)
        writer.close()


@ANY_DATABASE
async def test_one_connection_too_many_is_told_so(hub: Hub) -> None:
    async with running(hub, connections=1) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.front.port)
        await asyncio.sleep(0)
        answer = await raw(served, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After" in answer
        writer.close()
