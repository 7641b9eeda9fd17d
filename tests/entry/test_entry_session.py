"""Cards and keys in any order: what counts, what is ignored, what ends a session."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kioskd.domain.credential import Credential
from kioskd.domain.decision import Reason
from kioskd.domain.notice import Notice, Shown
from kioskd.entry.access_point import Timing, _Timer

if TYPE_CHECKING:
    from tests.entry.conftest import World


async def test_the_time_to_type_runs_from_the_last_key(world: "World") -> None:
    await world.scan(world.card)
    for key in "2580":
        await world.wait(29)
        assert (await world.press(key)).notice is Notice.ENTER_PIN
    await world.wait(29.9)
    assert world.shown == Shown(Notice.ENTER_PIN, digits=4)
    await world.wait(0.1)
    assert world.shown.notice is Notice.PIN_TIMEOUT
    assert world.reasons == [Reason.PIN_TIMEOUT]
    assert world.journal.attempts == {}
    await world.press("#")
    await world.wait(60)
    assert world.strike.commands == []
    assert await world.come() is Notice.GRANTED


async def test_a_time_out_that_a_key_overtook_ends_nothing(world: "World") -> None:
    await world.scan(world.card)
    stale = _Timer(world.point._timers)
    await world.press("2")
    await world.point._inbox.put(stale)
    await world.settled()
    assert await world.press("580#") == Shown(Notice.GRANTED)


async def test_a_star_clears_the_digits(world: "World") -> None:
    await world.scan(world.card)
    assert await world.press("99") == Shown(Notice.ENTER_PIN, digits=2)
    assert await world.press("*") == Shown(Notice.ENTER_PIN)
    assert await world.press(world.pin + "#") == Shown(Notice.GRANTED)


async def test_a_star_without_digits_cancels(world: "World") -> None:
    await world.scan(world.card)
    assert (await world.press("12**")).notice is Notice.IDLE
    assert world.reasons == [Reason.CANCELLED]
    assert world.journal.attempts == {}
    await world.press(world.pin + "#")
    await world.wait(60)
    assert world.strike.commands == []


async def test_enter_without_digits_waits_for_them(world: "World") -> None:
    await world.scan(world.card)
    assert (await world.press("##")).notice is Notice.ENTER_PIN
    assert (await world.press(world.pin + "#")).notice is Notice.GRANTED


@pytest.mark.parametrize("digits", ["2580258025802", "2580" * 16], ids=["13", "64"])
async def test_more_digits_than_a_pin_can_have_deny_and_count(world: "World", digits: str) -> None:
    assert await world.come(pin=digits) is Notice.WRONG_CARD_OR_PIN
    assert world.reasons == [Reason.WRONG_PIN]
    assert [lockout.failures for lockout in world.journal.attempts.values()] == [1]


async def test_the_key_after_the_longest_pin_ends_the_session_by_itself(
    new_world: "type[World]",
) -> None:
    async with new_world(door=replace(new_world.door, pin_max=4)) as world:
        await world.scan(world.card)
        await world.press(world.pin)
        await world.wait(1)
        assert world.notice() is Notice.ENTER_PIN
        await world.press("0")
        await world.wait(0.5)
        assert world.notice() is Notice.WRONG_CARD_OR_PIN


async def test_a_pin_that_is_too_short_counts_as_wrong_even_when_it_is_the_pin(
    new_world: "type[World]",
) -> None:
    async with new_world(door=replace(new_world.door, pin_min=5)) as world:
        assert await world.come() is Notice.WRONG_CARD_OR_PIN
        assert world.reasons == [Reason.WRONG_PIN]
        assert world.pins.calls == 1
        assert len(world.journal.attempts) == 1


async def test_digits_before_a_card_are_ignored(world: "World") -> None:
    await world.press("2580#")
    await world.wait(0.1)
    await world.scan(world.card)
    assert world.shown == Shown(Notice.ENTER_PIN)
    assert world.pins.calls == 0
    assert (await world.press(world.pin + "#")).notice is Notice.GRANTED


async def test_a_pin_without_a_card_is_nothing(world: "World") -> None:
    await world.press("*#2580#*")
    await world.wait(60)
    assert world.notices == [Notice.IDLE]
    assert world.journal.rows == []


async def test_keys_that_overtake_the_card_on_the_other_wire_count(world: "World") -> None:
    world.keypad.press(world.pin + "#")
    await world.settled()
    world.reader.scan(world.card)
    await world.settled()
    assert world.shown.notice is Notice.GRANTED


async def test_a_zero_at_the_instant_of_the_card_belongs_to_the_pin(world: "World") -> None:
    world.state.enrol(world.card, "0258")
    world.keypad.press("0258#")
    await world.settled()
    at = world.clock.monotonic()
    await world.scan(world.card)
    await world.wait(60)
    assert world.strike.log == [(at, "on"), (at + 5, "off")]


async def test_a_second_card_waits_and_never_inherits_the_session(world: "World") -> None:
    await world.scan(world.card)
    await world.press("11")
    assert (await world.scan(world.other_card)).notice is Notice.WAIT
    await world.press("11#")  # the second patron's PIN, at the first one's card
    await world.wait(1)
    assert world.shown.notice is Notice.WRONG_CARD_OR_PIN
    (row,) = world.decisions
    assert row.card == world.index.keys_of(world.card).state[0]
    assert world.strike.commands == []


async def test_a_second_card_while_the_first_is_decided_waits(world: "World") -> None:
    await world.scan(world.card)
    world.journal.gate.clear()
    await world.press(world.pin + "#")
    assert (await world.scan(world.other_card)).notice is Notice.WAIT
    await world.press("1111#")
    world.journal.gate.set()
    await world.settled()
    assert world.shown.notice is Notice.GRANTED
    assert len(world.decisions) == 1


async def test_two_cards_at_once_are_one_session(world: "World") -> None:
    world.reader.scan(world.card)
    world.reader.scan(world.other_card)
    await world.settled()
    assert world.notices == [Notice.IDLE, Notice.ENTER_PIN, Notice.WAIT]
    assert (await world.press(world.pin + "#")).notice is Notice.GRANTED
    await world.wait(60)
    assert [row.card for row in world.decisions] == [world.index.keys_of(world.card).state[0]]


async def test_the_same_card_read_twice_is_silent(world: "World") -> None:
    await world.scan(world.card)
    for _ in range(5):
        await world.wait(0.9)
        await world.scan(f"*{world.card.lower()}*")
    assert world.notices == [Notice.IDLE, Notice.ENTER_PIN]
    await world.wait(1.0)
    assert (await world.scan(world.card)).notice is Notice.WAIT


@pytest.mark.parametrize(
    "code",
    ["9789511234567", "951123456X", "167N00000001", "'; DROP TABLE event;--", "&<>\"'", "x" * 65],
)
async def test_what_is_no_card_is_told_so_and_looked_up_nowhere(world: "World", code: str) -> None:
    world.index.broken = True  # a look-up would show a fault
    assert await world.scan(code) == Shown(Notice.NOT_A_LIBRARY_CODE)
    await world.press("2580#")
    await world.wait(60)
    assert world.journal.rows == []
    assert world.strike.commands == []


async def test_a_book_scanned_during_a_session_changes_nothing(world: "World") -> None:
    await world.scan(world.card)
    await world.press("25")
    await world.scan("9789511234567")
    assert world.shown == Shown(Notice.ENTER_PIN, digits=2)
    assert (await world.press("80#")).notice is Notice.GRANTED


async def test_a_code_that_fits_card_and_item_is_a_card(world: "World") -> None:
    await world.scan("2600000017")
    assert world.shown == Shown(Notice.ENTER_PIN)


async def test_a_door_that_asks_for_no_pin_while_staff_are_there(
    new_world: "type[World]",
) -> None:
    door = replace(new_world.door, pin_staffed=False)
    async with new_world(hours="09:00-18:00 staffed", door=door) as world:
        assert (await world.scan(world.card)).notice is Notice.GRANTED
        await world.wait(6)
        assert (await world.scan(world.unknown)).notice is Notice.WRONG_CARD_OR_PIN
        await world.jump(10 * 3600)
        assert (await world.scan(world.card)).notice is Notice.CLOSED
        assert world.pins.calls == 0


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_a_card_scanned_as_the_staff_leave_is_not_let_in_without_its_pin(
    new_world: "type[World]", monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    door = replace(new_world.door, pin_staffed=False)
    async with new_world(hours="00:00-24:00 staffed", door=door) as world:
        find = world.credentials.find

        def found_as_staff_leave(index: bytes) -> Credential | None:
            world.hours = "00:00-24:00 self-service"
            return find(index)

        monkeypatch.setattr(world.credentials, "find", found_as_staff_leave)
        shown = await world.scan(world.card if known else world.unknown)
        assert shown.notice is Notice.PIN_TIMEOUT
        assert world.strike.commands == []
        assert world.reasons == [Reason.PIN_TIMEOUT if known else Reason.UNKNOWN_CARD]


async def test_ten_unknown_cards_in_a_minute_slow_the_reader_and_raise_one_alert(
    world: "World",
) -> None:
    for number in range(10):
        assert await world.come(f"167A9000{number:02}") is Notice.WRONG_CARD_OR_PIN
    assert (await world.scan(world.card)).notice is Notice.WAIT  # 2 s after the last read
    await world.wait(1.1)
    assert (await world.scan(world.card)).notice is Notice.ENTER_PIN
    assert (await world.press(world.pin + "#")).notice is Notice.GRANTED
    await world.wait(2.9)
    assert (await world.scan(world.other_card)).notice is Notice.WAIT
    await world.wait(1.1)
    assert await world.come("167A900010") is Notice.WRONG_CARD_OR_PIN
    await world.wait(60)
    for card, pin in ((world.card, world.pin), (world.other_card, "1111")):
        assert await world.come(card, pin) is Notice.GRANTED
    assert world.tried_out == ["front"]


async def test_a_denial_is_answered_half_a_second_after_the_last_key(
    new_world: "type[World]",
) -> None:
    async with new_world(timing=Timing(deny_after=0.4)) as world:
        await world.scan(world.card)
        await world.wait(3)
        at = world.clock.monotonic()
        await world.press("9999#")
        await world.wait(0.39)
        assert world.notice() is Notice.ENTER_PIN
        await world.wait(0.01)
        assert world.notice() is Notice.WRONG_CARD_OR_PIN
        assert world.panel.times[-1] == at + 0.4
