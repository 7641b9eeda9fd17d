"""Nobody without the PIN learns whether a card is known: same notices, same times, same work."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.domain.decision import Reason
from kioskd.domain.notice import Notice, Shown

if TYPE_CHECKING:
    from tests.entry.conftest import World

Change = Callable[["World"], None]
Seen = list[tuple[Shown, float]]


def ordinary(world: "World") -> None:
    """A patron with nothing against them."""


def unknown(world: "World") -> None:
    world.credentials.rows.clear()


def enrolled_only(world: "World") -> None:
    unknown(world)
    world.state.enrol(world.card, "9999")  # the very PIN that is called wrong below


def no_pin_set(world: "World") -> None:
    world.credentials.put(world.card, Credential())


def deny_listed(world: "World") -> None:
    world.state.deny(world.card)


def deny_listed_and_unknown(world: "World") -> None:
    unknown(world)
    deny_listed(world)


def banned(world: "World") -> None:
    ban = Restriction(RestrictionKind.USE_BAN)
    world.restrict(world.card, Credential(restrictions=(ban,)))


def lost(world: "World") -> None:
    world.restrict(world.card, Credential(restrictions=(Restriction(RestrictionKind.LOST),)))


CARDS = {
    ordinary: Reason.WRONG_PIN,
    unknown: Reason.UNKNOWN_CARD,
    enrolled_only: Reason.UNKNOWN_CARD,
    no_pin_set: Reason.PIN_NOT_SET,
    deny_listed: Reason.DENY_LISTED,
    deny_listed_and_unknown: Reason.DENY_LISTED,
    banned: Reason.WRONG_PIN,
    lost: Reason.WRONG_PIN,
}
TYPED = {
    "a wrong PIN": "9999#",
    "too short": "99#",
    "too long": "9" * 13,
    "cleared and typed again": "1*9999#",
    "cancelled": "12**",
    "nothing": "",
    "left half done": "99",
}
ALONE = {"cancelled", "nothing", "left half done"}


async def visit(world: "World", keys: str) -> Seen:
    """What a person sees from the scan on, and how many seconds after it."""
    start, before = world.clock.monotonic(), len(world.panel.shown)
    await world.scan(world.card)
    for key in keys:
        await world.wait(0.3)
        await world.press(key)
    await world.wait(40)
    times = [at - start for at in world.panel.times]
    return list(zip(world.panel.shown, times, strict=True))[before:]


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.7], ids="hashing {}s".format)
async def test_every_card_without_its_pin_sees_the_same_at_the_same_time(
    new_world: "type[World]", typed: str, seconds: float
) -> None:
    visits: list[Seen] = []
    for change, reason in CARDS.items():
        async with new_world() as world:
            world.pins.seconds = seconds
            change(world)
            visits.append(await visit(world, TYPED[typed]))
            assert world.pins.calls == (0 if typed in ALONE else 1)
            assert len(world.journal.attempts) == world.pins.calls
            if typed not in ALONE:
                assert world.reasons == [reason]
            assert world.strike.commands == []
    assert all(seen == visits[0] for seen in visits)


@pytest.mark.parametrize(
    ("hashing", "answer"), [(0.0, 0.5), (0.2, 0.5), (0.5, 0.5), (0.51, 1.0), (1.2, 1.5)]
)
async def test_a_denial_comes_on_the_beat_after_the_last_key(
    world: "World", hashing: float, answer: float
) -> None:
    world.pins.seconds = hashing
    await world.scan(world.card)
    await world.wait(3)
    at = world.clock.monotonic()
    await world.press("9999#")
    await world.wait(5)
    assert world.shown.notice is Notice.WRONG_CARD_OR_PIN
    assert world.panel.times[-1] == pytest.approx(at + answer)


async def test_what_is_known_of_a_patron_comes_on_the_same_beat(world: "World") -> None:
    banned(world)
    world.pins.seconds = 0.2
    await world.scan(world.card)
    at = world.clock.monotonic()
    await world.press(world.pin + "#")
    await world.wait(5)
    assert world.shown.notice is Notice.USE_BAN
    assert world.panel.times[-1] == at + 0.5


async def test_a_grant_waits_for_no_beat(world: "World") -> None:
    world.pins.seconds = 0.2
    await world.scan(world.card)
    at = world.clock.monotonic()
    await world.press(world.pin + "#")
    await world.wait(5)
    assert world.panel.times[-1] == at + 0.2


async def test_an_unreadable_cache_is_the_same_fault_for_every_card(
    new_world: "type[World]",
) -> None:
    visits = []
    for change in (ordinary, unknown, no_pin_set):
        async with new_world() as world:
            change(world)
            world.credentials.damaged = True
            visits.append(await visit(world, world.pin + "#"))
            assert world.reasons == [Reason.CACHE_UNREADABLE]
    assert visits[0][-2][0] == Shown(Notice.FAULT, code="22")
    assert all(seen == visits[0] for seen in visits)
