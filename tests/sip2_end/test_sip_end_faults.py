"""Every operation under every fault: the right outcome or an honest one, and nothing done twice."""

import asyncio
from collections.abc import Coroutine, Iterable

import pytest

from kioskd.domain.ils import Hold, Lent, Refusal, Returned
from sync.sip2.layouts import ANSWERS, READS
from tests.faults.proxy import Flow, Passage, Proxy, Schedule
from tests.sip2.meddler import FAULTS, Fault, Plan, Way, always, once
from tests.sip2_end.sip_end_client import ANSWER_SECONDS
from tests.sip2_end.sip_end_honest import Step, complaint, outcome_of
from tests.sip2_end.sip_end_steps import STEPS
from tests.sip2_end.sip_end_world import SETTINGS, Setting, world

LATE = ANSWER_SECONDS * 1.5  # so that a repeat is under way when it comes
# What a connection mends by itself. After the rest it ends, and what was asked is looked for. Who
# mangles a checksum may make a message that has none: then nobody can tell whose answer it is.
ENDS = {Fault.CUT, Fault.OFF_LINE, Fault.MANGLED}
MENDED = [(way, f) for way in Way for f in FAULTS[way] if f not in ENDS]
ENDED = [(way, f) for way in Way for f in FAULTS[way] if f in ENDS]
BY_NAME = {step.name: step for step in STEPS}
MOST = 32  # worlds at a time: more would make time-outs of a busy machine


def hit(step: Step, way: Way) -> str:
    """The command that the fault falls on."""
    return step.code if way is Way.UP else ANSWERS[step.code]


async def judged(
    step: Step, setting: Setting, plan: Plan, *, right: bool = False, late: float = LATE
) -> str:
    """A complaint, or nothing. right: it must be as without faults, and not found out by asking."""
    async with world(setting, plan, late=late) as made:
        outcome = await outcome_of(step, made)
    said = complaint(step, outcome, made.library.done)
    if not said and right and not (step.right(outcome) and not getattr(outcome, "settled", False)):
        said = f"{step.name}: {outcome!r}"
    return f"{setting} {made.meddler.story}: {said}" if said else ""


async def complaints(cases: Iterable[Coroutine[object, object, str]]) -> list[str]:
    """Of all cases, a few at a time."""
    turn = asyncio.Semaphore(MOST)

    async def one(case: Coroutine[object, object, str]) -> str:
        async with turn:
            return await case

    return [text for text in await asyncio.gather(*map(one, cases)) if text]


def name(value: object) -> str:
    return str(getattr(value, "value", value))


@pytest.mark.parametrize(("way", "fault"), MENDED, ids=name)
async def test_what_can_be_mended_is_mended(way: Way, fault: Fault) -> None:
    assert (
        await complaints(
            judged(step, setting, once(hit(step, way), fault), right=True)
            for step in STEPS
            for setting in SETTINGS
        )
        == []
    )


@pytest.mark.parametrize(("way", "fault"), ENDED, ids=name)
async def test_what_ends_a_connection_leaves_an_honest_word(way: Way, fault: Fault) -> None:
    assert (
        await complaints(
            judged(step, setting, once(hit(step, way), fault), right=step.code in READS)
            for step in STEPS
            for setting in SETTINGS
        )
        == []
    )


@pytest.mark.parametrize("way", list(Way), ids=name)
async def test_what_goes_wrong_every_time_leaves_an_honest_word(way: Way) -> None:
    assert (
        await complaints(
            judged(step, SETTINGS[at % 4], always(hit(step, way), fault))
            for at, step in enumerate(STEPS)
            for fault in (Fault.LOSE, Fault.CUT, Fault.CORRUPT, Fault.OFF_LINE)
        )
        == []
    )


@pytest.mark.parametrize("code", ["93", "94", "99", "98"])
async def test_a_log_in_that_goes_wrong_costs_a_wait_at_most(code: str) -> None:
    way = Way.UP if code in ANSWERS else Way.DOWN
    steps = [BY_NAME["the right PIN"], BY_NAME["a loan"]]
    assert (
        await complaints(
            judged(step, SETTINGS[3], once(code, fault), right=fault not in ENDS)
            for step in steps
            for fault in FAULTS[way]
        )
        == []
    )


async def test_without_sequence_numbers_nothing_is_done_twice_either() -> None:
    setting = Setting(numbered=False)
    faults = (Fault.LOSE, Fault.CUT, Fault.TWICE, Fault.LATE, Fault.DRIP, Fault.OFF_LINE)
    assert (
        await complaints(
            judged(step, setting, once(hit(step, way), fault))
            for step in STEPS
            for way in Way
            for fault in faults
            # A request that comes twice by itself, without a digit, is two requests.
            if (way, fault) != (Way.UP, Fault.TWICE)
        )
        == []
    )


# ---- connections that end between requests


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
async def test_a_server_that_hangs_up_on_the_idle_costs_nothing(setting: Setting) -> None:
    idle = Setting(setting.encoding, setting.detection, idle=0.1)

    async def one(step: Step) -> str:
        async with world(idle) as made:
            await outcome_of(BY_NAME["looking a card up"], made)
            await asyncio.sleep(0.15)
            outcome = await outcome_of(step, made)
        right = step.right(outcome) and not complaint(step, outcome, made.library.done)
        return "" if right else f"{step.name}: {outcome}"

    assert await complaints(one(step) for step in STEPS) == []


