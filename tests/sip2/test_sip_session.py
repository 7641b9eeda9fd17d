"""How a link to a library system comes about: log-in, status, and what is not tried again."""

import asyncio
import logging
import socket
from dataclasses import replace

import pytest

from sync.sip2.client import SipClient
from sync.sip2.faults import LogInRefused, NotAsked
from sync.sip2.messages import encode
from tests.sip2.small_client import (
    ACCOUNT,
    CLOCK,
    AheadClock,
    answering,
    client_of,
    waits_for,
    within,
)
from tests.sip2.small_server import (
    CHECKOUT,
    PATRON,
    QUIET,
    STATUS,
    Caller,
    Script,
    SmallServer,
    hangs_up,
    message,
    open_files,
    polite,
    polite_for,
    silent,
    until,
)

ASKS_STATUS = replace(QUIET, send_status=True)
OFF_LINE = message("98", ("AO", "ESI"), online_status="N")
REFUSED = message("94", ok="0")


async def test_first_the_log_in_then_the_status_then_the_request() -> None:
    async with SmallServer() as server:
        sip = server.settings(ASKS_STATUS, **ACCOUNT, login_location="desk")
        async with client_of(sip) as client:
            assert client.view().why == "not asked yet"
            await asyncio.sleep(0.01)
            assert server.connections == 0  # nobody asked yet
            assert (await client.ask(PATRON, within())).first("AA") == "A1"
            assert (await client.ask(CHECKOUT, within())).first("AB") == "I1"
            view, status = client.view(), client.status
    assert server.codes == ["93", "99", "63", "11"]
    assert dict(server.heard[0].fields) == {"CN": "kiosk", "CO": ACCOUNT["password"], "CP": "desk"}
    assert server.heard[0].fixed == {"uid_algorithm": "0", "pwd_algorithm": "0"}
    assert (view.up, view.why, view.institution, view.offline_ok) == (True, "", "ESI", False)
    assert (view.supported, status and status.code) == ("YYYYYNYYYYYNNNYY", "98")


async def test_without_a_user_there_is_no_log_in() -> None:
    async with SmallServer() as server, client_of(server.settings()) as client:
        await client.ask(PATRON, within())
        assert client.status is None
    assert server.codes == ["63"]


async def test_a_caller_in_a_hurry_does_not_end_a_log_in_that_others_wait_for() -> None:
    hurried = asyncio.Event()

    async with (
        SmallServer(waits_for(hurried)) as server,
        client_of(server.settings(**ACCOUNT)) as client,
    ):
        patient = asyncio.create_task(client.ask(CHECKOUT, within()))
        with pytest.raises(NotAsked):
            await client.ask(PATRON, within(0.05))
        hurried.set()
        assert (await patient).code == "12"
    assert (server.codes, server.connections) == (["93", "11"], 1)


async def test_after_a_failed_connection_the_same_is_said_for_a_second() -> None:
    clock = AheadClock()
    server = SmallServer()
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        server.port = reserved.getsockname()[1]
    async with client_of(server.settings(), clock) as client:
        with pytest.raises(NotAsked, match="nothing listens there") as first:
            await client.ask(PATRON, within(5, clock))
        async with server:
            with pytest.raises(NotAsked) as second:
                await client.ask(PATRON, within(5, clock))
            assert (str(second.value), server.connections) == (str(first.value), 0)
            clock.ahead += 1.0
            assert (await client.ask(PATRON, within(5, clock))).code == "64"


