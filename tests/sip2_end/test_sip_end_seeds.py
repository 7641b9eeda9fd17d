"""Visits through random faults: every word that was given was honest, and nothing was done twice.

At every other one the library renews what is lent to somebody twice, as Koha does, and requests are
held up for longer than the device waits and looks.
KIOSKD_SIP_FAULTS says how many seeds (60 otherwise), KIOSKD_SIP_SEED runs one of them once more.
"""

import asyncio
import os
from dataclasses import replace

import pytest

from tests.faults.proxy import Chance
from tests.sip2.meddler import drawn
from tests.sip2_end.sip_end_honest import Outcome, complaint, outcome_of
from tests.sip2_end.sip_end_steps import STEPS
from tests.sip2_end.sip_end_world import SETTINGS, World, world

COUNT = int(os.environ.get("KIOSKD_SIP_FAULTS") or "60")
ONLY = os.environ.get("KIOSKD_SIP_SEED")
SEEDS = [int(ONLY)] if ONLY else list(range(COUNT))
BATCH = 20  # visits at a time
# Steps of one visit: none of them changes what another one finds.
VISIT = (
    "the right PIN",
    "a wrong PIN",
    "a card that nobody knows",
    "a card reported lost",
    "looking a card up",
    "a loan",
    "a loan with umlauts",
    "a loan that costs, accepted",
    "a loan of what is reserved",
    "a loan of what waits for another",
    "a loan of nothing",
    "a renewal too many",
    "a renewal of everything",
    "a return of the other branch's",
    "a return of what is reserved",
    "a return of nothing",
    "one's loans",
    "one's fees",
    "the end of a visit",
)
LENGTH = 7
PAUSE, HELD_UP = 0.1, 0.8  # seconds


def steps_of(seed: int) -> list[str]:
    """A few of them, in an order of the seed's."""
    chance, left = Chance("visit", seed), list(VISIT)
    return [left.pop(chance.below(len(left))) for _ in range(LENGTH)]


async def visited(seed: int) -> str:
    """What is wrong with the visit of this seed; empty for nothing."""
    steps = [step for name in steps_of(seed) for step in STEPS if step.name == name]
    outcomes: list[Outcome] = []
    koha = bool(seed % 2)
    setting = replace(SETTINGS[seed // 2 % 4], koha=koha)
    late = HELD_UP if koha else 0.2
    async with world(setting, drawn(seed), late=late, pause=PAUSE) as made:
        for step in steps:
            outcomes.append(await outcome_of(step, made))  # noqa: PERF401 - in order, and awaited
    done = made.library.done
    wrong = [
        complaint(step, outcome, [one for one in done if one in step.done])
        for step, outcome in zip(steps, outcomes, strict=True)
    ]
    meant = {one for step in steps for one in step.done}
    wrong += [f"nobody asked for {one}" for one in done if one not in meant]
    return _told(seed, made, [text for text in wrong if text])


def _told(seed: int, made: World, wrong: list[str]) -> str:
    return f"KIOSKD_SIP_SEED={seed}: {wrong}; {made.meddler.story}" if wrong else ""


@pytest.mark.parametrize("first", range(0, len(SEEDS), BATCH))
async def test_whatever_happens_every_word_is_honest(first: int) -> None:
    told = await asyncio.gather(*map(visited, SEEDS[first : first + BATCH]))
    assert [text for text in told if text] == []