async def test_a_connection_that_broke_a_moment_ago_leaves_an_honest_word() -> None:
    async def one(step: Step) -> str:
        async with world() as made:
            await outcome_of(BY_NAME["looking a card up"], made)
            await made.meddler.drop()
            outcome = await outcome_of(step, made)
        return complaint(step, outcome, made.library.done)

    assert await complaints(one(step) for step in STEPS) == []


# ---- bytes without regard to messages


@pytest.mark.parametrize("cut", [1, 40, 90, 150, 210, 260])
@pytest.mark.parametrize("reset", [False, True])
async def test_a_connection_cut_at_any_byte_leaves_an_honest_word(cut: int, reset: bool) -> None:
    passages = [
        Passage(up=Flow(cut=cut), reset=reset),
        Passage(down=Flow(cut=cut), reset=reset),
    ]

    async def one(step: Step, passage: Passage) -> str:
        async with world() as made:
            schedule = Schedule(first=(passage,))
            async with Proxy(made.meddler.server_port, schedule) as proxy:
                made.meddler.server_port = proxy.port
                outcome = await outcome_of(step, made)
        return complaint(step, outcome, made.library.done)

    cases = [(step, passage) for step in STEPS if step.done for passage in passages]
    assert await complaints(one(*case) for case in cases) == []


async def test_an_answer_that_drips_too_slowly_is_none_and_the_loan_is_in_doubt() -> None:
    dripping = Schedule(first=(Passage(down=Flow(drip=1)),) * 9)
    step = BY_NAME["a loan"]
    async with world() as made, Proxy(made.meddler.server_port, dripping, tick=0.01) as proxy:
        made.meddler.server_port = proxy.port
        outcome = await outcome_of(step, made)
    assert isinstance(outcome, Lent)
    assert outcome.refused in (Refusal.IN_DOUBT, Refusal.UNAVAILABLE)
    assert complaint(step, outcome, made.library.done) == ""


async def test_a_server_that_is_away_is_said_to_be_and_nothing_is_in_doubt() -> None:
    refused = Schedule(first=(Passage(refused=True),) * 9)
    for step in (BY_NAME["a loan"], BY_NAME["a return"]):
        async with world() as made, Proxy(made.meddler.server_port, refused) as proxy:
            made.meddler.server_port = proxy.port
            outcome = await outcome_of(step, made)
        assert isinstance(outcome, Lent | Returned)
        assert (outcome.refused, made.library.done) == (Refusal.UNAVAILABLE, [])


# ---- what a lost answer is settled to


@pytest.mark.parametrize("step_name", ["a loan", "a return"])
async def test_a_cut_answer_is_settled_by_looking(step_name: str) -> None:
    step = BY_NAME[step_name]
    async with world(plan=once(ANSWERS[step.code], Fault.CUT)) as made:
        outcome = await outcome_of(step, made)
    assert isinstance(outcome, Lent | Returned)
    assert (outcome.done, outcome.settled, made.library.done) == (True, True, list(step.done))


@pytest.mark.parametrize("step_name", ["a loan", "a return"])
async def test_a_cut_request_is_in_doubt_and_not_asked_again(step_name: str) -> None:
    step = BY_NAME[step_name]
    async with world(plan=once(step.code, Fault.CUT)) as made:
        outcome = await outcome_of(step, made)
    assert isinstance(outcome, Lent | Returned)
    assert (outcome.refused, made.library.done) == (Refusal.IN_DOUBT, [])


async def test_a_return_of_the_other_branchs_that_is_on_its_way_is_in_doubt() -> None:
    step = BY_NAME["a return of the other branch's"]
    async with world(plan=once("10", Fault.CUT)) as made:
        outcome = await outcome_of(step, made)
    assert isinstance(outcome, Returned)
    assert (outcome.refused, outcome.hold) == (Refusal.IN_DOUBT, Hold.TRANSFER)
    assert made.library.done == list(step.done)


async def test_a_library_system_slower_than_we_look_does_it_once_and_it_is_in_doubt() -> None:
    async def one(step: Step, setting: Setting) -> str:
        async with world(setting, once(step.code, Fault.LATE), late=1.0, pause=0.1) as made:
            outcome = await outcome_of(step, made)
            before = list(made.library.done)
        in_doubt = getattr(outcome, "refused", None) is Refusal.IN_DOUBT
        right = in_doubt and before == [] and made.library.done == list(step.done)
        return "" if right else f"{setting}: {outcome}, {before}, then {made.library.done}"

    steps = [BY_NAME["a loan"], BY_NAME["a return"]]
    settings = [Setting(numbered=numbered, koha=True) for numbered in (True, False)]
    assert await complaints(one(step, setting) for step in steps for setting in settings) == []


async def test_what_is_done_before_the_second_look_is_found_by_it() -> None:
    async def one(step: Step) -> str:
        setting, plan = Setting(numbered=False, koha=True), once(step.code, Fault.LATE)
        async with world(setting, plan, late=ANSWER_SECONDS * 2, pause=0.4) as made:
            outcome = await outcome_of(step, made)
        done = getattr(outcome, "refused", "") is None and getattr(outcome, "settled", False)
        return "" if done and made.library.done == list(step.done) else f"{step.name}: {outcome}"

    assert await complaints(map(one, [BY_NAME["a loan"], BY_NAME["a return"]])) == []


@pytest.mark.parametrize("step_name", ["a renewal", "a renewal of everything"])
async def test_a_renewal_whose_answer_was_cut_is_in_doubt(step_name: str) -> None:
    step = BY_NAME[step_name]
    async with world(plan=once(ANSWERS[step.code], Fault.CUT)) as made:
        outcome = await outcome_of(step, made)
    assert getattr(outcome, "refused", None) is Refusal.IN_DOUBT
    assert made.library.done == list(step.done)
