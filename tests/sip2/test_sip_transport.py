"""One link to a library system over a real socket: what it says, hears, and leaves behind."""

import asyncio
import socket
from dataclasses import replace

import pytest

from sync.sip2 import transport
from sync.sip2.charset import Charset
from sync.sip2.faults import NoAnswer, NotAsked
from sync.sip2.messages import Message, encode
from sync.sip2.settings import SipSettings, Way
from sync.sip2.transport import Link
from tests.sip2.small_server import (
    BRISK,
    CHECKOUT,
    PATRON,
    QUIET,
    STATUS,
    Caller,
    SmallServer,
    hangs_up,
    message,
    open_files,
    polite,
    polite_for,
    silent,
    until,
)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def timers_of_links() -> list[str]:
    timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    return [repr(one) for one in timers if not one.cancelled() and "Link" in repr(one)]


async def test_a_request_is_answered_and_both_are_shown() -> None:
    seen: list[tuple[Way, bytes]] = []
    async with SmallServer() as server:
        link = await Link.open(server.settings(), lambda way, data: seen.append((way, data)))
        answer = await link.ask(PATRON)
        await link.close()
    assert (answer.code, answer.first("AA"), answer.seq) == ("64", "A1", 0)
    assert [way for way, _ in seen] == [Way.SENT, Way.RECEIVED]
    assert [data[:2] for _, data in seen] == [b"63", b"64"]
    assert not any(b"\r" in data for _, data in seen)


async def test_two_who_ask_one_link_are_answered_one_after_the_other() -> None:
    async with SmallServer() as server:
        link = await Link.open(server.settings())
        answers = await asyncio.gather(link.ask(PATRON), link.ask(CHECKOUT), link.ask(PATRON))
        await link.close()
    assert [answer.code for answer in answers] == ["64", "12", "64"]
    assert server.codes == ["63", "11", "63"]


async def test_where_nothing_listens_the_words_say_so() -> None:
    settings = SipSettings("127.0.0.1", closed_port(), QUIET, tls=False)
    with pytest.raises(NotAsked, match=f"127.0.0.1:{settings.port}: nothing listens there"):
        await Link.open(settings)


async def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotAsked, match="name is not found; look at the name server"):
        await Link.open(SipSettings("sip.example.invalid", 6001, QUIET, tls=False))


async def test_a_name_that_is_none() -> None:
    with pytest.raises(NotAsked, match="name is not found"):
        await Link.open(SipSettings("a" * 64 + ".example", 6001, QUIET, tls=False))


async def test_a_host_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.05)
    with socket.socket() as full:  # a queue of one, and it is taken: the next is not answered
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            before = open_files()
            with pytest.raises(NotAsked, match="no answer; look at host and port"):
                await Link.open(SipSettings("127.0.0.1", port, QUIET, tls=False))
            await asyncio.sleep(0)
            assert open_files() == before


async def test_an_idle_link_is_kept_alive_and_tells_what_it_heard() -> None:
    told: list[Message] = []
    async with SmallServer() as server:
        link = await Link.open(server.settings(BRISK))
        link.on_told = told.append
        await server.until(3)
        await until(lambda: len(told) >= 2)
        assert (await link.ask(PATRON)).code == "64"
        await link.close()
    assert server.codes[:3] == ["99"] * 3
    assert {one.code for one in told} == {"98"}


async def test_who_asks_amid_a_keep_alive_waits_for_the_end_of_it() -> None:
    may_answer = asyncio.Event()

    async def slow_at_first(caller: Caller) -> None:
        if asked := await caller.hear():
            await may_answer.wait()
            await caller.answer(asked)
        await polite(caller)

    async with SmallServer(slow_at_first) as server:
        link = await Link.open(server.settings(BRISK))
        await server.until(1)
        asking = asyncio.create_task(link.ask(CHECKOUT))
        await asyncio.sleep(0.02)
        assert server.codes == ["99"]
        may_answer.set()
        assert (await asking).code == "12"
        await link.close()
    assert server.codes[:2] == ["99", "11"]


async def test_who_waits_for_a_keep_alive_that_fails_was_not_asked() -> None:
    async with SmallServer(silent) as server:
        link = await Link.open(server.settings(BRISK, answer_seconds=0.05, retries=0))
        await server.until(1)
        with pytest.raises(NotAsked):
            await link.ask(CHECKOUT)
        await link.close()
    assert server.codes == ["99"]


async def test_a_status_that_nobody_asked_for_is_told() -> None:
    async def speaks_first(caller: Caller) -> None:
        await caller.raw(encode(STATUS, seq=7, checked=True) + b"\r\n")
        await polite(caller)

    told: list[Message] = []
    async with SmallServer(speaks_first) as server:
        link = await Link.open(server.settings())
        link.on_told = told.append
        await until(lambda: bool(told))
        assert (await link.ask(PATRON)).code == "64"
        await link.close()
    assert [one.first("AO") for one in told] == ["ESI"]


async def test_what_is_odd_about_the_other_side_is_noted_once() -> None:
    async def sums_wrongly(caller: Caller) -> None:
        while asked := await caller.hear():
            await caller.raw(caller.line(asked)[:-5] + b"0000\r")

    noted: list[str] = []
    async with SmallServer(sums_wrongly) as server:
        link = await Link.open(server.settings(replace(QUIET, checksum="warn")))
        link.on_noted = noted.append
        assert [(await link.ask(PATRON)).code for _ in range(3)] == ["64"] * 3
        await link.close()
    assert noted == ["wrong checksum"]


