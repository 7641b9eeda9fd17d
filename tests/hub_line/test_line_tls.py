"""Whom the line believes: certificates, authorities, proxies."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.fakes import FakeClock
from kioskd.errors import InputError
from sync.hub_address import HubAddress
from sync.hub_client import HubClient
from sync.hub_faults import HubFault, Why
from sync.hub_wire import NDJSON
from tests.hub_line.certificates import Authority
from tests.hub_line.scripted import TOKEN, Reply, ScriptedHub
from tests.hub_line.streams import stream_of

PAGE = Reply(stream_of(), kind=NDJSON)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def fault_with(
    tls: ssl.SSLContext, ca_file: Path | None, proxy: str = ""
) -> tuple[HubFault, ScriptedHub]:
    async with ScriptedHub(lambda seen: PAGE, tls).running() as hub:
        address = HubAddress(hub.url, TOKEN, ca_file, proxy)
        async with HubClient(address, FakeClock()) as client:
            with pytest.raises(HubFault) as caught:
                await client.credentials("c0")
    return caught.value, hub


async def test_a_hub_of_our_authority_is_believed_and_its_days_are_known(
    authority: Authority,
) -> None:
    clock = FakeClock(wall=datetime.now(UTC))
    async with (
        ScriptedHub(lambda seen: PAGE, authority.server(until=12)).running() as hub,
        HubClient(HubAddress(hub.url, TOKEN, authority.file), clock) as client,
    ):
        days = [client.certificate_days]
        await client.credentials("c0")
        days.append(client.certificate_days)
        clock.wall += timedelta(days=20)
        days.append(client.certificate_days)
    assert days == [None, 12, -8]


@pytest.mark.parametrize(
    ("name", "since", "until", "said"),
    [
        ("localhost", -20, -10, "has expired"),
        ("localhost", 10, 20, "not valid yet"),
        ("hub.example.invalid", -10, 90, "of another name"),
    ],
)
async def test_a_certificate_that_does_not_fit_is_refused_in_plain_words(
    authority: Authority, name: str, since: float, until: float, said: str
) -> None:
    tls = authority.server(name, since=since, until=until)
    found, hub = await fault_with(tls, authority.file)
    assert found.why is Why.CERTIFICATE
    assert said in str(found)
    assert hub.seen == []


async def test_an_authority_that_is_not_ours_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path)
    for ca_file in (other.file, None):
        found, hub = await fault_with(authority.server(), ca_file)
        assert found.why is Why.CERTIFICATE
        assert "ca_file" in str(found)
        assert hub.seen == []


async def test_a_port_without_tls_is_called_so(authority: Authority) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        async with HubClient(HubAddress(url, TOKEN, authority.file), FakeClock()) as client:
            with pytest.raises(HubFault) as caught:
                await client.reach()
    assert caught.value.why is Why.TLS


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_a_ca_file_that_is_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=r"ca\.pem"):
        await HubClient(HubAddress("https://h.invalid", TOKEN, file), FakeClock()).__aenter__()


async def test_session_keys_are_not_written_where_an_environment_says(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    async with (
        ScriptedHub(lambda seen: PAGE, authority.server()).running() as hub,
        HubClient(HubAddress(hub.url, TOKEN, authority.file), FakeClock()) as client,
    ):
        await client.credentials("c0")
    assert not (tmp_path / "keys").exists()


# Proxies: only the one of the configuration.


class Proxy:
    """Lets CONNECT through, or answers with a status."""

    def __init__(self, status: int = 200) -> None:
        self.heads: list[bytes] = []
        self.status = status
        self.port = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        writer.write(b"HTTP/1.1 %d X\r\n\r\n" % self.status)
        if self.status == 200:
            port = int(head.split(b" ")[1].split(b":")[1])
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pass(reader, to_writer), _pass(to_reader, writer))
        writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_a_proxy_sees_the_host_and_nothing_of_the_token(authority: Authority) -> None:
    async with (
        Proxy().running() as proxy,
        ScriptedHub(lambda seen: PAGE, authority.server()).running() as hub,
    ):
        at = f"http://kiosk:word@localhost:{proxy.port}"
        address = HubAddress(hub.url, TOKEN, authority.file, at)
        async with HubClient(address, FakeClock(wall=datetime.now(UTC))) as client:
            await client.credentials("c0")
            assert client.certificate_days == 90
    assert proxy.heads[0].startswith(b"CONNECT localhost:")
    assert b"Proxy-Authorization: Basic" in proxy.heads[0]
    assert b"kd1." not in proxy.heads[0]
    assert len(hub.seen) == 1


@pytest.mark.parametrize(
    ("status", "said"), [(407, "another name and password"), (403, "does not let through")]
)
async def test_a_proxy_that_refuses_is_named_without_its_password(
    authority: Authority, status: int, said: str
) -> None:
    async with Proxy(status).running() as proxy:
        at = f"http://kiosk:word@localhost:{proxy.port}"
        found, hub = await fault_with(authority.server(), authority.file, at)
    assert found.why is Why.PROXY
    assert said in str(found)
    assert f"localhost:{proxy.port}" in str(found)
    assert "word@" not in str(found)
    assert hub.seen == []


async def test_a_proxy_that_is_away_is_named(authority: Authority) -> None:
    async with Proxy().running() as proxy:
        at = f"http://localhost:{proxy.port}"
    found, _ = await fault_with(authority.server(), authority.file, at)
    assert found.why is Why.PROXY
    found, _ = await fault_with(authority.server(), authority.file, "http://proxy.invalid:1")
    assert found.why is Why.PROXY


def test_no_proxy_for_plain_http() -> None:
    with pytest.raises(InputError, match="proxy"):
        HubAddress("http://localhost:1", proxy="http://proxy.invalid:1")
