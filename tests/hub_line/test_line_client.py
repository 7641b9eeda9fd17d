"""Calls to a hub whose answers are whatever a network can make of them."""

import gzip
import ipaddress
import json
from datetime import date

import msgspec
import pytest

from kioskd.errors import RegisterError
from sync.hub_faults import CursorGone, HubFault, RequestRefused, StreamDamaged, TokenRevoked, Why
from sync.hub_wire import (
    NDJSON,
    Activity,
    Event,
    Heartbeat,
    HeartbeatAnswer,
)
from tests.hub_line.asking import CARD, NOON, PIN, client_of, event, fault, page, problem
from tests.hub_line.scripted import TOKEN, Reply, ScriptedHub, Seen
from tests.hub_line.streams import LINES, stream_of, trailer_of

# What is asked, and what comes of a good answer.


async def test_a_page_comes_verified_and_the_request_says_who_asks() -> None:
    async with client_of(page()) as (client, hub):
        got = await client.credentials("c0", 500)
    assert (got.lines, got.trailer) == (list(LINES), trailer_of(LINES))
    seen = hub.seen[0]
    assert (seen.method, seen.target) == ("GET", "/v1/credentials?limit=500&cursor=c0")
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["accept-encoding"] == "gzip"


async def test_restrictions_without_a_cursor_come_all_at_once() -> None:
    async with client_of(page()) as (client, hub):
        got = await client.restrictions(limit=1)
    assert hub.seen[0].target == "/v1/restrictions?limit=1"
    assert len(got.lines) == 3


async def test_more_than_a_device_would_hold_is_cut() -> None:
    bomb = gzip.compress(b"0123456789abcde\n" * (33 << 16))
    reply = Reply(bomb, kind=NDJSON, headers={"Content-Encoding": "gzip"})
    async with client_of(reply) as (client, _):
        with pytest.raises(HubFault) as caught:
            await client.restrictions()
    assert caught.value.why is Why.ANSWER


async def test_a_packed_snapshot_arrives_in_blocks_of_whole_lines() -> None:
    lines = [b'{"card":"%06d"}' % number for number in range(50_000)]
    reply = Reply(
        gzip.compress(stream_of(lines)), kind=NDJSON, headers={"Content-Encoding": "gzip"}
    )
    blocks: list[bytes] = []

    async def write(block: bytes) -> None:
        blocks.append(block)

    async with client_of(reply) as (client, hub):
        trailer = await client.snapshot(write)
    assert trailer == trailer_of(lines)
    assert b"".join(blocks).split(b"\n")[:-1] == lines
    assert all(block.endswith(b"\n") for block in blocks)
    assert len(blocks) > 1
    assert hub.seen[0].target == "/v1/credentials"


async def test_events_and_activity_are_told_and_their_results_read() -> None:
    answer = b'{"results":[{"id":"id-1","status":"duplicate","new":1}],"also":"new"}'
    async with client_of(Reply(answer)) as (client, hub):
        results = await client.events([event()])
        await client.activity([Activity("ref", date(2026, 11, 23))])
    assert [(result.id, result.status) for result in results] == [("id-1", "duplicate")]
    assert json.loads(hub.seen[0].body)[0]["id"] == "id-1"
    assert json.loads(hub.seen[1].body) == [{"ref": "ref", "date": "2026-11-23"}]


async def test_a_long_batch_is_packed_on_its_way() -> None:
    async with client_of(Reply(b'{"results":[]}')) as (client, hub):
        await client.events([event(number) for number in range(1000)])
    seen = hub.seen[0]
    assert seen.headers["content-encoding"] == "gzip"
    assert len(msgspec.json.decode(gzip.decompress(seen.body), type=list[Event])) == 1000


async def test_heartbeat_config_verify_and_join_read_their_answers() -> None:
    def script(seen: Seen) -> Reply:
        answers = {
            "/v1/heartbeat": HeartbeatAnswer(NOON, config_version=3),
            "/v1/config": {"version": 3, "payload": "{}", "signature": "s", "key": "k"},
            "/v1/verify": {"verdict": "wrong"},
            "/v1/join": {"token": "t", "config": "", "name": "n", "branch": "b", "key": "k"},
        }
        return Reply(msgspec.json.encode(answers[seen.target]))

    async with client_of(script) as (client, _):
        assert (await client.heartbeat(Heartbeat(NOON, "1"))).config_version == 3
        assert (await client.config()).key == "k"
        assert (await client.verify(CARD, PIN, 1.5)).verdict == "wrong"
        assert (await client.join("CODE")).branch == "b"
        await client.config()
        assert client.certificate_days is None
        assert ipaddress.ip_address(client.local_address).is_loopback


# Statuses.


async def test_a_revoked_token_is_for_good() -> None:
    async with client_of(problem(401)) as (client, _):
        found = await fault(client)
    assert isinstance(found, TokenRevoked)
    assert not found.transient
    assert "token revoked" in str(found)