async def test_a_link_that_ended_while_idle_asks_nothing() -> None:
    async with SmallServer(hangs_up) as server:
        link = await Link.open(server.settings())
        await until(lambda: not link.usable)
        with pytest.raises(NotAsked, match="closed the connection"):
            await link.ask(CHECKOUT)
        await link.close()
    assert server.codes == []


async def test_a_request_that_was_heard_and_not_answered_is_no_answer() -> None:
    async with SmallServer(polite_for(0)) as server:
        link = await Link.open(server.settings())
        with pytest.raises(NoAnswer, match="closed the connection before it answered checkout"):
            await link.ask(CHECKOUT)
        assert not link.usable
        await link.close()
    assert server.codes == ["11"]


async def test_silence_ends_by_the_timers_of_the_link() -> None:
    async with SmallServer(silent) as server:
        link = await Link.open(server.settings(answer_seconds=0.05, retries=2))
        with pytest.raises(NoAnswer, match="no answer to patron information after 2 repeats"):
            await link.ask(PATRON)
        await link.close()
    assert [(one.code, one.seq) for one in server.heard] == [("63", 0)] * 3


async def test_a_call_that_is_cancelled_ends_the_link() -> None:
    async with SmallServer(silent, polite) as server:
        link = await Link.open(server.settings())
        asking = asyncio.create_task(link.ask(PATRON))
        await server.until(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: server.live == 0)  # it is told at once, and not by the next request
        with pytest.raises(NotAsked):
            await link.ask(PATRON)
        await link.close()
    assert server.codes == ["63"]


async def test_what_cannot_be_said_is_not_said_and_nowhere_repeated() -> None:
    western = replace(QUIET, charset=Charset("cp850", "cp850"))
    async with SmallServer() as server:
        link = await Link.open(server.settings(western))
        for card in ("A1|AB2", "A\r1", "kortti €", "A" * 300):
            with pytest.raises(NotAsked) as caught:
                await link.ask(message("63", ("AA", card)))
            assert (card in str(caught.value), caught.value.transient) == (False, False)
            assert caught.value.__cause__ is None
        assert (await link.ask(PATRON)).code == "64"
        await link.close()
    assert server.codes == ["63"]


async def test_an_endless_line_ends_the_link() -> None:
    async def endless(caller: Caller) -> None:
        await caller.hear()
        await caller.raw(b"64" + b" " * 100_000)
        await caller.gone()

    async with SmallServer(endless) as server:
        link = await Link.open(server.settings(), lambda way, data: None)
        with pytest.raises(NoAnswer, match="without end"):
            await link.ask(PATRON)
        await link.close()


async def test_a_link_on_which_an_answer_too_many_may_come_is_not_used_again() -> None:
    async def tells_its_status_first(caller: Caller) -> None:
        if asked := await caller.hear():
            await caller.answer(asked, STATUS)
        await polite(caller)

    async with SmallServer(tells_its_status_first) as server:
        link = await Link.open(server.settings(replace(QUIET, error_detection=False)))
        assert (await link.ask(PATRON)).code == "64"
        with pytest.raises(NotAsked):
            await link.ask(PATRON)
        await link.close()
    assert server.codes == ["63", "63"]


async def test_whoever_hears_a_status_may_end_the_link() -> None:
    async with SmallServer() as server:
        link = await Link.open(server.settings(BRISK))
        link.on_told = lambda _: link.drop("enough")
        await until(lambda: not link.usable)
        assert timers_of_links() == []
        await link.close()
    assert server.codes == ["99"]


async def test_an_other_side_that_reads_nothing_does_not_hold_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "_CLOSE_SECONDS", 0.05)
    stay = asyncio.Event()

    async def deaf(caller: Caller) -> None:
        caller.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await stay.wait()

    async with SmallServer(deaf) as server:
        link = await Link.open(server.settings())
        assert link._transport is not None
        await until(lambda: server.live == 1)
        files = open_files()
        link._transport.write(bytes(8_000_000))  # more than the kernel takes
        await link.close()
        assert open_files() == files - 1
        stay.set()


@pytest.mark.parametrize("script", [polite, silent, polite_for(0)])
@pytest.mark.parametrize("dialect", [QUIET, BRISK])
async def test_nothing_is_left_of_a_link(script: object, dialect: object) -> None:
    async with SmallServer(script) as server:  # type: ignore[arg-type]
        tasks, files = asyncio.all_tasks(), open_files()
        link = await Link.open(
            server.settings(dialect, answer_seconds=0.05, retries=0)  # type: ignore[arg-type]
        )
        if script is not polite:
            with pytest.raises((NoAnswer, NotAsked)):
                await link.ask(PATRON)
        await link.close()
        await link.close()
        await until(lambda: open_files() == files and asyncio.all_tasks() == tasks)
        assert timers_of_links() == []


async def test_nothing_is_left_of_a_link_that_is_given_up_while_it_is_made() -> None:
    async with SmallServer() as server:
        tasks, files = asyncio.all_tasks(), open_files()
        for turns in range(6):
            opening = asyncio.create_task(Link.open(server.settings()))
            for _ in range(turns):
                await asyncio.sleep(0)
            opening.cancel()
            links = await asyncio.gather(opening, return_exceptions=True)
            for link in links:
                if isinstance(link, Link):
                    await link.close()
        await until(lambda: open_files() == files and asyncio.all_tasks() == tasks)
