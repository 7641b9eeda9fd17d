"""The client of a library system: deadlines, one request at a time, and nothing done twice."""

import asyncio
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.sip2.client import SipClient
from sync.sip2.faults import NoAnswer, NotAsked
from sync.sip2.messages import Message
from sync.sip2.waiting import MOST_WAITING
from tests.sip2.small_client import (
    ACCOUNT,
    CLOCK,
    answers_one,
    client_of,
    patron,
    waits_for,
    within,
)
from tests.sip2.small_server import (
    BRISK,
    CHECKOUT,
    PATRON,
    QUIET,
    Caller,
    SmallServer,
    message,
    open_files,
    polite,
    polite_for,
    silent,
    until,
)


async def test_nobody_is_asked_while_the_client_does_not_run() -> None:
    async with SmallServer() as server:
        client = SipClient(server.settings(), clock=CLOCK)
        with pytest.raises(NotAsked, match="not in use"):
            await client.ask(PATRON, within())
        async with client_of(server.settings()) as running:
            await running.ask(PATRON, within())
        with pytest.raises(NotAsked, match="not in use"):
            await running.ask(PATRON, within())
    assert server.connections == 1


async def test_nobody_is_asked_when_the_time_is_over_already() -> None:
    async with SmallServer() as server, client_of(server.settings()) as client:
        with pytest.raises(NotAsked, match="no time was left"):
            await client.ask(PATRON, within(0))
    assert server.connections == 0


async def test_a_read_whose_link_fails_goes_out_once_more_on_another() -> None:
    async with (
        SmallServer(polite_for(1), polite) as server,
        client_of(server.settings(**ACCOUNT)) as client,
    ):
        assert (await client.ask(PATRON, within())).code == "64"
    assert server.codes == ["93", "63", "93", "63"]


async def test_a_read_goes_out_twice_and_not_three_times() -> None:
    async with SmallServer(polite_for(0)) as server, client_of(server.settings()) as client:
        with pytest.raises(NoAnswer):
            await client.ask(PATRON, within())
    assert server.codes == ["63", "63"]


@pytest.mark.parametrize("code", ["01", "09", "11", "15", "25", "29", "37", "65"])
async def test_what_changes_something_goes_out_once(code: str) -> None:
    async with (
        SmallServer(polite_for(0), polite) as server,
        client_of(server.settings()) as client,
    ):
        with pytest.raises(NoAnswer, match="closed the connection"):
            await client.ask(message(code, ("AA", "A1"), ("AB", "I1")), within())
        assert (await client.ask(PATRON, within())).code == "64"
    assert server.codes == [code, "63"]


@pytest.mark.parametrize("asked", [PATRON, CHECKOUT])
async def test_a_link_that_was_closed_while_idle_costs_nothing_but_another(asked: Message) -> None:
    closed = asyncio.Event()

    async def one_only(caller: Caller) -> None:
        if first := await caller.hear():
            await caller.answer(first)
        caller.writer.close()
        await caller.writer.wait_closed()
        closed.set()

    async with SmallServer(one_only, polite) as server, client_of(server.settings()) as client:
        await client.ask(PATRON, within())
        await closed.wait()
        link = client._session._link
        assert link is not None
        await until(lambda: not link.usable)
        assert client.view().up  # an idle end is no fault
        assert (await client.ask(asked, within())).first("AA") == "A1"
    assert server.codes == ["63", asked.code]


async def test_a_link_that_ends_amid_a_keep_alive_costs_nothing_but_another() -> None:
    go = asyncio.Event()

    async def ends_amid_a_keep_alive(caller: Caller) -> None:
        if asked := await caller.hear():
            await caller.answer(asked)
        await caller.hear()
        await go.wait()

    async with (
        SmallServer(ends_amid_a_keep_alive, polite) as server,
        client_of(server.settings(BRISK)) as client,
    ):
        await client.ask(PATRON, within())
        await server.until(2)
        asking = asyncio.create_task(client.ask(CHECKOUT, within()))
        await asyncio.sleep(0.01)
        go.set()
        assert (await asking).code == "12"
    assert server.codes[:3] == ["63", "99", "11"]


