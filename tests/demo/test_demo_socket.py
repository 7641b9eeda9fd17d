"""The demo's socket, as the panel uses it, over a real door, a real daemon and real lines."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kioskd import wire
from kioskd.cli.demo_people import BOOK, CARDS, PEOPLE
from kioskd.cli.demo_server import DemoServer
from kioskd.cli.demo_stage import Stage
from kioskd.client import AskError, Link, open_link
from kioskd.control.verbs import Refusal

PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.01
STANDING = {
    "relay": "secured",
    "lamps": {"red": False, "green": False, "wait": False},
    "devices": dict.fromkeys(
        ("front-scanner", "front-keypad", "front-relay", "front-display", "front-lines"), "plugged"
    ),
    "contact": "closed",
    "offset_seconds": 0,
    "daemon": "runs",
    "line": "",
    "beside": "",
}


class Panel:
    """Somebody who plays, and sees each change of the stage."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._events = link.events()
        self.seen: list[dict[str, Any]] = []

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The last change, or the first from now on, that is so."""
        if self.seen and holds(self.seen[-1]):
            return self.seen[-1]
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for event in self._events:
                self.seen.append(event)
                if holds(event):
                    return event
        raise AssertionError(self.seen)


@asynccontextmanager
async def playing(stage: Stage, path: Path) -> AsyncIterator[Panel]:
    server = DemoServer(path, stage.site.socket, stage.door, stage.daemon, stage.clock)
    serving = asyncio.create_task(server.serve())
    try:
        async with await connected(path) as link:
            assert await link.subscribe(["stage"]) == ["stage"]
            yield Panel(link)
    finally:
        serving.cancel()
        await asyncio.wait([serving])
    assert not await asyncio.to_thread(path.exists)


async def connected(path: Path) -> Link:
    """A link as soon as somebody answers there."""
    for _ in range(int(PATIENCE_SECONDS / _PAUSE_SECONDS)):
        with suppress(AskError):
            return await open_link(path)
        await asyncio.sleep(_PAUSE_SECONDS)
    raise AssertionError(path)


@pytest.fixture
async def panel(stage: Stage, tmp_path: Path) -> AsyncIterator[Panel]:
    async with playing(stage, tmp_path / "demo.sock") as panel:
        yield panel


def shows(text: str) -> Callable[[dict[str, Any]], bool]:
    """Whether the display reads so, in whatever rows."""
    return lambda state: text in " ".join(" ".join(state["display"]).split())


async def test_the_stage_as_it_is_set(panel: Panel) -> None:
    state = await panel.link.ask("state")
    display = state.pop("display")
    assert state == STANDING
    assert [len(row) for row in display] == [20] * 4


async def test_people_have_names_and_pins_and_no_numbers(panel: Panel) -> None:
    told = (await panel.link.ask("people"))["people"]
    assert [person["id"] for person in told] == [person.id for person in PEOPLE]
    assert all(person.keys() == {"id", "title", "pin", "note"} for person in told)
    assert not any(card in str(told) for card in CARDS)
    assert all(person["title"][0].lower() == person["id"][0] for person in told)


async def test_somebody_comes_in_and_every_change_is_told(panel: Panel) -> None:
    ask = panel.link.ask
    assert await ask("scan", id="aino") == {}
    await panel.until(lambda state: bool(state["lamps"]["wait"]))
    await panel.until(shows("Enter your PIN"))
    await ask("press", keys="47")
    await panel.until(shows("Enter your PIN **"))
    await ask("press", keys="11#")
    await panel.until(lambda state: state["relay"] == "released")
    await panel.until(lambda state: bool(state["lamps"]["green"]))
    await ask("open")
    await panel.until(lambda state: state["contact"] == "open")
    await panel.until(lambda state: state["relay"] == "secured")
    await ask("close")
    last = await panel.until(lambda state: state["contact"] == "closed")
    assert last["event"] == "stage"
    assert last.keys() == {"event", "display", *STANDING}
    pairs = zip(panel.seen, panel.seen[1:], strict=False)
    assert all(before != after for before, after in pairs)


async def test_a_book_is_no_card(panel: Panel) -> None:
    await panel.link.ask("book")
    await panel.until(shows("not a library barcode"))
    assert BOOK not in str(panel.seen)


async def test_a_cable_is_pulled_and_put_back(panel: Panel) -> None:
    await panel.link.ask("unplug", device="front-keypad")
    away = await panel.until(lambda state: state["devices"]["front-keypad"] == "unplugged")
    assert set(away["devices"].values()) == {"plugged", "unplugged"}
    with pytest.raises(AskError, match="front-keypad is unplugged; plug it in") as refused:
        await panel.link.ask("press", keys="1")
    assert refused.value.code == wire.FAILED
    await panel.link.ask("plug", device="front-keypad")
    await panel.until(lambda state: state["devices"]["front-keypad"] == "plugged")


async def test_a_display_without_its_cable_is_blank(panel: Panel) -> None:
    await panel.link.ask("unplug", device="front-display")
    away = await panel.until(lambda state: state["devices"]["front-display"] == "unplugged")
    assert away["display"] == [" " * 20] * 4
    await panel.link.ask("plug", device="front-display")
    await panel.until(lambda state: any(row.strip() for row in state["display"]))


async def test_the_exit_button_reaches_the_journal(panel: Panel, stage: Stage) -> None:
    async with await open_link(stage.site.socket) as daemon:
        await daemon.subscribe(["rows"])
        assert await panel.link.ask("rex") == {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for event in daemon.events():
                if event["kind"] == "input.rex":
                    break


async def test_the_staff_button_reaches_the_daemon(panel: Panel, stage: Stage) -> None:
    assert await panel.link.ask("button") == {}
    for _ in range(int(PATIENCE_SECONDS / _PAUSE_SECONDS)):
        if pressed := [e for e in stage.daemon.events if e["event"] == "staff_button"]:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    assert [line["counts"] for line in pressed] == [False]  # the hours are not staffed


async def test_the_clock_moves_by_what_was_asked_in_all(panel: Panel, stage: Stage) -> None:
    async with await open_link(stage.site.socket) as daemon:
        before = datetime.fromisoformat((await daemon.ask("status"))["at"])
        assert await panel.link.ask("shift", seconds=3_600) == {"offset_seconds": 3_600}
        assert await panel.link.ask("shift", seconds=-600.0) == {"offset_seconds": 3_000}
        await panel.until(lambda state: state["offset_seconds"] == 3_000)
        after = datetime.fromisoformat((await daemon.ask("status"))["at"])
        assert after - before >= timedelta(seconds=3_000)
        assert await panel.link.ask("shift", seconds=-3_000) == {"offset_seconds": 0}
        # Whatever was written meanwhile, the others' clock is well again.
        await daemon.ask("clock-accept", reason="test")


async def test_every_rule_is_explained_without_a_number(panel: Panel) -> None:
    told = await panel.link.ask("explain", id="gustav")
    assert (told["door"], told["granted"], told["reason"]) == ("front", False, "USE_BAN")
    assert {rule["rule"]: rule["passed"] for rule in told["rules"]}["USE_BAN"] is False
    assert not any(card in str(told) for card in CARDS)


async def test_a_daemon_that_is_killed_comes_back(panel: Panel) -> None:
    assert await panel.link.ask("kill") == {}
    await panel.until(lambda state: state["daemon"] == "gone")
    await panel.until(lambda state: state["daemon"] == "starting")
    await panel.until(lambda state: state["daemon"] == "runs")


@pytest.mark.parametrize(
    ("verb", "args", "code", "said"),
    [
        ("dance", {}, wire.UNKNOWN_VERB, "is no verb of the demo"),
        ("status", {}, wire.UNKNOWN_VERB, "is no verb of the demo"),
        ("scan", {}, wire.BAD_ARGUMENT, "id: missing"),
        ("scan", {"id": "zorro"}, wire.NOT_FOUND, "nobody of that name"),
        ("scan", {"id": "aino", "card": "1"}, wire.BAD_ARGUMENT, "unknown argument"),
        ("press", {"keys": "12a"}, wire.BAD_ARGUMENT, "a keypad has no others"),
        ("press", {"keys": "1" * 33}, wire.BAD_ARGUMENT, "1 to 32 characters"),
        ("unplug", {"device": "front-door"}, wire.NOT_FOUND, "there are front-scanner"),
        ("plug", {}, wire.BAD_ARGUMENT, "device: missing"),
        ("shift", {"seconds": "1"}, wire.BAD_ARGUMENT, "give a number"),
        ("shift", {"seconds": True}, wire.BAD_ARGUMENT, "give a number"),
        ("shift", {"seconds": 1e300}, wire.BAD_ARGUMENT, "ten years at most"),
        ("open", {"wide": True}, wire.BAD_ARGUMENT, "unknown argument"),
    ],
)
async def test_what_cannot_be_done_is_refused(
    panel: Panel, verb: str, args: dict[str, Any], code: str, said: str
) -> None:
    before = await panel.link.ask("state")
    with pytest.raises(AskError, match=said) as refused:
        await panel.link.ask(verb, **args)
    assert refused.value.code == code
    after = await panel.link.ask("state")
    assert {**after, "display": ""} == {**before, "display": ""}


async def test_another_topic_is_refused(panel: Panel) -> None:
    with pytest.raises(AskError, match="no such topic; there are: "):
        await panel.link.subscribe(["weather"])


async def test_a_daemon_that_does_not_answer_is_told(stage: Stage, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.sock"
    server = DemoServer(tmp_path / "demo.sock", nowhere, stage.door, stage.daemon, stage.clock)
    with pytest.raises(Refusal, match="no daemon runs here"):
        await server.verbs["explain"]({"id": "aino"})
