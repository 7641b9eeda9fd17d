"""Callers who go, and times that are over, in the very turn in which an outcome comes."""

import asyncio

import pytest

from sync.sip2.faults import NoAnswer
from sync.sip2.messages import Message
from sync.sip2.transport import Link
from sync.sip2.waiting import Asked
from tests.sip2.small_client import client_of, within
from tests.sip2.small_server import CHECKOUT, PATRON, SmallServer


async def test_a_caller_who_goes_as_the_answer_comes_leaves_the_link_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hasty(Asked):
        def give(self, message: Message) -> None:
            super().give(message)
            first.cancel()

    async with SmallServer() as server, client_of(server.settings()) as client:
        monkeypatch.setattr("sync.sip2.client.Asked", Hasty)
        first = asyncio.create_task(client.ask(PATRON, within()))
        await asyncio.sleep(0)
        monkeypatch.undo()
        second = asyncio.create_task(client.ask(CHECKOUT, within()))
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await second).code == "12"
    assert (server.codes, server.connections) == (["63", "11"], 1)


@pytest.mark.parametrize("fails", [True, False])
async def test_a_time_that_is_over_as_the_outcome_comes_leaves_the_link_to_the_next(
    fails: bool,
) -> None:
    async with SmallServer() as server:
        link = await Link.open(server.settings())
        asked = Asked(PATRON, "here")
        asked.link = link
        outcome = asyncio.create_task(asked.answer(0))  # due in the next turn of the loop
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(end))  # which comes before what is due then

        def end() -> None:
            asked.fail(NoAnswer("elsewhere")) if fails else asked.give(PATRON)

        (told,) = await asyncio.gather(outcome, return_exceptions=True)
        assert (isinstance(told, NoAnswer), asked.late, link.usable) == (fails, False, True)
        assert (await link.ask(PATRON)).code == "64"
        await link.close()


@pytest.mark.parametrize("fails", [True, False])
async def test_once_the_outcome_has_come_the_link_is_nothing_to_who_goes(fails: bool) -> None:
    async with SmallServer() as server:
        link = await Link.open(server.settings())
        asked = Asked(PATRON, "here")
        asked.link = link
        outcome = asyncio.create_task(asked.answer(5))
        await asyncio.sleep(0)
        asked.fail(NoAnswer("elsewhere")) if fails else asked.give(PATRON)
        outcome.cancel()
        await asyncio.wait([outcome])
        assert (outcome.cancelled(), link.usable) == (True, True)
        await link.close()


async def test_a_caller_who_goes_before_the_answer_comes_ends_the_link() -> None:
    async with SmallServer() as server:
        link = await Link.open(server.settings())
        asked = Asked(PATRON, "here")
        asked.link = link
        outcome = asyncio.create_task(asked.answer(5))
        await asyncio.sleep(0)
        outcome.cancel()
        await asyncio.wait([outcome])
        assert not link.usable
        await link.close()
