"""Nothing goes wrong: every operation, in both charsets, with and without error detection."""

import asyncio

import pytest

from tests.sip2_end.sip_end_honest import Step, complaint, outcome_of
from tests.sip2_end.sip_end_steps import STEPS
from tests.sip2_end.sip_end_world import SETTINGS, Setting, world

UNNUMBERED = Setting("utf-8", "auto", numbered=False)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
async def test_it_comes_out_as_the_library_has_it(step: Step) -> None:
    async def one(setting: Setting) -> str:
        async with world(setting) as made:
            outcome = await outcome_of(step, made)
            if not step.right(outcome):
                return f"{setting}: {outcome}"
            return complaint(step, outcome, made.library.done)

    complaints = await asyncio.gather(*map(one, (*SETTINGS, UNNUMBERED)))
    assert [text for text in complaints if text] == []
