"""A screen follows its door: from one daemon to the next, through silence and junk."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from kioskd.client import OTHER_VERSION, AskError
from kioskd.domain.notice import Notice, Shown
from tests.screens.doorkeeper import Doorkeeper
from ui.panel.following import LOOK_EVERY, Following, NoSuchDoorError, Scene

PATIENCE_SECONDS = 20.0  # only ever spent by a test that fails
GRANTED = Shown(Notice.GRANTED)


class Pauses:
    """A sleep that ends when the test says so."""

    def __init__(self) -> None:
        self.short: asyncio.Queue[tuple[float, asyncio.Event]] = asyncio.Queue()
        self.long: asyncio.Queue[tuple[float, asyncio.Event]] = asyncio.Queue()

    async def __call__(self, seconds: float) -> None:
        over = asyncio.Event()
        (self.long if seconds == LOOK_EVERY else self.short).put_nowait((seconds, over))
        await over.wait()

    async def over(self) -> float:
        """End the next pause between two attempts; its seconds."""
        seconds, event = await asyncio.wait_for(self.short.get(), PATIENCE_SECONDS)
        event.set()
        return seconds

    async def look(self) -> None:
        """Let the screen ask for its site again."""
        _, event = await asyncio.wait_for(self.long.get(), PATIENCE_SECONDS)
        event.set()


class Seen:
    """What a screen was told."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self._more = asyncio.Event()

    def __call__(self, scene: Scene) -> None:
        self.scenes.append(scene)
        self._more.set()

    async def until(self, holds: Callable[[Scene], bool]) -> Scene:
        """The first scene from now on of which something holds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for number, scene in enumerate(self.scenes):
                    if holds(scene):
                        del self.scenes[: number + 1]
                        return scene
                self._more.clear()
                await self._more.wait()

    async def notice(self, notice: Notice) -> Scene:
        return await self.until(lambda scene: scene.shown.notice is notice)


@asynccontextmanager
async def following(
    *sockets: Path, door: str | None = "front"
) -> AsyncIterator[tuple[Seen, Pauses, "asyncio.Task[None]"]]:
    pauses, seen = Pauses(), Seen()
    follows = Following(door, sockets, pauses)
    await follows.begin()
    task = asyncio.create_task(follows.run(seen))
    try:
        yield seen, pauses, task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, AskError, NoSuchDoorError):
            await task


async def test_a_screen_shows_at_once_what_the_door_shows_now(keeper: Doorkeeper) -> None:
    async with keeper.serving():
        keeper.show(Shown(Notice.CLOSED))
        async with following(keeper.path) as (seen, _, _):
            scene = await seen.until(lambda scene: scene.connected)
            assert scene.shown == Shown(Notice.CLOSED)
            assert scene.site.phone == "+358 44 123 4567"
            keeper.show(Shown(Notice.ENTER_PIN, digits=4))
            assert (await seen.notice(Notice.ENTER_PIN)).shown.digits == 4
            keeper.show(GRANTED)
            assert (await seen.notice(Notice.GRANTED)).connected


async def test_a_door_that_has_shown_nothing_yet_is_idle(keeper: Doorkeeper) -> None:
    async with keeper.serving(), following(keeper.path) as (seen, _, _):
        assert (await seen.until(lambda scene: scene.connected)).shown == Shown(Notice.IDLE)


async def test_another_doors_notices_are_not_shown(keeper: Doorkeeper) -> None:
    async with keeper.serving(), following(keeper.path) as (seen, _, _):
        keeper.show(GRANTED, door="yard")
        keeper.show(Shown(Notice.FULL))
        assert (await seen.until(lambda s: s.shown.notice is not Notice.IDLE)).shown.notice is (
            Notice.FULL
        )


async def test_a_daemon_that_goes_is_waited_for_then_the_fault_is_told_and_it_comes_back(
    keeper: Doorkeeper,
) -> None:
    daemon = AsyncExitStack()
    await daemon.enter_async_context(keeper.serving())
    keeper.show(GRANTED)
    async with following(keeper.path) as (seen, pauses, _):
        await seen.notice(Notice.GRANTED)
        await daemon.aclose()
        scene = await seen.until(lambda scene: not scene.connected)
        assert scene.shown == Shown(Notice.WAIT)
        waited = [await pauses.over() for _ in range(8)]
        assert waited == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
        scene = await seen.notice(Notice.FAULT)
        assert (scene.shown.code, scene.site.phone) == ("61", "+358 44 123 4567")
        keeper.broadcast = type(keeper.broadcast)()
        async with keeper.serving():
            keeper.show(Shown(Notice.LOCKDOWN))
            await pauses.over()
            assert (await seen.until(lambda s: s.connected)).shown == Shown(Notice.LOCKDOWN)


async def test_no_daemon_from_the_start_is_told_without_a_phone_that_nobody_knows(
    nowhere: Path,
) -> None:
    async with following(nowhere) as (seen, pauses, _):
        assert (await seen.notice(Notice.WAIT)).site.phone == ""
        for _ in range(3):
            await pauses.over()
        assert (await seen.notice(Notice.FAULT)).shown.code == "61"


async def test_the_second_place_is_tried_when_nobody_is_at_the_first(
    keeper: Doorkeeper, nowhere: Path
) -> None:
    async with keeper.serving(), following(nowhere, keeper.path) as (seen, _, _):
        assert (await seen.notice(Notice.IDLE)).connected


JUNK: list[dict[str, Any]] = [
    {},
    {"notice": None},
    {"notice": "no-such-notice"},
    {"notice": "granted", "digits": "many"},
    {"notice": "granted", "until": "\x1b[2J"},
    {"notice": "granted", "opens": "2026-11-23T07:00:00"},
    {"notice": ["granted"]},
    {"notice": "closed", "opens": 7},
]


async def test_events_that_are_junk_are_passed_over_without_a_word(
    keeper: Doorkeeper, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with keeper.serving():
        async with following(keeper.path) as (seen, _, _):
            await seen.notice(Notice.IDLE)
            caplog.clear()
            for junk in JUNK:
                keeper.publish(junk)
            keeper.show(Shown(Notice.FULL))
            await seen.until(lambda scene: scene.shown == Shown(Notice.FULL))
            assert seen.scenes == []
        assert [r for r in caplog.records if not r.name.startswith("asyncio")] == []
    assert capfd.readouterr() == ("", "")


async def test_a_site_that_changes_is_learned(keeper: Doorkeeper) -> None:
    async with keeper.serving(), following(keeper.path) as (seen, pauses, _):
        await seen.notice(Notice.IDLE)
        keeper.site["help_phone"] = "09 310"
        await pauses.look()
        assert (await seen.until(lambda s: s.site.phone == "09 310")).connected


async def test_a_daemon_that_answers_no_more_is_taken_for_gone(
    keeper: Doorkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.panel.following.TIMEOUT", 0.05)
    async with keeper.serving(), following(keeper.path) as (seen, pauses, _):
        await seen.notice(Notice.IDLE)
        keeper.answers.clear()
        await pauses.look()
        assert not (await seen.until(lambda s: not s.connected)).connected
        await pauses.over()
        assert (await seen.notice(Notice.FAULT)).shown.code == "61"
        keeper.answers.set()
        await pauses.over()
        assert (await seen.until(lambda s: s.connected)).shown == Shown(Notice.IDLE)


@pytest.mark.parametrize(
    ("door", "message"),
    [
        ("back", "no door 'back' at this site; it has: front, yard"),
        (None, "say --door NAME; this site has: front, yard"),
        ("\x1b[2Jx", "no door '[2Jx' at this site; it has: front, yard"),
    ],
)
async def test_a_door_that_is_not_there_is_refused_with_those_that_are(
    keeper: Doorkeeper, door: str | None, message: str
) -> None:
    async with keeper.serving():
        with pytest.raises(NoSuchDoorError) as refused:
            await Following(door, [keeper.path]).begin()
    assert str(refused.value) == message


async def test_the_only_door_needs_no_name(keeper: Doorkeeper) -> None:
    keeper.site["doors"] = {"side": {"minimum_age": 18}}
    async with keeper.serving(), following(keeper.path, door=None) as (seen, _, _):
        assert (await seen.notice(Notice.IDLE)).door == "side"


async def test_without_a_name_the_daemon_is_waited_for_and_its_only_door_taken(
    keeper: Doorkeeper,
) -> None:
    keeper.site["doors"] = {"side": {"minimum_age": 18}}
    async with following(keeper.path, door=None) as (seen, pauses, _):
        assert (await seen.notice(Notice.WAIT)).door == ""
        async with keeper.serving():
            await pauses.over()
            assert (await seen.notice(Notice.IDLE)).door == "side"


async def test_without_a_name_a_daemon_of_two_doors_ends_the_screen(keeper: Doorkeeper) -> None:
    async with following(keeper.path, door=None) as (seen, pauses, task):
        await seen.notice(Notice.WAIT)
        async with keeper.serving():
            await pauses.over()
            with pytest.raises(NoSuchDoorError, match=r"say --door NAME; .* front, yard"):
                await asyncio.wait_for(task, PATIENCE_SECONDS)


async def test_the_only_door_is_kept_when_there_comes_a_second(keeper: Doorkeeper) -> None:
    keeper.site["doors"] = {"side": {"minimum_age": 18}}
    async with keeper.serving(), following(keeper.path, door=None) as (seen, pauses, _):
        await seen.notice(Notice.IDLE)
        keeper.site["doors"] = {"main": {"minimum_age": 15}, "side": {"minimum_age": 17}}
        await pauses.look()
        scene = await seen.until(lambda scene: scene.site.doors.get("side") == 17)
        assert (scene.door, scene.connected) == ("side", True)


async def test_the_only_door_is_followed_to_its_new_name(keeper: Doorkeeper) -> None:
    keeper.site["doors"] = {"side": {"minimum_age": 18}}
    async with keeper.serving(), following(keeper.path, door=None) as (seen, pauses, _):
        await seen.notice(Notice.IDLE)
        keeper.site["doors"] = {"main": {"minimum_age": 15}}
        await pauses.look()
        await pauses.over()
        await seen.until(lambda scene: scene.connected and scene.door == "main")
        keeper.show(GRANTED, door="main")
        await seen.notice(Notice.GRANTED)


async def test_a_door_that_goes_out_of_the_configuration_is_a_fault(keeper: Doorkeeper) -> None:
    async with keeper.serving(), following(keeper.path) as (seen, pauses, _):
        await seen.notice(Notice.IDLE)
        keeper.site["doors"] = {"yard": {"minimum_age": 15}}
        await pauses.look()
        await pauses.over()
        assert (await seen.notice(Notice.FAULT)).shown.code == "61"
        keeper.site["doors"] = {"front": {"minimum_age": 15}}
        await pauses.over()
        await seen.notice(Notice.IDLE)


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(json.dumps({"hello": 2, "version": "9.9\x1b[2J"}).encode() + b"\n")
    await writer.drain()
    writer.close()


async def test_a_daemon_of_another_protocol_ends_the_screen_with_both_versions(
    nowhere: Path,
) -> None:
    async with await asyncio.start_unix_server(_greet, nowhere):
        with pytest.raises(AskError) as refused:
            await Following("front", [nowhere]).begin()
    assert refused.value.code == OTHER_VERSION
    assert "9.9" in str(refused.value)
    assert "\x1b" not in str(refused.value)


async def test_an_update_of_the_daemon_ends_the_screen_too(keeper: Doorkeeper) -> None:
    async with following(keeper.path) as (seen, pauses, task):
        await seen.notice(Notice.WAIT)
        async with await asyncio.start_unix_server(_greet, keeper.path):
            await pauses.over()
            with pytest.raises(AskError) as refused:
                await asyncio.wait_for(task, PATIENCE_SECONDS)
    assert refused.value.code == OTHER_VERSION
