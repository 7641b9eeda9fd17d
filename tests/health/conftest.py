"""A clock that stands, and what hangs on it."""

import pytest

from drivers.fakes import FakeClock
from kioskd.health.ticks import Ticks


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ticks(clock: FakeClock) -> Ticks:
    return Ticks(clock.monotonic)
