"""Where a library system is: who asks for its name, and what a silent name server costs."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from sync.sip2 import session, transport
from sync.sip2.faults import NotAsked
from sync.sip2.session import Names, Session
from sync.sip2.settings import SipSettings
from sync.sip2.transport import Link
from tests.hub_line.certificates import Authority
from tests.sip2.small_client import AheadClock, client_of, within
from tests.sip2.small_server import PATRON, QUIET, SmallServer, open_files, until

NAMED = SipSettings("sip.example.invalid", 6001, QUIET, tls=False)


class NameServer:
    """Stands where socket.getaddrinfo does: silent until told, and knows which threads asked."""

    def __init__(self) -> None:
        self.askers: list[str] = []
        self.answers = threading.Event()
        self.places: Any = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def __call__(self, *_: object, **__: object) -> Any:
        self.askers.append(threading.current_thread().name)
        assert self.answers.wait(10)
        if isinstance(self.places, Exception):
            raise self.places
        return self.places

    @property
    def asked(self) -> int:
        return len(self.askers)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A silent name server; whoever still asks it is answered in the end."""
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server)
    monkeypatch.setattr(transport, "_NAME_SECONDS", 0.05)
    yield server
    server.answers.set()
    for thread in asking_threads():
        thread.join()


def asking_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sip2-name"]


def places_of(*addresses: tuple[str, int]) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.asynccontextmanager
async def same_threads() -> AsyncIterator[None]:
    before = threading.active_count()
    yield
    await until(lambda: threading.active_count() <= before)
    assert threading.active_count() == before


# A silent name server


async def test_a_silent_name_server_costs_one_thread(names: NameServer) -> None:
    clock = AheadClock()
    async with client_of(NAMED, clock) as client:
        for _ in range(8):
            with pytest.raises(NotAsked, match="the name server does not answer"):
                await client.ask(PATRON, within(5, clock))
            clock.ahead += session.FAILED_SECONDS
        assert (names.asked, len(asking_threads())) == (1, 1)
        assert await asyncio.to_thread(lambda: "free") == "free"


def test_a_silent_name_server_does_not_hold_the_end(names: NameServer) -> None:
    async def once() -> None:
        async with client_of(NAMED) as client:
            with pytest.raises(NotAsked):
                await client.ask(PATRON, within())

    asyncio.run(once())
    (asking,) = asking_threads()
    assert asking.daemon
    names.answers.set()  # and what it says then is nobody's
    asking.join()


async def test_what_it_says_too_late_serves_the_next(names: NameServer) -> None:
    clock = AheadClock()
    async with SmallServer() as server, client_of(NAMED, clock) as client:
        names.places = places_of(("127.0.0.1", server.port))
        with pytest.raises(NotAsked):
            await client.ask(PATRON, within(5, clock))
        names.answers.set()
        await until(lambda: not asking_threads())
        clock.ahead += session.FAILED_SECONDS
        assert (await client.ask(PATRON, within(5, clock))).code == "64"
    assert names.asked == 1


async def test_what_it_said_long_ago_is_asked_anew(
    names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.places = places_of(("192.0.2.1", 6001))
    asks = Names(NAMED.host, NAMED.port)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asks.places(), 0.02)
    names.answers.set()
    await until(lambda: not asking_threads())
    monkeypatch.setattr(session, "FRESH_SECONDS", -1.0)
    assert await asks.places() == names.places
    assert names.asked == 2


async def test_each_link_asks_for_its_name(names: NameServer) -> None:
    names.answers.set()
    asks = Names(NAMED.host, NAMED.port)
    for address in ("192.0.2.1", "192.0.2.2"):
        names.places = places_of((address, 6001))
        assert await asks.places() == names.places


async def test_a_name_that_was_not_found_is_asked_for_anew(names: NameServer) -> None:
    names.answers.set()
    asks = Names(NAMED.host, NAMED.port)
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            await asks.places()
    names.answers.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asks.places(), 0.02)
    names.answers.set()
    await until(lambda: not asking_threads())
    names.places = places_of(("192.0.2.1", 6001))
    assert await asks.places() == names.places  # what failed too late is nobody's
    assert names.asked == 4


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "not known"), "its name is not found"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), "the name server does not answer"),
        (UnicodeError("label too long"), "its name is not found"),
        (LookupError("unknown encoding: idna"), "its name is not found"),
        ([], "its name is not found"),
    ],
)
async def test_why_a_name_leads_nowhere(fault: object, words: str, names: NameServer) -> None:
    names.places = fault
    names.answers.set()
    made = Session(NAMED, AheadClock(), None)
    with pytest.raises(NotAsked, match=f"sip.example.invalid:6001: {words}"):
        await made.link()


# Addresses


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_address_needs_no_name_server(host: str, names: NameServer) -> None:
    async with same_threads():
        settings = SipSettings(host, closed_port(), QUIET, tls=False)
        with pytest.raises(NotAsked, match=r"nothing listens there|no way there|no connection"):
            await Session(settings, AheadClock(), None).link()
    assert names.asked == 0


async def test_an_address_with_the_name_of_an_interface_is_left_to_the_system(
    names: NameServer,
) -> None:
    names.answers.set()
    settings = SipSettings("fe80::1%eth0", 6001, QUIET, tls=False)
    with pytest.raises(NotAsked):
        await Session(settings, AheadClock(), None).link()
    assert names.askers == ["sip2-name"]


async def test_of_several_addresses_the_first_that_takes_it_is_spoken_to(
    names: NameServer,
) -> None:
    names.answers.set()
    async with SmallServer() as server:
        none = (socket.AF_UNIX + 1000, socket.SOCK_STREAM, 0, "", ("x", 1))  # no such family here
        names.places = [none, *places_of(("127.0.0.1", closed_port()), ("127.0.0.1", server.port))]
        files = open_files()
        made = Session(NAMED, AheadClock(), None)
        assert (await (await made.link()).ask(PATRON)).code == "64"
        await made.close()
        await until(lambda: open_files() <= files)
    assert server.connections == 1


async def test_of_several_that_do_not_the_first_tells_why(names: NameServer) -> None:
    names.answers.set()
    names.places = [
        *places_of(("127.0.0.1", closed_port())),
        (socket.AF_UNIX + 1000, socket.SOCK_STREAM, 0, "", ("x", 1)),
    ]
    with pytest.raises(NotAsked, match="nothing listens there"):
        await Session(NAMED, AheadClock(), None).link()


async def test_a_link_that_is_made_alone_asks_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    async with SmallServer() as server:

        async def found(*_: object, **__: object) -> list[Any]:
            return places_of(("127.0.0.1", server.port))

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
        link = await Link.open(NAMED)
        assert (await link.ask(PATRON)).code == "64"
        await link.close()


# Threads


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_hundred_links_leave_no_thread(host: str) -> None:
    async with SmallServer() as server:
        made = Session(server.settings(host=host), AheadClock(), None)
        async with same_threads():
            for _ in range(100):
                assert (await made.link()).usable
                await made.close()
    assert server.connections == 100


async def test_nor_do_links_with_tls(tmp_path_factory: pytest.TempPathFactory) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    async with SmallServer(tls=authority.server("localhost")) as server:
        settings = server.settings(host="localhost", ca_file=authority.file)
        made = Session(settings, AheadClock(), None)
        await made.link()  # the loop's executor has its thread now
        await made.close()
        async with same_threads():
            for _ in range(10):
                assert (await made.link()).usable
                await made.close()
