"""A face that ends in the middle of something: nothing waits for it, nothing is cut short."""

import asyncio
from collections.abc import Sequence

import pytest

from drivers.fakes import FakeClock, FakeDisplay
from kioskd.entry.faces import DisplayPanel
from tests.devices.conftest import PATIENCE_SECONDS
from tests.devices.tasks import held
from tests.words.every_notice import NOW, PLACE

EN = "Scan your library card"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


def panel(display: FakeDisplay, clock: FakeClock) -> DisplayPanel:
    return DisplayPanel("front", display, PLACE, ("en",), clock)


class Stuck(FakeDisplay):
    """A display that takes nothing and does not say so."""

    async def write(self, lines: Sequence[str]) -> None:
        await asyncio.Event().wait()


class Slow(FakeDisplay):
    """A display that takes a tenth of a second for a page."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    async def write(self, lines: Sequence[str]) -> None:
        await self._clock.sleep_until(self._clock.monotonic() + 0.1)
        await super().write(lines)


async def test_a_display_that_takes_nothing_holds_up_no_end(clock: FakeClock) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with held(panel(Stuck(), clock).run()):
            await clock.advance(1)


async def test_a_page_that_is_under_way_gets_out_before_the_display_is_cleared(
    clock: FakeClock,
) -> None:
    display = Slow(clock)
    task = asyncio.create_task(panel(display, clock).run())
    await clock.advance(0.05)
    task.cancel()
    await clock.advance(0.2)
    assert [" ".join(page) for page in display.pages][-1] == ""
    assert EN in " ".join(" ".join(display.pages[-2]).split())
    with pytest.raises(asyncio.CancelledError):
        await task
