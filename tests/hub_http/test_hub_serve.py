"""Starting, listening and ending: certificates, addresses, the whole server."""

import asyncio
import logging
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from kioskd.errors import InputError, VaultError
from sync.hub.database import Database
from sync.hub.devices import Devices
from sync.hub.model import HubConfig
from sync.hub.opening import keep_check
from sync.hub.serve import serve
from sync.hub.transport import is_loopback, place_of, transport_of
from tests.hub_core.world import ESI

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def made(directory: Path, *, days: int = 90, since: int = 1, password: str = "") -> Path:
    """cert.pem and key.pem that belong together; `since`: days ago."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    built = built.public_key(key.public_key()).serial_number(1)
    built = built.not_valid_before(NOW - timedelta(days=since))
    built = built.not_valid_after(NOW + timedelta(days=days))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = built.add_extension(names, critical=False).sign(key, SHA256())
    directory.mkdir(exist_ok=True)
    (directory / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    sealing = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing)
    (directory / "key.pem").write_bytes(data)
    (directory / "key.pem").chmod(0o600)
    return directory


def config_of(tmp_path: Path, tls: Path | None = None, listen: str = "127.0.0.1:0") -> HubConfig:
    """A hub over SQLite in this directory."""
    return HubConfig(
        tmp_path / "hub.toml",
        listen,
        f"sqlite:///{tmp_path / 'hub.db'}",
        f"file:{tmp_path / 'hub.key'}",
        tls_cert=tls / "cert.pem" if tls else None,
        tls_key=tls / "key.pem" if tls else None,
        branches=(ESI,),
    )


def write_key(config: HubConfig, letter: str) -> None:
    """A hub's key: of zeros, or another."""
    key = Path(config.key.removeprefix("file:"))
    key.write_text(letter * 42 + "A")
    key.chmod(0o600)


async def prepared(config: HubConfig) -> str:
    """What `init` does; a device's token."""
    write_key(config, "A")
    database = await Database.open(config.database, create=True)
    try:
        await keep_check(config, database, {})
        return await Devices(database, lambda: NOW).add("door-1", "ESI")
    finally:
        await database.close()


async def test_it_serves_in_tls_until_it_is_told_to_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    config = config_of(tmp_path, made(tmp_path / "tls"), "localhost:0")
    token = await prepared(config)
    stop = asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    now = lambda: NOW  # noqa: E731
    server = asyncio.create_task(serve(config, {}, stop, address.set_result, now=now))
    url = await asyncio.wait_for(address, 10)
    assert url.startswith("https://localhost:")
    trust = ssl.create_default_context(cafile=tmp_path / "tls" / "cert.pem")
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        async with session.get(url + "/healthz", ssl=trust) as answer:
            assert answer.status == 200
        async with session.get(url + "/v1/changes", ssl=trust) as hints:
            await hints.content.readline()
            started = asyncio.get_running_loop().time()
            stop.set()
            await server
            assert asyncio.get_running_loop().time() - started < 5.0
            await hints.content.read()  # ends, and in order
    ready = next(r for r in caplog.records if r.getMessage() == "ready")
    assert ready.__dict__["listen"] == url


async def test_a_hub_without_tables_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="kioskd-hub init"):
        await serve(config_of(tmp_path), {}, asyncio.Event(), print)


async def test_a_key_of_another_database_is_refused(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    await prepared(config)
    write_key(config, "B")
    with pytest.raises(VaultError, match=r"hub\.key"):
        await serve(config, {}, asyncio.Event(), print)


async def test_an_address_in_use_is_named(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    listen = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    config = config_of(tmp_path, listen=listen)
    await prepared(config)
    with pytest.raises(InputError, match=listen):
        await serve(config, {}, asyncio.Event(), print)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "hub.example.invalid:80", "[::]:80"])
def test_plain_http_is_for_loopback(tmp_path: Path, listen: str) -> None:
    with pytest.raises(InputError, match="loopback only"):
        transport_of(config_of(tmp_path, listen=listen), NOW)


def test_half_a_certificate_is_refused(tmp_path: Path) -> None:
    config = replace(config_of(tmp_path), tls_cert=tmp_path / "cert.pem")
    with pytest.raises(InputError, match="belong together"):
        transport_of(config, NOW)


@pytest.mark.parametrize(
    ("days", "since", "says"),
    [(-1, 30, "cert.pem: ended on 2026-11-22"), (90, -2, "not good before 2026-11-25")],
)
def test_a_certificate_out_of_its_time_is_refused(
    tmp_path: Path, days: int, since: int, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        transport_of(config_of(tmp_path, made(tmp_path / "tls", days=days, since=since)), NOW)


def test_a_certificate_that_ends_soon_is_a_warning(tmp_path: Path) -> None:
    soon = transport_of(config_of(tmp_path, made(tmp_path / "tls", days=13)), NOW)
    assert [w.partition(": ")[2][:18] for w in soon.warnings] == ["ends on 2026-12-06"]
    assert not transport_of(config_of(tmp_path, made(tmp_path / "tls", days=15)), NOW).warnings


def test_a_key_that_others_may_read_is_a_warning(tmp_path: Path) -> None:
    tls = made(tmp_path / "tls")
    (tls / "key.pem").chmod(0o644)
    (warning,) = transport_of(config_of(tmp_path, tls), NOW).warnings
    assert "chmod" in warning


def test_bad_files_are_named(tmp_path: Path) -> None:
    tls = made(tmp_path / "tls")
    other = made(tmp_path / "other")
    whole = config_of(tmp_path, tls)
    with pytest.raises(InputError, match=r"key\.pem: is not the key of .*cert\.pem"):
        transport_of(replace(whole, tls_key=other / "key.pem"), NOW)
    with pytest.raises(InputError, match=r"none\.pem: No such file"):
        transport_of(replace(whole, tls_cert=tmp_path / "none.pem"), NOW)
    with pytest.raises(InputError, match=r"none\.pem: No such file"):
        transport_of(replace(whole, tls_key=tmp_path / "none.pem"), NOW)
    (tmp_path / "text.pem").write_text("hello")
    with pytest.raises(InputError, match=r"text\.pem: is no certificate"):
        transport_of(replace(whole, tls_cert=tmp_path / "text.pem"), NOW)
    locked = made(tmp_path / "locked", password="secret")
    with pytest.raises(InputError, match="no unencrypted private key"):
        transport_of(config_of(tmp_path, locked), NOW)


def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    tls = transport_of(config_of(tmp_path, made(tmp_path / "tls")), NOW).tls
    assert tls is not None
    assert tls.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("listen", "place"),
    [("127.0.0.1:8080", ("127.0.0.1", 8080)), ("[::1]:0", ("::1", 0)), ("localhost:1", None)],
)
def test_addresses(listen: str, place: tuple[str, int] | None) -> None:
    host, port = place_of(listen)
    assert place in (None, (host, port))
    assert is_loopback(host)


@pytest.mark.parametrize("listen", ["", "8080", ":8080", "::1:80", "h:", "h:x", "h:65536", "h:-1"])
def test_what_is_no_address(listen: str) -> None:
    with pytest.raises(InputError, match="host:port"):
        place_of(listen)
