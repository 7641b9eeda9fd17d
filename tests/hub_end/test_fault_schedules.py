"""A hundred schedules of faults: afterwards hub and device agree, and nothing is lost or invented.

KIOSKD_FAULTS says how many (`make faults`: 100), KIOSKD_FAULT_SEED runs one of them once more. Even
seeds run on SQLite, odd ones on PostgreSQL.
"""

import os
from pathlib import Path

import pytest

from tests.hub_end.world import world

SCHEDULES = int(os.environ.get("KIOSKD_FAULTS") or "4")
ONLY = os.environ.get("KIOSKD_FAULT_SEED")
SEEDS = [int(ONLY)] if ONLY else range(SCHEDULES)
CASES = [(("sqlite", "postgresql")[seed % 2], seed) for seed in SEEDS]


@pytest.mark.parametrize(("database_url", "seed"), CASES, indirect=["database_url"])
async def test_whatever_happens_they_agree_in_the_end(
    database_url: str, seed: int, tmp_path: Path
) -> None:
    async with world(tmp_path, database_url, seed) as made:
        await made.through_schedule()
        assert await made.faults() == [], made.story
