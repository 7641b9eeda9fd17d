"""What the device tests share: waiting for real ports without trusting in sleeps."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from drivers.fakes import FakeClock

PATIENCE_SECONDS = 20.0  # only ever spent by a test that fails


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def until(clock: FakeClock) -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait until something holds; fake time goes on meanwhile, real ports get their turns."""

    async def wait(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                await clock.advance(0.05)
                await asyncio.sleep(0.001)

    return wait
