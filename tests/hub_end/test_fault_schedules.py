"""A hundred schedules of faults: afterwards hub and device agree, and nothing is lost or invented.

KIOSKD_FAULTS says how many (`make faults`: 100), KIOSKD_FAULT_SEED runs one of them once more. Even
seeds run on SQLite, odd ones on PostgreSQL.
"""

import os
from pathlib import Path

import pytest

from tests.hub_end.processes import HubProcess, LineProcess
from tests.hub_end.world import world

SCHEDULES = int(os.environ.get("KIOSKD_FAULTS") or "10")
ONLY = os.environ.get("KIOSKD_FAULT_SEED")
SEEDS = [int(ONLY)] if ONLY else range(SCHEDULES)
CASES = [(("sqlite", "postgresql")[seed % 2], seed) for seed in SEEDS]
KILLED = CASES[: max(2, SCHEDULES // 20)]  # of real processes, which take seconds to start


@pytest.mark.parametrize(("database_url", "seed"), CASES, indirect=["database_url"])
async def test_whatever_happens_they_agree_in_the_end(
    database_url: str, seed: int, tmp_path: Path
) -> None:
    async with world(tmp_path, database_url, seed) as made:
        await made.through_schedule()
        assert await made.faults() == [], made.story


@pytest.mark.parametrize(("database_url", "seed"), KILLED, indirect=["database_url"])
async def test_processes_that_are_killed_agree_in_the_end(
    database_url: str, seed: int, tmp_path: Path
) -> None:
    worlds = world(tmp_path, database_url, seed, hub_of=HubProcess, device_of=LineProcess)
    async with worlds as made:
        await made.through_schedule(steps=10, pause_ms=300)
        assert await made.faults() == [], made.story
