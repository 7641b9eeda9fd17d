"""Tasks that go on and tasks that hang, and a loop that makes others wait."""

from drivers.fakes import FakeClock
from kioskd.health.ticks import LAG_SECONDS, LATE_SECONDS, LoopLag, Ticks


async def test_a_task_that_stops_ticking_is_named(clock: FakeClock, ticks: Ticks) -> None:
    front, _back = ticks.ticker("door front"), ticks.ticker("door back")
    for _ in range(5):
        await clock.advance(1.0)
        front()
    assert ticks.late() == ("door back",)


async def test_a_task_counts_from_its_creation(clock: FakeClock, ticks: Ticks) -> None:
    await clock.advance(100.0)
    ticks.ticker("door front")
    await clock.advance(LATE_SECONDS)
    assert ticks.late() == ()
    await clock.advance(0.001)
    assert ticks.late() == ("door front",)


async def test_a_tick_makes_it_well_again(clock: FakeClock, ticks: Ticks) -> None:
    tick = ticks.ticker("door front")
    await clock.advance(10.0)
    assert ticks.late()
    tick()
    assert ticks.late() == ()


async def test_a_task_that_begins_anew_has_not_ticked_by_that(
    clock: FakeClock, ticks: Ticks
) -> None:
    for _ in range(5):
        ticks.ticker("door front")
        await clock.advance(1.0)
    assert ticks.late() == ("door front",)


async def test_who_is_forgotten_is_late_no_more_and_does_not_come_back(
    clock: FakeClock, ticks: Ticks
) -> None:
    tick = ticks.ticker("door front")
    ticks.forget("door front")
    ticks.forget("door front")
    tick()
    await clock.advance(10.0)
    assert ticks.late() == ()


async def test_the_limit_is_the_callers(clock: FakeClock, ticks: Ticks) -> None:
    ticks.ticker("door front")
    await clock.advance(1.5)
    assert (ticks.late(1.0), ticks.late(2.0)) == (("door front",), ())


async def test_the_worst_delay_is_told_for_a_minute_and_then_forgotten(clock: FakeClock) -> None:
    lag = LoopLag(clock.monotonic)
    lag.woke(0.25)
    lag.woke(0.001)
    assert lag.worst() == 0.25
    await clock.advance(LAG_SECONDS)
    lag.woke(0.002)
    assert lag.worst() == 0.25
    await clock.advance(LAG_SECONDS)
    assert lag.worst() == 0.002
    await clock.advance(3 * LAG_SECONDS)
    assert lag.worst() == 0.0
