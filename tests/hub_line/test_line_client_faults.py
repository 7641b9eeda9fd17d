"""A client of a hub against time, connections and addresses that are none."""

import asyncio

import pytest

from drivers.fakes import FakeClock
from kioskd.errors import InputError
from sync.hub_address import HubAddress, is_loopback
from sync.hub_client import Deadlines, HubClient
from sync.hub_faults import HubFault, Why
from sync.hub_hints import Heard
from tests.hub_line.asking import CARD, PIN, SHORT, client_of, fault, page
from tests.hub_line.scripted import TOKEN, Reply, ScriptedHub, Seen

# Time.


async def test_a_server_that_drips_is_left_after_the_whole_time() -> None:
    async with client_of(page(drip=0.02), SHORT) as (client, _):
        loop = asyncio.get_running_loop()
        begun = loop.time()
        assert (await fault(client)).why is Why.TIMEOUT
    assert loop.time() - begun < 3


async def test_a_server_that_says_nothing_is_left() -> None:
    async def silent(seen: Seen) -> Reply:
        await asyncio.Event().wait()
        return Reply()

    async with client_of(silent, SHORT) as (client, _):
        assert (await fault(client)).why is Why.TIMEOUT
        with pytest.raises(HubFault, match=r"0\.05 s"):
            await client.verify(CARD, PIN, 0.05)


async def test_a_sink_that_is_slow_counts_into_the_time_and_is_cancelled() -> None:
    async def slow(block: bytes) -> None:
        await asyncio.Event().wait()

    async with client_of(page(), SHORT) as (client, _):
        with pytest.raises(HubFault) as caught:
            await client.snapshot(slow)
    assert caught.value.why is Why.TIMEOUT


async def test_what_the_sink_raises_is_not_taken_for_a_fault_of_the_hub() -> None:
    async def full(block: bytes) -> None:
        raise InputError("full")

    async with client_of(page()) as (client, _):
        with pytest.raises(InputError, match="full"):
            await client.snapshot(full)


# Connections.


async def test_nobody_there_is_said_so() -> None:
    async with ScriptedHub(lambda seen: page()).running() as hub:
        address = hub.address
    async with HubClient(address, FakeClock()) as client:
        assert (await fault(client)).why is Why.REFUSED


async def test_a_name_that_is_not_found_is_said_so() -> None:
    address = HubAddress("https://hub.invalid", TOKEN)
    async with HubClient(address, FakeClock()) as client:
        found = await fault(client)
    assert found.why is Why.NAME
    assert str(found).startswith("hub.invalid: its name is not found")


async def test_a_kept_connection_that_was_closed_meanwhile_is_made_anew() -> None:
    turns = iter([Reply(b'{"results":[]}', headers={"Connection": "keep-alive"}), Reply(raw=b"")])

    def script(seen: Seen) -> Reply:
        return next(turns, Reply(b'{"results":[]}'))

    async with client_of(script) as (client, hub):
        await client.events([])
        await client.events([])  # the second answer is a closed connection
        assert len(hub.seen) == 3


async def test_a_pin_is_never_sent_twice() -> None:
    async with client_of(Reply(raw=b"")) as (client, hub):
        with pytest.raises(HubFault) as caught:
            await client.verify(CARD, PIN, 1.0)
        assert len(hub.seen) == 1
    assert caught.value.why is Why.BROKEN_OFF
    assert PIN not in str(caught.value)
    assert CARD not in str(caught.value)


async def test_no_proxy_or_netrc_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with client_of(page()) as (client, hub):
        await client.credentials("c0")
    assert len(hub.seen) == 1


async def test_cookies_are_not_kept() -> None:
    async with client_of(page(headers={"Set-Cookie": "a=b"})) as (client, hub):
        await client.credentials("c0")
        await client.credentials("c0")
    assert "cookie" not in hub.seen[1].headers


async def test_reach_finds_a_hub_and_only_a_hub() -> None:
    async with client_of(Reply(b"{}")) as (client, hub):
        await client.reach()
        assert hub.seen[0].target == "/healthz"
    async with client_of(Reply(b"ok", kind="text/html")) as (client, _):
        with pytest.raises(HubFault):
            await client.reach()


# Hints.


async def test_hints_are_heard_as_they_come_and_the_last_id_is_sent_back() -> None:
    body = b": keep\n\nid: c7\nevent: change\ndata:\n\nevent: command\n\nevent: other\n\n"
    heard: list[Heard] = []
    reply = Reply(body, kind="text/event-stream")
    async with client_of(reply) as (client, hub):
        await client.changes("c6", heard.append)
    assert hub.seen[0].headers["last-event-id"] == "c6"
    assert hub.seen[0].headers["accept-encoding"] == "identity"
    assert [(h.kind, h.id) for h in heard if h.kind != "alive"] == [
        ("open", ""),
        ("change", "c7"),
        ("command", "c7"),
    ]


async def test_listening_has_no_end_but_its_beginning_has() -> None:
    opened = asyncio.Event()
    brief = Deadlines(call=1.0)
    async with client_of(Reply(kind="text/event-stream", stay=True), brief) as (client, _):
        task = asyncio.create_task(client.changes("", lambda heard: opened.set()))
        await opened.wait()
        done, _ = await asyncio.wait([task], timeout=1.2)  # longer than the time of a call
        assert not done
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# Addresses.


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example.invalid",
        "http://hub.example",
        "ftp://localhost",
        "https://",
        "https://user:word@hub.example.invalid",
        "https://hub.example.invalid/?a=b",
        "https://hub.example.invalid:99999",
        "hub.example.invalid",
        "https://hub example.invalid",
        "",
    ],
)
def test_an_address_that_is_none_or_unsafe_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="url"):
        HubAddress(url)


def test_a_token_that_is_none_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputError) as caught:
        HubAddress("https://hub.example.invalid", "kd1.front.secret")
    assert "secret" not in str(caught.value)


def test_secrets_of_an_address_are_in_no_text() -> None:
    address = HubAddress(
        "https://h.invalid:8443/kiosk/", TOKEN, proxy="http://u:word@p.invalid:3128"
    )
    assert address.host == "h.invalid:8443"
    assert address.base == "https://h.invalid:8443/kiosk"
    assert address.proxy_host == "p.invalid:3128"
    assert "word" not in repr(address)
    assert TOKEN not in repr(address)


@pytest.mark.parametrize(
    ("host", "is_it"),
    [("localhost", True), ("127.8.8.8", True), ("::1", True), ("8.8.8.8", False), ("x", False)],
)
def test_loopback(host: str, is_it: bool) -> None:
    assert is_loopback(host) is is_it