async def test_a_deadline_counts_while_a_read_waits_for_its_second_link() -> None:
    async with (
        SmallServer(polite_for(1), silent) as server,
        client_of(server.settings(**ACCOUNT)) as client,
    ):
        with pytest.raises(NoAnswer, match="no answer within its time"):
            await client.ask(PATRON, within(0.2))
    assert server.codes == ["93", "63", "93"]


async def test_a_drip_ends_at_the_deadline() -> None:
    async def drips(caller: Caller) -> None:
        if asked := await caller.hear():
            for byte in caller.line(asked):
                await caller.raw(bytes([byte]))
                await asyncio.sleep(0.02)
        await caller.gone()

    async with SmallServer(drips, polite) as server, client_of(server.settings()) as client:
        with pytest.raises(NoAnswer, match="no answer within its time"):
            await client.ask(CHECKOUT, within(0.2))
        assert (await client.ask(patron("A2"), within())).first("AA") == "A2"
    assert server.codes == ["11", "63"]


async def test_an_answer_that_comes_too_late_is_nobody_elses() -> None:
    late = asyncio.Event()

    async with (
        SmallServer(waits_for(late), polite) as server,
        client_of(server.settings(replace(QUIET, error_detection=False))) as client,
    ):
        with pytest.raises(NoAnswer):
            await client.ask(patron("A1"), within(0.1))
        late.set()
        assert (await client.ask(patron("A2"), within())).first("AA") == "A2"
    assert server.connections == 2


async def test_a_deadline_counts_over_log_in_and_queue() -> None:
    async with SmallServer(silent) as server, client_of(server.settings(**ACCOUNT)) as client:
        asking = [asyncio.create_task(client.ask(CHECKOUT, within(0.1))) for _ in range(3)]
        for one in asking:
            with pytest.raises(NotAsked, match="no answer within its time"):
                await one
    assert "11" not in server.codes


async def test_requests_at_the_same_time_are_answered_in_their_order() -> None:
    cards = [f"A{number}" for number in range(MOST_WAITING)]
    async with SmallServer() as server, client_of(server.settings()) as client:
        asking = [asyncio.create_task(client.ask(patron(card), within())) for card in cards]
        answers = await asyncio.gather(*asking)
    assert [answer.first("AA") for answer in answers] == cards
    assert [heard.first("AA") for heard in server.heard] == cards
    assert server.connections == 1


