"""What screens hear: topics, the newest notice first, and answers in between."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kioskd.control.broadcast import WAITING, Broadcaster
from kioskd.control.people import Role
from tests.control.wired import Caller, Wired

IDLE = {"notice": "idle"}


async def heard(caller: Caller, number: int) -> list[dict[str, Any]]:
    return [await caller.line() for _ in range(number)]


async def test_events_come_between_answers(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.SCREEN)
        answer = await caller.ask("subscribe", topics=["panel:front"])
        assert answer["ok"] == {"topics": ["panel:front"]}
        wired.broadcast.publish("panel:front", IDLE)
        wired.broadcast.publish("panel:back", IDLE)
        assert await caller.line() == {"event": "panel:front", "notice": "idle"}
        assert "ok" in await caller.ask("site")


async def test_who_comes_later_hears_what_the_door_shows_now(place: Path) -> None:
    async with Wired(place) as wired:
        for notice in ("idle", "enter-pin"):
            wired.broadcast.publish("panel:front", {"notice": notice})
        wired.broadcast.publish("events", {"kind": "door.opened"})
        caller = await wired.call(Role.OPERATOR)
        answer = await caller.ask("subscribe", topics=["events", "panel:front"])
        assert "ok" in answer, "the answer comes before the first event"
        assert await caller.line() == {"event": "panel:front", "notice": "enter-pin"}
        wired.broadcast.publish("events", {"kind": "door.closed"})
        assert await caller.line() == {"event": "events", "kind": "door.closed"}


async def test_a_new_subscription_replaces_the_old(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.OPERATOR)
        await caller.ask("subscribe", topics=["panel:front"])
        await caller.ask("subscribe", topics=["panel:back"])
        assert wired.broadcast.listeners("panel:front") == 0
        wired.broadcast.publish("panel:front", IDLE)
        wired.broadcast.publish("panel:back", IDLE)
        assert (await caller.line())["event"] == "panel:back"
        assert (await caller.ask("subscribe", topics=[]))["ok"] == {"topics": []}
        wired.broadcast.publish("panel:back", IDLE)
        assert "ok" in await caller.ask("site")


async def test_a_refused_subscription_leaves_the_old(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.SCREEN)
        await caller.ask("subscribe", topics=["panel:front"])
        assert "error" in await caller.ask("subscribe", topics=["panel:front", "events"])
        assert wired.broadcast.listeners("panel:front") == 1
        assert wired.broadcast.listeners("events") == 0


@pytest.mark.parametrize("topic", ["panel:side", "panel", "news", "", "panel:front "])
async def test_a_topic_that_is_not_there_is_not_found(place: Path, topic: str) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.SCREEN)
        error = (await caller.ask("subscribe", topics=[topic]))["error"]
        assert error["code"] == "not-found"
        assert error["message"].endswith("there are: panel:back, panel:front"), "no others' topics"


@pytest.mark.parametrize(
    "args",
    [{}, {"topics": "panel:front"}, {"topics": [1]}, {"topics": ["events"] * 65}, {"topic": []}],
)
async def test_topics_are_a_list_of_texts(place: Path, args: dict[str, Any]) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.ADMINISTRATOR)
        assert (await caller.ask("subscribe", **args))["error"]["code"] == "bad-argument"


async def test_who_hangs_up_listens_no_more(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.OPERATOR)
        await caller.ask("subscribe", topics=["events"])
        await caller.close()
        other = await wired.call(Role.OPERATOR)
        while wired.broadcast.listeners("events"):
            await other.ask("status")


async def test_an_event_that_fits_no_line_is_left_out(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.OPERATOR)
        await caller.ask("subscribe", topics=["events"])
        wired.broadcast.publish("events", {"x": "a" * 70_000})
        wired.broadcast.publish("events", {"x": 1})
        assert await caller.line() == {"event": "events", "x": 1}
    assert [record.message for record in caplog.records] == ["control.event_unsent"]


async def test_lines_stay_whole_while_subscriptions_change(place: Path) -> None:
    """Long events, long answers and changes of mind at once: every line is still a message."""
    async with Wired(place) as wired:
        caller = await wired.call(Role.OPERATOR)
        subscribe = {"id": 1, "verb": "subscribe", "args": {"topics": ["events"]}}
        line = json.dumps(subscribe).encode() + b"\n"

        async def publish() -> None:
            for _ in range(300):
                wired.broadcast.publish("events", {"x": "a" * 50_000})
                await asyncio.sleep(0)

        publishing = asyncio.create_task(publish())
        asking = asyncio.create_task(caller.send(line * 50))
        answers = 0
        while answers < 50:
            answers += "ok" in await caller.line()
        await asyncio.gather(publishing, asking)


async def test_a_listener_that_is_late_hears_how_much_it_lost() -> None:
    broadcast = Broadcaster()
    listener = broadcast.listen(["events"])
    for number in range(WAITING + 3):
        broadcast.publish("events", {"n": number})
    assert await listener.next() == {"event": "events", "n": 3, "lost": 3}
    assert await listener.next() == {"event": "events", "n": 4}
    broadcast.leave(listener)
    broadcast.publish("events", {"n": -1})
    assert broadcast.listeners("events") == 0


async def test_what_is_published_cannot_call_itself_something_else() -> None:
    broadcast = Broadcaster()
    listener = broadcast.listen(["events"])
    broadcast.publish("events", {"event": "panel:front"})
    assert (await listener.next())["event"] == "events"
