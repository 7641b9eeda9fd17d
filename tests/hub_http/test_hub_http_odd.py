"""Requests that are none: each refused with a problem that repeats nothing, and the hub unmoved.

One hub for all of them: nothing of this may change anything in it.
"""

import json
from collections.abc import Sequence

import pytest

from sync.hub.front import MAX_HEADER
from tests.hub_http.serving import Answer, Running, raw

pytestmark = pytest.mark.asyncio(loop_scope="module")

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
async def test_garbage_for_a_token_gets_one_answer(lasting: Running, header: str) -> None:
    answer = await lasting.get("/v1/config", headers={"Authorization": header} if header else {})
    without = await lasting.get("/v1/config")
    assert answer.problem() == without.problem()
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="kioskd-hub"')


@pytest.mark.parametrize("limit", ["0", "-1", "10001", "x", "1e3", "\u0661", "9" * 5000, ""])
async def test_a_limit_is_a_number_in_bounds(lasting: Running, limit: str) -> None:
    token = lasting.tokens["door-1"]
    answer = await lasting.ask("GET", "/v1/credentials", token, params={"limit": limit})
    if len(limit) > 100:
        assert answer.status == 400  # the line is too long to be read at all
    else:
        assert (answer.problem().status, answer.problem().field) == (400, "limit")


async def test_what_is_not_there_is_a_problem_too(lasting: Running) -> None:
    assert (await lasting.get("/v1/nothing/167A000001")).problem().status == 404
    answer = await lasting.ask("DELETE", "/v1/config")
    assert (answer.problem().status, answer.headers["Allow"]) == (405, "GET")
    assert (await lasting.ask("HEAD", "/v1/config")).status == 405
    odd = await lasting.get("/v1/nothing", headers={"Expect": "a miracle"})
    assert odd.problem().status == 417
    odd = await lasting.get("/healthz", headers={"Expect": "a miracle"})
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
    lasting: Running, body: bytes, status: int, field: str
) -> None:
    token = lasting.tokens["door-1"]
    headers = {"Content-Type": "application/json"}
    answer = await lasting.ask("POST", "/v1/verify", token, data=body, headers=headers)
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
async def test_another_type_is_not_taken(lasting: Running, headers: dict[str, str]) -> None:
    token = lasting.tokens["door-1"]
    answer = await lasting.ask("POST", "/v1/events", token, data=b"[]", headers=headers)
    assert answer.problem().status == 415


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
    lasting: Running, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    head, _, body = (await raw(lasting, data)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == 400
    assert b"2600123" not in body
    assert "2600123" not in caplog.text


async def test_a_body_that_is_not_framed_is_400(lasting: Running) -> None:
    token = lasting.tokens["door-1"]
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    )
    assert b" 400 " in (await raw(lasting, head.encode()))[:20]


async def test_every_answer_forbids_keeping_it(lasting: Running) -> None:
    answers: list[Answer] = [await lasting.get("/healthz"), await lasting.get("/nothing")]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] == "kioskd-hub"