async def test_another_branch_is_refused_but_a_portal_is_not_believed() -> None:
    async with client_of(problem(403)) as (client, _):
        assert isinstance(await fault(client), TokenRevoked)
    async with client_of(Reply(b"<html>", 403, "text/html")) as (client, _):
        found = await fault(client)
    assert found.why is Why.NOT_THE_HUB
    assert found.transient


async def test_a_cursor_of_another_hub_is_gone() -> None:
    async with client_of(problem(410)) as (client, _):
        assert isinstance(await fault(client), CursorGone)


@pytest.mark.parametrize("status", [400, 413])
async def test_what_cannot_be_taken_is_refused_and_no_detail_is_repeated(status: int) -> None:
    async with client_of(problem(status)) as (client, _):
        found = await fault(client)
    assert isinstance(found, RequestRefused)
    assert "No (x)" in str(found)
    assert CARD not in str(found)


@pytest.mark.parametrize(
    ("asked", "seconds"), [("7", 7.0), ("1000000000", 900.0), ("tomorrow", None), ("-5", None)]
)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_hub_says_when(status: int, asked: str, seconds: float | None) -> None:
    async with client_of(problem(status, Retry_After=asked)) as (client, _):
        found = await fault(client)
    assert (found.why, found.retry_after, found.transient) == (Why.BUSY, seconds, True)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304])
async def test_no_redirect_is_followed(status: int) -> None:
    async with ScriptedHub(lambda seen: page()).running() as other:
        moved = Reply(b"", status, headers={"Location": other.url + "/v1/credentials"})
        async with client_of(moved) as (client, _):
            assert (await fault(client)).why is Why.REDIRECT
    assert other.seen == []


async def test_a_fault_of_the_hub_is_one_to_wait_for() -> None:
    async with client_of(problem(500)) as (client, _):
        assert ((found := await fault(client)).why, found.transient) == (Why.HUB, True)
    async with client_of(Reply(b"<html>", 502, "text/html")) as (client, _):
        assert (await fault(client)).why is Why.HUB
    async with client_of(problem(404)) as (client, _):
        assert ((found := await fault(client)).why, found.transient) == (Why.HUB, False)


# Answers that are none.


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "TEXT/HTML"])
async def test_a_captive_portal_is_called_one(kind: str) -> None:
    async with client_of(Reply(b"<html>log in</html>", kind=kind)) as (client, _):
        found = await fault(client)
    assert found.why is Why.NOT_THE_HUB
    assert "captive portal" in str(found)


async def test_another_kind_of_content_is_refused_even_with_the_right_bytes() -> None:
    async with client_of(Reply(stream_of(), kind="application/json")) as (client, _):
        assert (await fault(client)).why is Why.ANSWER


@pytest.mark.parametrize("packed", [False, True])
async def test_a_stream_that_is_cut_anywhere_is_broken_off(packed: bool) -> None:
    data = gzip.compress(stream_of()) if packed else stream_of()
    headers = {"Content-Encoding": "gzip"} if packed else {}
    cuts = iter(range(len(data)))

    def script(seen: Seen) -> Reply:
        return Reply(data, kind=NDJSON, headers=headers, cut=next(cuts))

    async with client_of(script) as (client, _):
        for _ in range(len(data)):
            assert (await fault(client)).why is Why.BROKEN_OFF


async def test_a_gzip_that_ends_early_is_discarded() -> None:
    data = gzip.compress(stream_of())[:-9]
    async with client_of(Reply(data, kind=NDJSON, headers={"Content-Encoding": "gzip"})) as (c, _):
        assert (await fault(c)).why is Why.BROKEN_OFF


async def test_a_bomb_is_cut() -> None:
    bomb = gzip.compress(b"\0" * (80 << 20), 9)
    async with client_of(Reply(bomb, headers={"Content-Encoding": "gzip"})) as (client, _):
        with pytest.raises(RegisterError, match="larger"):
            await client.heartbeat(Heartbeat(NOON, "1"))


async def test_a_megabyte_of_one_line_is_refused() -> None:
    async with client_of(Reply(b"x" * (1 << 20), kind=NDJSON)) as (client, _):
        assert (await fault(client)).why is Why.ANSWER


async def test_a_wrong_digest_is_damage() -> None:
    async with client_of(Reply(stream_of().replace(b"A1", b"B1"), kind=NDJSON)) as (client, _):
        assert isinstance(await fault(client), StreamDamaged)


async def test_more_lines_than_were_asked_for_are_refused() -> None:
    async with client_of(page()) as (client, _):
        with pytest.raises(RegisterError, match="more lines"):
            await client.credentials("c0", 2)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x00" * 1000,
        b"",
    ],
)
async def test_what_speaks_no_http_is_a_fault_and_no_more(raw: bytes) -> None:
    async with client_of(Reply(raw=raw)) as (client, _):
        assert (await fault(client)).why in (Why.ANSWER, Why.BROKEN_OFF)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"results":null}', b'{"results":[{"id":"a","status":"taken"}]}']
)
async def test_a_malformed_answer_is_none(body: bytes) -> None:
    async with client_of(Reply(body)) as (client, _):
        with pytest.raises(RegisterError, match="not what a hub"):
            await client.events([event()])
