"""Whom a device believes that it is its library system: certificates, authorities, plain text."""

import asyncio
import os
from pathlib import Path

import pytest

from sync.sip2 import transport
from sync.sip2.faults import NoAnswer, NotAsked
from sync.sip2.settings import SipSettings
from sync.sip2.tls import trust
from sync.sip2.transport import Link
from tests.hub_line.certificates import Authority
from tests.sip2.small_server import (
    PATRON,
    Caller,
    SmallServer,
    open_files,
    polite,
    silent,
    until,
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def refused(settings: SipSettings) -> str:
    files, tasks = open_files(), asyncio.all_tasks()
    with pytest.raises(NotAsked) as caught:
        await Link.open(settings)
    assert caught.value.__cause__ is None
    await until(lambda: open_files() <= files and asyncio.all_tasks() <= tasks)
    return str(caught.value)


async def test_a_server_of_the_right_name_is_spoken_to(authority: Authority) -> None:
    async with SmallServer(tls=authority.server("localhost")) as server:
        files = open_files()
        link = await Link.open(server.settings(host="localhost", ca_file=authority.file))
        assert (await link.ask(PATRON)).code == "64"
        await link.close()
        await until(lambda: open_files() == files)
    assert server.codes == ["63"]


@pytest.mark.parametrize(
    ("name", "days", "host", "words"),
    [
        ("elsewhere.example", (-10, 90), "localhost", "another name"),
        ("localhost", (-10, 90), "127.0.0.1", "another name"),
        ("localhost", (-20, -10), "localhost", "has expired"),
        ("localhost", (10, 20), "localhost", "not valid yet"),
    ],
)
async def test_a_certificate_that_is_not_good(
    authority: Authority, name: str, days: tuple[int, int], host: str, words: str
) -> None:
    tls = authority.server(name, since=days[0], until=days[1])
    async with SmallServer(tls=tls) as server:
        said = await refused(server.settings(host=host, ca_file=authority.file))
    assert words in said
    assert said.startswith(f"{host}:{server.port}: its certificate")
    assert server.codes == []


async def test_an_authority_that_is_not_known_here(authority: Authority) -> None:
    async with SmallServer(tls=authority.server("localhost")) as server:
        said = await refused(server.settings(host="localhost"))
    assert "set ca_file" in said
    assert server.codes == []


async def test_an_authority_of_another_site(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    async with SmallServer(tls=authority.server("localhost")) as server:
        said = await refused(server.settings(host="localhost", ca_file=other.file))
    assert "its certificate" in said
    assert server.codes == []


BEGIN, END = b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "data", [b"", b"no certificate", b"\xff\xfe\x00", BEGIN + b"AAAA" + END, BEGIN + b"\xe4" + END]
)
async def test_what_is_no_certificate(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "authorities.pem"
    file.write_bytes(data)
    assert await unusable(file) == "cannot be read as certificates in PEM"


async def test_a_file_of_authorities_that_is_not_there(tmp_path: Path) -> None:
    assert await unusable(tmp_path / "x") == "cannot be read: No such file or directory"


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev", "fifo"])
async def test_what_would_keep_its_reader_waiting_is_not_read(path: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    async with asyncio.timeout(5):
        assert await unusable(tmp_path / path) == "is not a plain file"


async def test_a_file_that_is_too_large_for_authorities(
    authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "authorities.pem"
    file.write_bytes(authority.file.read_bytes() + b"#" * 1_048_576)
    assert (await unusable(file)).startswith("is larger than 1 MiB")


async def test_several_authorities_and_what_is_written_between(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path).file.read_bytes()  # of the same name: the first one counts
    file = tmp_path / "authorities.pem"
    comment = "# Kirjastojen juurivarmenne, päivätty\n"
    whole = [comment.encode(), authority.file.read_bytes(), comment.encode("latin-1"), other]
    file.write_bytes(b"".join(whole).ljust(1_048_576, b"\n"))
    async with SmallServer(tls=authority.server("localhost")) as server:
        link = await Link.open(server.settings(host="localhost", ca_file=file))
        assert (await link.ask(PATRON)).code == "64"
        await link.close()
    assert len((await trust(file)).get_ca_certs()) == 2


async def unusable(file: Path) -> str:
    """What is said of this file of authorities."""
    async with SmallServer() as server:
        said = await refused(server.settings(tls=True, ca_file=file))
    assert server.connections == 0
    assert said.startswith(f"{file}: ")
    assert said.endswith(" ([register.sip2] ca_file)")
    return said.removeprefix(f"{file}: ").removesuffix(" ([register.sip2] ca_file)")


async def answers_greetings(caller: Caller) -> None:
    await caller.raw(b"96AZFEF6\r")
    await caller.gone()


async def closes_on_greetings(caller: Caller) -> None:
    await caller.hear_bytes(1)


@pytest.mark.parametrize("script", [silent, answers_greetings])
async def test_a_plain_server_that_is_spoken_to_with_tls(
    script: object, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_HANDSHAKE_SECONDS", 0.1)
    async with SmallServer(script) as server:  # type: ignore[arg-type]
        said = await refused(server.settings(tls=True, ca_file=authority.file))
    assert "no TLS of version 1.2 or newer came about" in said


async def test_a_plain_server_that_hangs_up_on_tls(authority: Authority) -> None:
    async with SmallServer(closes_on_greetings) as server:
        said = await refused(server.settings(tls=True, ca_file=authority.file))
    assert "closed at once; is TLS meant there" in said


async def test_a_tls_server_that_is_spoken_to_plainly(authority: Authority) -> None:
    async with SmallServer(polite, tls=authority.server()) as server:
        link = await Link.open(server.settings(tls=False, answer_seconds=0.1))
        with pytest.raises(NoAnswer):
            await link.ask(PATRON)
        await link.close()
    assert server.codes == []


async def test_a_server_that_never_says_goodbye_does_not_hold_the_end(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_CLOSE_SECONDS", 0.05)
    stay = asyncio.Event()

    async def deaf(caller: Caller) -> None:
        caller.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await stay.wait()

    async with SmallServer(deaf, tls=authority.server()) as server:
        files = open_files()
        link = await Link.open(server.settings(host="localhost", ca_file=authority.file))
        await link.close()
        assert not link.usable
        await until(lambda: open_files() < files + 2)  # the server's own end stays
        stay.set()


async def test_plain_text_asks_for_no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: Path | None) -> None:
        raise AssertionError("authorities were read")

    monkeypatch.setattr(transport, "trust", never)
    async with SmallServer() as server:
        link = await Link.open(server.settings())
        assert (await link.ask(PATRON)).code == "64"
        await link.close()