async def test_the_first_failure_is_told_and_the_recovery(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = AheadClock()
    server = SmallServer()
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        server.port = reserved.getsockname()[1]
    caplog.set_level(logging.DEBUG, "sync.sip2")
    async with client_of(server.settings(**ACCOUNT), clock) as client:
        for _ in range(3):
            with pytest.raises(NotAsked):
                await client.ask(PATRON, within(5, clock))
            clock.ahead += 1.0
        assert "nothing listens" in client.view().why
        async with server:
            for _ in range(3):
                await client.ask(PATRON, within(5, clock))
    told = [(one.levelname, one.message) for one in caplog.records if one.name == "sync.sip2"]
    assert told == [
        ("WARNING", "sip2.down"),
        ("DEBUG", "sip2.down"),
        ("DEBUG", "sip2.down"),
        ("INFO", "sip2.up"),
    ]
    assert ACCOUNT["password"] not in "".join(str(one.__dict__) for one in caplog.records)


async def test_garbage_before_the_answer_to_the_log_in() -> None:
    async def talks_rubbish(caller: Caller) -> None:
        await caller.raw(b"<html>\r\nwelcome \xff\xfe\r\n\x00\x00\r")
        await polite(caller)

    async with (
        SmallServer(talks_rubbish) as server,
        client_of(server.settings(**ACCOUNT)) as client,
    ):
        assert (await client.ask(PATRON, within())).code == "64"
    assert server.codes[-1] == "63"


async def test_a_log_in_that_is_not_answered_asks_for_nobody() -> None:
    async with (
        SmallServer(polite_for(0)) as server,
        client_of(server.settings(**ACCOUNT)) as client,
    ):
        with pytest.raises(NotAsked, match="before it answered login"):
            await client.ask(CHECKOUT, within())
        with pytest.raises(NotAsked, match="before it answered login"):
            await client.ask(PATRON, within())
    assert (server.codes, server.connections) == (["93"], 1)


async def test_a_refused_log_in_is_not_tried_again_for_a_minute() -> None:
    clock = AheadClock()
    async with (
        SmallServer(answering(_94=REFUSED), polite) as server,
        client_of(server.settings(**ACCOUNT), clock) as client,
    ):
        for ahead in (0, 30, 29.5):
            clock.ahead += ahead
            with pytest.raises(LogInRefused, match="look at user and secret") as caught:
                await client.ask(PATRON, within(5, clock))
            assert ACCOUNT["password"] not in str(caught.value)
        assert server.codes == ["93"]
        assert [name for name, _ in server.heard[0].fields] == ["CN", "CO"]
        await until(lambda: server.live == 0)
        clock.ahead += 1
        assert (await client.ask(PATRON, within(5, clock))).code == "64"


async def test_a_log_in_that_is_refused_in_mid_day_makes_no_storm() -> None:
    async with (
        SmallServer(polite_for(2), answering(_94=REFUSED)) as server,
        client_of(server.settings(**ACCOUNT)) as client,
    ):
        await client.ask(PATRON, within())
        for _ in range(20):
            with pytest.raises(LogInRefused):
                await client.ask(PATRON, within())
        assert not client.view().up
    assert server.codes == ["93", "63", "63", "93"]


async def test_a_system_that_is_off_line_from_the_start_is_not_asked() -> None:
    async with (
        SmallServer(answering(_98=OFF_LINE)) as server,
        client_of(server.settings(ASKS_STATUS)) as client,
    ):
        with pytest.raises(NotAsked, match="says that it is off-line"):
            await client.ask(CHECKOUT, within())
        assert client.status is not None
        assert "off-line" in client.view().why
    assert server.codes == ["99"]


async def test_a_system_that_went_off_line_while_idle_is_looked_at_before_it_is_asked() -> None:
    async def goes_off_line(caller: Caller) -> None:
        for _ in range(2):
            if asked := await caller.hear():
                await caller.answer(asked)
        await caller.raw(encode(OFF_LINE) + b"\r")
        await polite(caller)

    async with (
        SmallServer(goes_off_line, answering(_98=OFF_LINE)) as server,
        client_of(server.settings(ASKS_STATUS)) as client,
    ):
        await client.ask(PATRON, within())
        await until(lambda: client.status is not None and client.status.fixed != STATUS.fixed)
        with pytest.raises(NotAsked, match="says that it is off-line"):
            await client.ask(CHECKOUT, within())
    assert server.codes == ["99", "63", "99"]


@pytest.mark.parametrize("script", [silent, hangs_up])
async def test_a_client_that_is_ended_while_it_logs_in_leaves_nothing(script: Script) -> None:
    async with SmallServer(script) as server:
        tasks, files = asyncio.all_tasks(), open_files()
        client = SipClient(server.settings(**ACCOUNT), clock=CLOCK)
        running = asyncio.create_task(client.run())
        await asyncio.sleep(0)
        asking = asyncio.create_task(client.ask(CHECKOUT, within()))
        await until(lambda: server.connections > 0)
        running.cancel()
        with pytest.raises(NotAsked):
            await asking
        await asyncio.wait([running])
        await until(lambda: asyncio.all_tasks() == tasks and open_files() == files)


async def test_where_no_status_is_asked_for_an_off_line_system_is_asked_on_a_new_link() -> None:
    async def goes_off_line(caller: Caller) -> None:
        if asked := await caller.hear():
            await caller.answer(asked)
        await caller.raw(encode(OFF_LINE) + b"\r")
        await polite(caller)

    async with (
        SmallServer(goes_off_line, polite) as server,
        client_of(server.settings()) as client,
    ):
        await client.ask(PATRON, within())
        await until(lambda: client.status is not None)
        for _ in range(2):
            assert (await client.ask(CHECKOUT, within())).code == "12"
    assert (server.codes, server.connections) == (["63", "11", "11"], 2)
