"""Wrong PINs: charged before they are known to be wrong, and what five of them cost."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from drivers.fakes import MORNING, FakeClock
from kioskd.access.lockout import Lockout, LockoutPolicy
from kioskd.domain.decision import Reason
from kioskd.domain.notice import Notice, Shown
from kioskd.entry.lockouts import MAX_CARDS, Lockouts

if TYPE_CHECKING:
    from tests.entry.conftest import World

WRONG = Notice.WRONG_CARD_OR_PIN


async def wrong(world: "World", times: int, card: str = "") -> None:
    for _ in range(times):
        await world.wait(5)  # ten within a minute would slow the reader
        assert await world.come(card or world.card, "9999") is WRONG


async def test_the_attempt_is_written_down_before_anything_shows(world: "World") -> None:
    await world.scan(world.card)
    world.journal.gate.clear()
    await world.press("9999#")
    await world.wait(1.5)
    assert world.pins.calls == 1
    assert world.shown.notice is Notice.ENTER_PIN
    assert world.journal.rows == []
    world.journal.gate.set()
    await world.wait(1)
    assert world.shown.notice is WRONG
    assert [lockout.failures for lockout in world.journal.attempts.values()] == [1]


async def test_an_attempt_that_cannot_be_charged_is_not_answered(world: "World") -> None:
    world.journal.broken = True
    for pin in (world.pin, "9999"):
        assert await world.come(pin=pin) is Notice.FAULT
        assert world.shown == Shown(Notice.FAULT, code="31")
    assert world.strike.commands == []


async def test_cutting_the_power_after_verification_buys_no_guess(
    world: "World", new_world: "type[World]"
) -> None:
    earlier = world
    for _ in range(5):
        world.pins.seconds = 0.1
        await world.scan(world.card)
        await world.press("9999#")
        assert world.journal.attempts
        assert world.journal.rows == []
        # The journal as it is now is all that the next start finds.
        world = new_world(earlier=world)
        await world.__aenter__()
    assert (await world.scan(world.card)).notice is Notice.TRY_LATER
    await world.stop()
    assert "on" not in earlier.strike.commands


async def test_five_wrong_pins_lock_for_one_minute_then_five_fifteen_and_sixty(
    world: "World",
) -> None:
    for minutes in (1, 5, 15, 60, 60):
        await wrong(world, 5)
        locked = await world.scan(world.card)
        assert locked == Shown(Notice.TRY_LATER, minutes=minutes)
        await world.wait(minutes * 60 - 2.1)  # two seconds went by at the last answer
        assert (await world.scan(world.card)).notice is Notice.TRY_LATER
        await world.wait(1.2)
        assert (await world.scan(world.card)).notice is Notice.ENTER_PIN
        await world.wait(31)
    assert world.reasons.count(Reason.WRONG_PIN) == 25


async def test_a_locked_card_is_told_at_the_scan_and_asked_for_nothing(world: "World") -> None:
    await wrong(world, 5)
    calls, digits = world.pins.calls, world.notices.count(Notice.ENTER_PIN)
    assert await world.come() is Notice.TRY_LATER
    assert world.pins.calls == calls
    assert world.notices.count(Notice.ENTER_PIN) == digits
    assert world.reasons[-1] is Reason.LOCKED_OUT
    assert await world.come(world.other_card, "1111") is Notice.GRANTED


async def test_an_unknown_card_is_locked_like_a_known_one(world: "World") -> None:
    await wrong(world, 5, world.unknown)
    assert await world.scan(world.unknown) == Shown(Notice.TRY_LATER, minutes=1)


async def test_steps_fall_back_after_a_day_without_a_wrong_pin(world: "World") -> None:
    await wrong(world, 5)
    await world.wait(61)
    await wrong(world, 4)
    await world.jump(24 * 3600 - 30)
    await wrong(world, 1)
    assert await world.scan(world.card) == Shown(Notice.TRY_LATER, minutes=5)
    await world.jump(24 * 3600)
    await wrong(world, 5)
    assert await world.scan(world.card) == Shown(Notice.TRY_LATER, minutes=1)


async def test_a_right_pin_resets_that_card_only(world: "World") -> None:
    await wrong(world, 4)
    await wrong(world, 4, world.other_card)
    assert await world.come() is Notice.GRANTED
    await wrong(world, 4)
    assert (await world.scan(world.card)).notice is Notice.ENTER_PIN
    await world.press("*")
    await wrong(world, 1, world.other_card)
    assert (await world.scan(world.other_card)).notice is Notice.TRY_LATER


async def test_a_right_pin_is_forgotten_on_disk_too(world: "World") -> None:
    await wrong(world, 3)
    await world.come()
    assert world.journal.attempts == {}


async def test_a_right_pin_at_the_fifth_try_opens(world: "World") -> None:
    await wrong(world, 4)
    assert await world.come() is Notice.GRANTED
    assert await world.come() is Notice.GRANTED


@pytest.mark.parametrize(
    ("trusted", "left"), [(True, timedelta(seconds=13)), (False, timedelta(seconds=60))], ids=str
)
async def test_a_lockout_outlives_a_reboot(
    world: "World", new_world: "type[World]", trusted: bool, left: timedelta
) -> None:
    await wrong(world, 5)
    await world.wait(15)  # 17 s since the last key
    world.clock.reboot(timedelta(seconds=30))
    after = new_world(earlier=world)
    now = world.clock.moment()
    after.lockouts.carry_over(now, trusted=trusted)
    assert after.lockouts.locked_for(after.index.keys_of(world.card).state, now) == left
    async with after:
        assert (await after.scan(world.card)).notice is Notice.TRY_LATER
        await after.wait(left.total_seconds() + 0.1)
        assert await after.come() is Notice.GRANTED


async def test_a_clock_set_back_a_day_makes_no_lockout_longer(world: "World") -> None:
    await wrong(world, 5)
    world.clock.wall -= timedelta(days=1)
    assert await world.scan(world.card) == Shown(Notice.TRY_LATER, minutes=1)
    await world.wait(59)
    assert (await world.scan(world.card)).notice is Notice.ENTER_PIN


async def test_a_card_stays_locked_when_the_index_key_changes(world: "World") -> None:
    await wrong(world, 5)
    world.index.older = 1
    assert (await world.scan(world.card)).notice is Notice.TRY_LATER
    await world.wait(61)
    world.index.older = 0  # what follows was charged under the older key
    await wrong(world, 2)
    world.index.older = 1
    await wrong(world, 3)
    assert (await world.scan(world.card)) == Shown(Notice.TRY_LATER, minutes=5)


def test_the_table_holds_ten_thousand_cards_and_drops_the_oldest() -> None:
    clock, lockouts = FakeClock(), Lockouts(LockoutPolicy(tries=1))
    cards = [number.to_bytes(16, "big") for number in range(MAX_CARDS + 2)]
    for card in cards[:MAX_CARDS]:
        lockouts.charge((card,), clock.moment())
    lockouts.charge((cards[0],), clock.moment())  # now the newest
    for card in cards[MAX_CARDS:]:
        lockouts.charge((card,), clock.moment())
    locked = [bool(lockouts.locked_for((card,), clock.moment())) for card in cards]
    assert MAX_CARDS == 10_000
    assert [n for n, is_locked in enumerate(locked) if not is_locked] == [1, 2]


def test_more_cards_than_the_table_holds_are_taken_over_from_disk_and_trimmed() -> None:
    clock = FakeClock()
    left = Lockout(4, last_failure=MORNING)
    known = {number.to_bytes(16, "big"): left for number in range(MAX_CARDS + 50)}
    lockouts = Lockouts(LockoutPolicy(), known)
    lockouts.carry_over(clock.moment(), trusted=True)
    newest = (MAX_CARDS + 49).to_bytes(16, "big")
    assert lockouts.charge((newest,), clock.moment()).step == 1
    assert lockouts.charge((bytes(16),), clock.moment()).failures == 1  # the oldest was dropped
