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
from sync.hub.front import MAX_HEADER
from sync.hub_wire import MAX_BODY, MAX_EVENTS, EventResult
from tests.hub_core.world import Hub
from tests.hub_http.serving import Answer, Running, running
from tests.hub_http.test_hub_http_stories import event

GARBAGE = [
    "",
    "Bearer",
    "Bearer kd1",
    "Bearer kd1.door-1.short",
    "Bearer kd1.door-1." + "A" * 43,
    "Bearer kd1.no-such." + "A" * 43,
    "Basic ZG9vci0xOng=",
    "Bearer " + "A" * 4000,
    "Bearer kd1.door-1.\u00e4" + "A" * 42,
    "Bearer kd1.'; DROP TABLE device; --." + "A" * 43,
]


@pytest.mark.parametrize("header", GARBAGE)
async def test_garbage_for_a_token_gets_one_answer(served: Running, header: str) -> None:
    await served.device("door-1")
    answer = await served.get("/v1/config", headers={"Authorization": header} if header else {})
    without = await served.get("/v1/config")
    assert answer.problem() == without.problem()
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="kioskd-hub"')


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


@pytest.mark.parametrize("limit", ["0", "-1", "10001", "x", "1e3", "\u0661", "9" * 5000, ""])
async def test_a_limit_is_a_number_in_bounds(served: Running, limit: str) -> None:
    token = await served.device("door-1")
    answer = await served.ask("GET", "/v1/credentials", token, params={"limit": limit})
    if len(limit) > 100:
        assert answer.status == 400  # the line is too long to be read at all
    else:
        assert (answer.problem().status, answer.problem().field) == (400, "limit")


async def test_what_is_not_there_is_a_problem_too(served: Running) -> None:
    assert (await served.get("/v1/nothing/167A000001")).problem().status == 404
    answer = await served.ask("DELETE", "/v1/config")
    assert (answer.problem().status, answer.headers["Allow"]) == (405, "GET")
    assert (await served.ask("HEAD", "/v1/config")).status == 405
    odd = await served.get("/v1/nothing", headers={"Expect": "a miracle"})
    assert odd.problem().status == 417
    odd = await served.get("/healthz", headers={"Expect": "a miracle"})
    assert odd.problem().status == 417


BODIES: Sequence[tuple[bytes, int, str]] = [
    (b"", 400, ""),
    (b"<!DOCTYPE html><html>", 400, ""),
    (b"\xff\xfe", 400, ""),
    (b'"\\ud800"', 400, ""),
    (b"[" * 100_000, 400, ""),
    (b'{"a":' * 500 + b"1" + b"}" * 500, 400, ""),
    (b"1" * 10_000, 400, ""),
    (b"[]", 400, ""),
    (b"{}", 400, "card"),
    (b'{"card":1,"pin":"1"}', 400, "card"),
    (b'{"card":"1","pin":"1","name":"x"}', 400, "name"),
    (b'{"card":"1","pin":"1","\xc3\xa4 2600123":"x"}', 400, ""),
    (b'{"card":"\\u001b[2J","pin":"1"}', 400, "card"),
    (b'{"card":"' + b"1" * 1_000_000 + b'","pin":"1"}', 400, "card"),
]


@pytest.mark.parametrize(("body", "status", "field"), BODIES)
async def test_a_bad_body_names_the_field(
    served: Running, body: bytes, status: int, field: str
) -> None:
    token = await served.device("door-1")
    headers = {"Content-Type": "application/json"}
    answer = await served.ask("POST", "/v1/verify", token, data=body, headers=headers)
    assert (answer.problem().status, answer.problem().field) == (status, field)
    assert len(answer.body) < 400
    assert b"2600123" not in answer.body


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "br"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip, gzip"},
    ],
)
async def test_another_type_is_not_taken(served: Running, headers: dict[str, str]) -> None:
    token = await served.device("door-1")
    answer = await served.ask("POST", "/v1/events", token, data=b"[]", headers=headers)
    assert answer.problem().status == 415


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


async def raw(served: Running, data: bytes, seconds: float = 3.0) -> bytes:
    """What comes back for these bytes, until the hub closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.front.port)
    try:
        writer.write(data)
        async with asyncio.timeout(seconds):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"2600123 / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"2600123" * MAX_HEADER + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: 2600123\r\n" * 300 + b"\r\n",
        b"POST /v1/join HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_with_a_problem(
    served: Running, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    head, _, body = (await raw(served, data)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == 400
    assert b"2600123" not in body
    assert "2600123" not in caplog.text


async def test_a_body_that_is_not_framed_is_400(served: Running) -> None:
    token = await served.device("door-1")
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    )
    assert b" 400 " in (await raw(served, head.encode()))[:20]


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


async def test_one_connection_too_many_is_told_so(hub: Hub) -> None:
    async with running(hub, connections=1) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.front.port)
        await asyncio.sleep(0)
        answer = await raw(served, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After" in answer
        writer.close()


async def test_every_answer_forbids_keeping_it(served: Running) -> None:
    answers: list[Answer] = [await served.get("/healthz"), await served.get("/nothing")]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] == "kioskd-hub"