async def test_a_full_queue_turns_away_at_once_and_empties() -> None:
    go_on = asyncio.Event()

    async with SmallServer(waits_for(go_on)) as server, client_of(server.settings()) as client:
        first = asyncio.create_task(client.ask(PATRON, within()))
        await server.until(1)
        waiting = [asyncio.create_task(client.ask(PATRON, within())) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(NotAsked, match="too many requests wait"):
            await client.ask(CHECKOUT, within())
        waiting.pop().cancel()  # who goes leaves a place
        await asyncio.sleep(0)
        another = asyncio.create_task(client.ask(PATRON, within()))
        await asyncio.sleep(0)
        go_on.set()
        answers = await asyncio.gather(first, another, *waiting)
    assert [answer.code for answer in answers] == ["64"] * (MOST_WAITING + 1)
    assert len(server.heard) == MOST_WAITING + 1


async def test_who_waits_too_long_is_never_asked_for() -> None:
    go_on = asyncio.Event()

    async with SmallServer(waits_for(go_on)) as server, client_of(server.settings()) as client:
        first = asyncio.create_task(client.ask(PATRON, within()))
        await server.until(1)
        with pytest.raises(NotAsked, match="checkout: no answer within its time"):
            await client.ask(CHECKOUT, within(0.05))
        go_on.set()
        assert (await first).code == "64"
        await client.ask(patron("A2"), within())
    assert server.codes == ["63", "63"]
    assert server.connections == 1


async def test_a_caller_who_goes_ends_the_link_and_is_nobodys_fault() -> None:
    async with (
        SmallServer(answers_one, polite) as server,
        client_of(server.settings()) as client,
    ):
        await client.ask(PATRON, within())
        asking = asyncio.create_task(client.ask(CHECKOUT, within()))
        await server.until(2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: server.live == 0)
        assert client.view().up
        assert (await client.ask(patron("A2"), within())).first("AA") == "A2"
    assert (server.codes, server.connections) == (["63", "11", "63"], 2)


async def test_a_caller_who_goes_while_waiting_is_not_asked_for() -> None:
    async with SmallServer() as server, client_of(server.settings()) as client:
        first = asyncio.create_task(client.ask(PATRON, within()))
        second = asyncio.create_task(client.ask(CHECKOUT, within()))
        await asyncio.sleep(0)
        second.cancel()
        assert (await first).code == "64"
        await client.ask(PATRON, within())
    assert server.codes == ["63", "63"]


async def test_what_cannot_be_said_fails_alone() -> None:
    async with SmallServer() as server, client_of(server.settings()) as client:
        await client.ask(PATRON, within())
        with pytest.raises(NotAsked, match="cannot be told"):
            await client.ask(patron("A|1"), within())
        await client.ask(PATRON, within())
    assert (server.codes, server.connections) == (["63", "63"], 1)


async def test_whoever_ends_the_client_leaves_nobody_waiting_and_nothing_behind() -> None:
    async with SmallServer(silent) as server:
        tasks, files = asyncio.all_tasks(), open_files()
        client = SipClient(server.settings(BRISK), clock=CLOCK)
        running = asyncio.create_task(client.run())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await client.run()
        on_its_way = asyncio.create_task(client.ask(CHECKOUT, within(600)))
        await server.until(1)
        waiting = asyncio.create_task(client.ask(CHECKOUT, within(600)))
        await asyncio.sleep(0)
        running.cancel()
        ended = await asyncio.gather(running, on_its_way, waiting, return_exceptions=True)
        assert [type(one) for one in ended] == [asyncio.CancelledError, NoAnswer, NotAsked]
        await until(lambda: asyncio.all_tasks() == tasks and open_files() == files)


async def test_a_client_that_is_ended_while_idle_leaves_nothing() -> None:
    async with SmallServer() as server:
        async with client_of(server.settings(BRISK)) as client:
            await client.ask(PATRON, within())
        await until(lambda: server.live == 0)


async def test_a_thousand_requests_need_no_thread() -> None:
    async with SmallServer() as server, client_of(server.settings()) as client:
        await client.ask(PATRON, within())
        before = threading.active_count()
        for _ in range(1000):
            await client.ask(PATRON, within())
        assert threading.active_count() == before
    assert server.connections == 1


# What the other side does to one request, and which requests are made: whatever comes, nothing is
# done twice, nothing that was said not to be asked was heard, and no answer is another's.

ACTS = ("answer", "answer", "hang up", "cut", "twice", "rubbish", "last")


async def _act(what: str, caller: Caller, line: bytes) -> bool:
    said = {
        "answer": line,
        "last": line,
        "cut": line[: len(line) // 2],
        "twice": line + line,
        "rubbish": b"\x00HTML\r\n\xff\r" + line,
    }
    await caller.raw(said.get(what, b""))
    return what not in ("hang up", "cut", "last")


async def _day(plan: list[str], codes: list[str]) -> None:
    acts = iter(plan)

    async def talk(caller: Caller) -> None:
        line, goes_on = b"", True
        while goes_on and (asked := await caller.hear()):
            if asked.code == "97":
                await caller.raw(line)
                continue
            line = caller.line(asked)
            goes_on = await _act(next(acts, "answer"), caller, line)

    async with SmallServer(talk) as server, client_of(server.settings()) as client:
        for number, code in enumerate(codes):
            card = f"A{number}"
            outcome = await _outcome(client, message(code, ("AA", card), ("AB", "I1")))
            heard = sum(one.first("AA") == card for one in server.heard)
            assert outcome in (card, "no answer", "not asked")
            assert heard <= (1 if code == "11" else 2)
            assert (outcome == "not asked") == (heard == 0)


async def _outcome(client: SipClient, asked: Message) -> str | None:
    try:
        return (await client.ask(asked, within())).first("AA")
    except NotAsked:
        return "not asked"
    except NoAnswer:
        return "no answer"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(ACTS), max_size=8),
    st.lists(st.sampled_from(["63", "11", "17"]), min_size=1, max_size=6),
)
def test_whatever_happens_nothing_is_done_twice(plan: list[str], codes: list[str]) -> None:
    asyncio.run(_day(plan, codes))
