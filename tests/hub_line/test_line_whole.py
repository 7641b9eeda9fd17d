"""The line as a whole, on a clock that stands still until it is told to go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from drivers.fakes import FakeClock, settle
from kioskd.errors import KioskError, StoreError
from sync.hub_faults import HubFault, TokenRevoked, Why
from sync.hub_hints import Heard
from sync.hub_wire import Command, Trailer
from sync.line import Line
from sync.line_ports import Held, OwedActivity
from sync.line_report import Part
from tests.hub_line.parts import (
    NOON,
    FakeCache,
    FakeDevice,
    FakeHub,
    FakeOutbox,
    FakeReport,
    down,
    event,
)

CHANGE = Heard("change", "c9")


class Setting:
    """A line with everything around it played."""

    def __init__(self) -> None:
        self.hub, self.clock = FakeHub([b"r1", b"r2"]), FakeClock(wall=NOON)
        self.cache = FakeCache([b"r1"], Held("g1", "g1:1", "g1:0"))
        self.outbox, self.device, self.report = FakeOutbox(), FakeDevice(), FakeReport()
        self.line = self.made()

    def made(self, *, held: bool = False) -> Line:
        return Line(
            self.hub,
            self.cache,
            self.outbox,
            self.device,
            self.report,
            self.clock,
            lambda: 0.5,
            held=held,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.line.run())
        await settle()
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert [left for left in asyncio.all_tasks() if left is not asyncio.current_task()] == []

    def calls(self, call: str) -> int:
        return self.hub.calls.count(call)

    async def seconds(self, seconds: float, sign: bool = True) -> None:
        """Time passes, with a sign on the stream of hints every ten seconds."""
        while seconds > 0:
            await self.clock.advance(min(10.0, seconds))
            seconds -= 10.0
            if sign and self.hub.streams:
                self.hub.streams[-1].say(Heard("alive"))


@pytest.fixture
def setting() -> Setting:
    return Setting()


async def test_at_the_start_everything_is_done_at_once(setting: Setting) -> None:
    async with setting.running():
        assert setting.cache.rows == [b"r1", b"r2"]
        assert setting.calls("heartbeat") == 1
        assert len(setting.hub.streams) == 1
        assert setting.report.said == ["up"]
        assert setting.report.days == [90]
        assert setting.report.faults == []


async def test_pulls_and_heartbeats_go_on_every_half_minute(setting: Setting) -> None:
    async with setting.running():
        await setting.seconds(5)
        pulls, beats = setting.calls("credentials"), setting.calls("heartbeat")
        await setting.seconds(300)
        assert setting.calls("credentials") - pulls == 10
        assert setting.calls("heartbeat") - beats == 10


async def test_a_hint_is_followed_within_a_second(setting: Setting) -> None:
    async with setting.running():
        await setting.seconds(5)
        setting.hub.bans = [b"a ban"]
        setting.hub.streams[0].say(CHANGE)
        await setting.clock.advance(1.0)
        assert setting.cache.bans == [b"a ban"]
        assert "hints" in setting.report.said


async def test_a_thousand_hints_are_one_pull(setting: Setting) -> None:
    async with setting.running():
        await setting.seconds(5)
        pulls = setting.calls("restrictions")
        for _ in range(1000):
            setting.hub.streams[0].say(CHANGE)
        await setting.clock.advance(2.0)
        assert setting.calls("restrictions") == pulls + 1


async def test_a_command_hint_brings_a_heartbeat(setting: Setting) -> None:
    async with setting.running():
        beats = setting.calls("heartbeat")
        setting.hub.streams[0].say(Heard("command"))
        await setting.clock.advance(0.1)
        assert setting.calls("heartbeat") == beats + 1


async def test_after_forty_silent_seconds_it_polls_and_says_so(setting: Setting) -> None:
    async with setting.running():
        setting.hub.streams[0].say(Heard("alive"))
        await setting.clock.advance(39)
        closed = [setting.hub.streams[0].closed]
        await setting.clock.advance(1)
        assert [*closed, setting.hub.streams[0].closed] == [False, True]
        assert any(said.startswith("polling: no sign") for said in setting.report.said)
        pulls = setting.calls("credentials")
        await setting.seconds(90, sign=False)
        assert setting.calls("credentials") >= pulls + 3
        assert len(setting.hub.streams) > 1


async def test_a_stream_that_ends_is_opened_again_from_its_last_id(setting: Setting) -> None:
    async with setting.running():
        await setting.seconds(100)
        setting.hub.streams[0].say(CHANGE)
        setting.hub.streams[0].ended.set()
        await setting.seconds(3)
        assert setting.hub.streams[1].last_id == "c9"


async def test_what_changed_while_nobody_listened_is_pulled_when_the_stream_is_back(
    setting: Setting,
) -> None:
    async with setting.running():
        await setting.seconds(100)
        setting.hub.bans = [b"a ban"]
        setting.hub.streams[0].ended.set()
        await setting.clock.advance(3)  # the next pull would come after twenty
        assert setting.cache.bans == [b"a ban"]


async def test_a_stream_that_ends_at_once_is_not_opened_a_thousand_times(setting: Setting) -> None:
    setting.hub.fail("changes", *(down() for _ in range(1000)))
    async with setting.running():
        await setting.seconds(3600)
        assert setting.calls("changes") < 40


async def test_what_happens_is_told_within_two_seconds(setting: Setting) -> None:
    async with setting.running():
        await setting.seconds(5)
        setting.outbox.rows.append(event(1))
        await setting.clock.advance(2.0)
        assert setting.hub.took == ["id-1"]
        assert setting.report.pushes[0].delivered == 1


async def test_an_empty_outbox_costs_a_look_and_no_request(setting: Setting) -> None:
    async with setting.running():
        await setting.seconds(30)
        assert setting.calls("events") + setting.calls("activity") == 0
        assert setting.outbox.looked >= 25


async def test_activities_alone_are_told_within_the_sweep(setting: Setting) -> None:
    async with setting.running():
        await setting.seconds(5)
        setting.outbox.owed = [OwedActivity(b"k", "ref", "2026-11-23")]
        await setting.seconds(65)
        assert setting.outbox.owed == []


async def test_a_backlog_goes_without_pauses(setting: Setting) -> None:
    setting.outbox = FakeOutbox(5000)
    setting.line = setting.made()
    async with setting.running():
        await setting.clock.advance(0.5)
        assert setting.outbox.through == 5000


# Failures.


async def test_a_hub_that_is_away_is_tried_ever_more_rarely_and_found_again(
    setting: Setting,
) -> None:
    async with setting.running():
        await setting.seconds(10)
        setting.hub.refuse = down
        setting.hub.streams[0].ended.set()
        await setting.seconds(100, sign=False)
        assert [said for said in setting.report.said if said.startswith("down")] == [
            "down: hub: nothing listens there"
        ]
        before = setting.calls("credentials") + setting.calls("restrictions")
        await setting.seconds(1800, sign=False)
        assert setting.calls("credentials") + setting.calls("restrictions") - before <= 40
        times = [times for part, _, times in setting.report.faults if part is Part.PULL]
        assert times == list(range(1, len(times) + 1))
        setting.hub.refuse, setting.hub.bans = None, [b"a ban"]
        await setting.seconds(120)
        assert setting.report.said[-2:].count("up") == 1
        assert setting.cache.bans == [b"a ban"]


async def test_one_failure_is_no_loss_of_the_line(setting: Setting) -> None:
    async with setting.running():
        setting.hub.fail("restrictions", down())
        await setting.seconds(120)
        assert [said for said in setting.report.said if said.startswith("down")] == []


async def test_retry_after_is_kept_whatever_the_hints_say(setting: Setting) -> None:
    async with setting.running():
        await setting.seconds(1)
        setting.hub.fail("restrictions", HubFault(Why.BUSY, "busy", retry_after=1e9))
        setting.hub.streams[0].say(CHANGE)
        await setting.seconds(1)
        pulls = setting.calls("restrictions")
        for _ in range(80):
            await setting.seconds(10)
            setting.hub.streams[-1].say(CHANGE)
        assert setting.calls("restrictions") == pulls
        await setting.seconds(120)
        assert setting.calls("restrictions") > pulls


async def test_a_full_disk_does_not_call_the_hub_down(setting: Setting) -> None:
    async with setting.running():
        setting.cache.fault = StoreError("full")
        await setting.seconds(120)
        assert setting.report.said == ["up", "hints"]
        assert {part for part, _, _ in setting.report.faults} == {Part.PULL}


async def test_a_revoked_token_stops_all_but_one_try_in_ten_minutes(setting: Setting) -> None:
    def revoked() -> KioskError:
        return TokenRevoked("token revoked")

    async with setting.running():
        await setting.seconds(10)
        setting.hub.refuse = revoked
        setting.hub.streams[0].ended.set()
        setting.outbox.rows.append(event(1))
        await setting.seconds(100, sign=False)
        before = len(setting.hub.calls)
        await setting.seconds(3600, sign=False)
        assert set(setting.hub.calls[before:]) == {"heartbeat"}
        assert 5 <= len(setting.hub.calls) - before <= 7
        assert setting.report.said.count("revoked: token revoked") == 1
        setting.hub.refuse = None
        await setting.seconds(700)
        assert "accepted" in setting.report.said
        assert setting.outbox.through == 1
        assert setting.calls("credentials") > 1


# Commands.


async def test_a_dropped_cache_is_not_filled_again_before_the_hub_says_so(
    setting: Setting,
) -> None:
    begun = asyncio.Event()

    async def endless(write: Callable[[bytes], Awaitable[None]]) -> Trailer:
        await write(b"r1\n")
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    setting.cache.position = Held()
    whole, setting.hub.snapshot = setting.hub.snapshot, endless  # type: ignore[method-assign]
    async with setting.running():
        await begun.wait()
        setting.hub.answer = replace(setting.hub.answer, commands=[Command("c-1", "drop-cache")])
        setting.line.beat_now()
        await settle()
        assert setting.cache.sinks[0].state == "abandoned"
        assert setting.device.did == ["drop-cache c-1"]
        calls = setting.calls("restrictions")
        await setting.seconds(300)
        setting.line.sync_now()
        await setting.seconds(5)
        assert setting.calls("restrictions") == calls
        setting.hub.snapshot = whole  # type: ignore[method-assign]
        setting.hub.answer = replace(setting.hub.answer, commands=[Command("c-2", "sync-now")])
        await setting.seconds(60)
        assert setting.cache.rows == [b"r1", b"r2"]
        assert setting.device.did == ["drop-cache c-1", "sync-now c-2"]


async def test_a_line_that_starts_held_pulls_nothing(setting: Setting) -> None:
    setting.line = setting.made(held=True)
    async with setting.running():
        await setting.seconds(120)
        assert setting.calls("credentials") == 0
        assert setting.calls("heartbeat") > 3


async def test_after_a_snapshot_it_looks_again_at_once(setting: Setting) -> None:
    setting.cache.position = Held()
    setting.hub.fail("changes", down())  # or its opening would have it look
    async with setting.running():
        await setting.clock.advance(0.5)
        assert setting.calls("snapshot") == 1
        assert setting.calls("credentials") >= 1


async def test_a_line_without_cache_and_outbox_only_beats(setting: Setting) -> None:
    setting.line = Line(
        setting.hub,
        None,
        None,
        setting.device,
        setting.report,
        setting.clock,
        lambda: 0.5,
    )
    async with setting.running():
        await setting.seconds(120)
        assert set(setting.hub.calls) == {"heartbeat", "changes"}


async def test_the_skew_is_told_when_it_changes(setting: Setting) -> None:
    async with setting.running():
        await setting.seconds(20)
        wall = setting.clock.moment().wall
        setting.hub.answer = replace(setting.hub.answer, time=wall.replace(year=2031))
        await setting.seconds(120)
    assert setting.report.skews[0] == pytest.approx(0.0)
    assert setting.report.skews[-1] < -1e8
