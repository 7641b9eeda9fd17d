"""The shipped fakes: a clock that stands still, and devices that do what they are told."""

import asyncio
from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from drivers.fakes import MORNING, FakeClock, FakeKeypad, FakePanel, FakeReader
from drivers.simulated import running
from kioskd.domain.notice import Notice, Shown


async def test_time_stands_still_until_it_is_told_to_go_on() -> None:
    clock = FakeClock()
    before = clock.moment(), clock.monotonic()
    await asyncio.sleep(0.01)
    assert (clock.moment(), clock.monotonic()) == before
    await clock.advance(90)
    assert clock.monotonic() == before[1] + 90
    assert clock.moment().wall == MORNING + timedelta(seconds=90)
    assert clock.moment().boot == before[0].boot + 90


async def test_sleepers_wake_in_order_each_at_its_own_time() -> None:
    clock = FakeClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep_until(clock.monotonic() + seconds)
        woken.append((name, clock.monotonic() - 1000.0))

    async def twice() -> None:
        await sleeper("first", 1)
        await sleeper("second", 1)

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("late", 3))
        group.create_task(sleeper("between", 1.5))
        group.create_task(twice())
        await clock.advance(2.5)
        assert woken == [("first", 1.0), ("between", 1.5), ("second", 2.0)]
        await clock.advance(1)
    assert woken[-1] == ("late", 3.0)


async def test_a_cancelled_sleeper_is_forgotten_and_a_past_time_only_gives_way() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep_until(1005.0))
    await asyncio.sleep(0)
    task.cancel()
    await clock.advance(10)
    assert task.cancelled()
    await clock.sleep_until(1005.0)


async def test_another_boot_and_a_wall_clock_set_back_leave_monotonic_time_alone() -> None:
    clock = FakeClock()
    clock.wall -= timedelta(days=1)
    first = clock.moment()
    clock.reboot()
    second = clock.moment()
    assert clock.monotonic() == 1000.0
    assert first.boot_id != second.boot_id
    assert second.boot < first.boot
    assert second.wall > first.wall


@given(st.integers(1, 50))
def test_ids_are_uuid7_of_the_fake_time_and_rise(many: int) -> None:
    clock = FakeClock()
    ids = [clock.new_id() for _ in range(many)]
    assert ids == sorted(set(ids))
    for text in ids:
        assert UUID(text).version == 7
        assert UUID(text).int >> 80 == int(MORNING.timestamp() * 1000)


async def test_nothing_is_read_from_a_fake_that_is_unplugged_or_not_run() -> None:
    clock = FakeClock()
    reader, keypad = FakeReader("front", clock), FakeKeypad("pad", clock)
    reader.scan("167A006007")
    async with running(reader), running(keypad):
        reader.unplug()
        reader.scan("2600104874")
        keypad.press("12")
        reader.plug()
        reader.scan("2600104875")
        assert (await anext(reader.scans())).text == "2600104875"
        assert [(await anext(keypad.keys())).key for _ in range(2)] == ["1", "2"]


async def test_a_panel_remembers_what_it_showed_and_when() -> None:
    clock = FakeClock()
    panel = FakePanel(clock)
    panel.show(Shown(Notice.ENTER_PIN))
    await clock.advance(2)
    panel.show(Shown(Notice.GRANTED))
    assert [shown.notice for shown in panel.shown] == [Notice.ENTER_PIN, Notice.GRANTED]
    assert panel.times == [1000.0, 1002.0]
