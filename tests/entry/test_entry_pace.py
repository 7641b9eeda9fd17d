"""A slow reader tells nothing of a card: it is slowed by what was done at the door alone."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kioskd.domain.credential import Credential
from kioskd.domain.decision import Reason
from kioskd.domain.notice import Notice, Shown
from kioskd.entry.fakes import fake_verifier

if TYPE_CHECKING:
    from tests.entry.conftest import World

CARDS = tuple(f"167A9000{number:02}" for number in range(12))
KNOWN = Credential(fake_verifier("2580"))
WAYS_TO_FAIL = {
    "cancelled": ("*", Reason.CANCELLED),
    "digits cleared, then cancelled": ("12**", Reason.CANCELLED),
    "a wrong PIN": ("9999#", Reason.WRONG_PIN),
    "too short": ("9#", Reason.WRONG_PIN),
}
Seen = list[tuple[Shown, float]]


def fill(world: "World", credential: Credential | None) -> None:
    """Every card of CARDS is known with this, or none is."""
    for card in CARDS if credential else ():
        world.credentials.put(card, credential or KNOWN)


@pytest.mark.parametrize("way", WAYS_TO_FAIL)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_ten_failed_sessions_slow_the_reader_for_known_and_unknown_cards(
    world: "World", way: str, *, known: bool
) -> None:
    typed, reason = WAYS_TO_FAIL[way]
    fill(world, KNOWN if known else None)
    for card in CARDS[:10]:
        assert (await world.scan(card)).notice is Notice.ENTER_PIN
        await world.press(typed)
        await world.wait(1.5)
    assert (await world.scan(CARDS[10])).notice is Notice.WAIT
    assert set(world.reasons) == {reason if known else Reason.UNKNOWN_CARD}
    # Staff are told of unknown cards alone; nobody at the door sees that.
    assert world.tried_out == ([] if known else ["front"])


async def test_one_card_cancelled_ten_times_slows_the_reader_too(world: "World") -> None:
    for _ in range(10):
        assert (await world.scan(world.card)).notice is Notice.ENTER_PIN
        await world.press("*")
        await world.wait(1.5)
    assert (await world.scan(world.card)).notice is Notice.WAIT


async def test_an_evening_of_mistakes_slows_nobody(world: "World") -> None:
    for _ in range(4):
        for pin in ("9999", "2580", "2581", "2580"):
            await world.scan(world.card)
            await world.wait(3)
            await world.press(pin + "#")
            await world.wait(5)
    assert Notice.WAIT not in world.notices
    assert world.reasons.count(Reason.OK) == 8


async def test_people_let_in_one_after_another_slow_nobody(world: "World") -> None:
    for _ in range(12):
        assert await world.come(world.card) is Notice.GRANTED
        assert await world.come(world.other_card, "1111") is Notice.GRANTED


async def test_unknown_cards_at_a_door_without_pin_slow_it(new_world: "type[World]") -> None:
    door = replace(new_world.door, pin_staffed=False)
    async with new_world(hours="00:00-24:00 staffed", door=door) as world:
        for card in CARDS[:10]:
            assert (await world.scan(card)).notice is Notice.WRONG_CARD_OR_PIN
            await world.wait(1.5)
        assert (await world.scan(world.card)).notice is Notice.WAIT


# Properties

typed = st.sampled_from(["*", "12**", "9999#", "9#", "9" * 13, "#*", "1"])
moves = st.tuples(st.sampled_from(CARDS[:3]), typed, st.sampled_from([0.6, 1.1, 3.0, 31.0]))


async def seen_by(
    new_world: "type[World]", visits: list[tuple[str, str, float]], credential: Credential | None
) -> Seen:
    async with new_world() as world:
        fill(world, credential)
        start = world.clock.monotonic()
        for card, keys, pause in visits:
            await world.scan(card)
            await world.press(keys)
            await world.wait(pause)
        return [(s, t - start) for s, t in zip(world.panel.shown, world.panel.times, strict=True)]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(moves, min_size=8, max_size=16))
def test_the_same_done_with_known_and_unknown_cards_shows_the_same(
    new_world: "type[World]", visits: list[tuple[str, str, float]]
) -> None:
    async def played() -> None:
        ways = [await seen_by(new_world, visits, c) for c in (None, KNOWN, Credential())]
        assert ways[0] == ways[1] == ways[2]

    asyncio.run(played())
