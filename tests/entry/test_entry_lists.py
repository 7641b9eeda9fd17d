"""The two lists, and what is told at the scan, before any PIN."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from kioskd.access.facts import DoorPolicy
from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.domain.decision import DecidedBy, Reason
from kioskd.domain.notice import Notice, Shown

if TYPE_CHECKING:
    from tests.entry.conftest import World

EVENING = "18:00-22:00 self-service"
OPENS = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


async def test_a_deny_listed_card_with_its_pin_is_denied(world: "World") -> None:
    world.state.deny(world.card)
    assert (await world.scan(world.card)).notice is Notice.ENTER_PIN
    await world.press(world.pin + "#")
    await world.wait(1)
    assert world.shown == Shown(Notice.DENIED)
    assert world.decisions[0].decided_by is DecidedBy.LIST
    assert world.reasons == [Reason.DENY_LISTED]
    assert world.strike.commands == []


async def test_a_deny_listed_card_with_a_wrong_pin_is_charged_and_shows_nothing(
    world: "World",
) -> None:
    world.state.deny(world.card)
    assert await world.come(pin="9999") is Notice.WRONG_CARD_OR_PIN
    assert world.reasons == [Reason.DENY_LISTED]
    assert [lockout.failures for lockout in world.journal.attempts.values()] == [1]
    for _ in range(4):
        await world.come(pin="9999")
    assert (await world.scan(world.card)).notice is Notice.TRY_LATER


async def test_a_deny_listed_card_outside_opening_hours_is_told_of_the_hours(
    new_world: "type[World]",
) -> None:
    async with new_world(hours=EVENING) as world:
        world.state.deny(world.card)
        assert await world.scan(world.card) == Shown(Notice.CLOSED, opens=OPENS)
        assert world.reasons == [Reason.DENY_LISTED]


async def test_both_lists_at_once_deny(world: "World") -> None:
    world.state.lists[world.index.keys_of(world.card).state[0]] = replace(
        world.state.listed((), world.clock.moment().wall), allowed=True, denied=True
    )
    assert await world.come() is Notice.DENIED


def lock_down(world: "World") -> None:
    world.state.locked_down = True


def distrust_the_clock(world: "World") -> None:
    world.trust.trusted = False


def close(world: "World") -> None:
    world.hours = EVENING


def age_the_cache(world: "World") -> None:
    now = world.clock.moment()
    world.credentials.synced = replace(now, boot=now.boot - 121 * 3600)


def restricted(kind: RestrictionKind) -> "Callable[[World], None]":
    def change(world: "World") -> None:
        world.restrict(world.card, Credential(restrictions=(Restriction(kind),)))

    return change


def expired(world: "World") -> None:
    world.restrict(world.card, Credential(expires=date(2026, 11, 22)))


def lock_out(world: "World") -> None:
    for _ in range(5):
        world.lockouts.charge(world.index.keys_of(world.card).state, world.clock.moment())


TOLD_AT_THE_SCAN = [
    (lock_down, Reason.LOCKDOWN, Shown(Notice.LOCKDOWN)),
    (distrust_the_clock, Reason.CLOCK_UNTRUSTED, Shown(Notice.FAULT, code="11")),
    (close, Reason.CLOSED, Shown(Notice.CLOSED, opens=OPENS)),
]


@pytest.mark.parametrize(("change", "reason", "shown"), TOLD_AT_THE_SCAN)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_what_concerns_everybody_is_told_at_the_scan(
    world: "World", change: "Callable[[World], None]", reason: Reason, shown: Shown, known: bool
) -> None:
    change(world)
    at = world.clock.monotonic()
    assert await world.scan(world.card if known else world.unknown) == shown
    assert world.clock.monotonic() == at
    assert world.reasons == [reason]
    await world.press(world.pin + "#")
    await world.wait(60)
    assert world.pins.calls == 0
    assert world.journal.attempts == {}
    assert Notice.ENTER_PIN not in world.notices
    assert world.strike.commands == []


WAIVED = [
    lock_down,
    distrust_the_clock,
    close,
    age_the_cache,
    expired,
    restricted(RestrictionKind.SELF_SERVICE_BLOCK),
    restricted(RestrictionKind.TERMS_MISSING),
    restricted(RestrictionKind.UNDER_AGE),
    restricted(RestrictionKind.DEBARRED),
    restricted(RestrictionKind.FEES),
]
NEVER_WAIVED = [
    (lock_out, Notice.TRY_LATER),
    (restricted(RestrictionKind.LOST), Notice.CARD_LOST),
    (restricted(RestrictionKind.USE_BAN), Notice.USE_BAN),
]
STRICT = DoorPolicy("ESI", debarred_blocks=True, fees_block=True)


@pytest.mark.parametrize("change", WAIVED)
async def test_the_allow_list_waives_what_the_policy_says(
    new_world: "type[World]", change: "Callable[[World], None]"
) -> None:
    async with new_world(policy=STRICT) as world:
        change(world)
        assert await world.come() is not Notice.GRANTED
        await world.wait(60)
        world.state.allow(world.card)
        assert await world.come() is Notice.GRANTED
        assert world.decisions[-1].decided_by is DecidedBy.LIST


@pytest.mark.parametrize(("change", "notice"), NEVER_WAIVED)
async def test_the_allow_list_never_waives_these(
    new_world: "type[World]", change: "Callable[[World], None]", notice: Notice
) -> None:
    async with new_world(policy=STRICT) as world:
        world.state.allow(world.card)
        assert await world.come() is Notice.GRANTED
        await world.wait(60)
        change(world)
        assert await world.come() is notice
        assert world.strike.commands == ["on", "off"]


async def test_the_allow_list_does_not_waive_the_pin(world: "World") -> None:
    world.state.allow(world.card)
    assert await world.come(pin="9999") is Notice.WRONG_CARD_OR_PIN


async def test_a_cleaner_without_a_register_comes_in_with_the_enrolled_pin(world: "World") -> None:
    cleaner = "167A000500"
    world.state.allow(cleaner)
    world.state.enrol(cleaner, "7007")
    world.credentials.readable = False
    world.credentials.synced = None
    world.hours = ""
    assert await world.come(cleaner, "7007") is Notice.GRANTED
    assert await world.come(cleaner, "7008") is Notice.WRONG_CARD_OR_PIN
    assert (await world.scan(world.card)).notice is Notice.CLOSED


async def test_an_enrolled_card_on_no_list_and_in_no_feed_is_an_unknown_one(
    world: "World",
) -> None:
    world.state.enrol(world.unknown, "7007")
    assert await world.come(world.unknown, "7007") is Notice.WRONG_CARD_OR_PIN
    assert world.reasons == [Reason.UNKNOWN_CARD]
    assert not world.decisions[0].known
    assert [lockout.failures for lockout in world.journal.attempts.values()] == [1]
    world.state.allow(world.unknown)
    assert await world.come(world.unknown, "7007") is Notice.GRANTED
    world.state.lists.clear()  # as when the entry has run out
    await world.wait(60)
    assert await world.come(world.unknown, "7007") is Notice.WRONG_CARD_OR_PIN
    assert world.strike.commands == ["on", "off"]


async def test_an_enrolled_card_opens_nothing_once_the_register_forgot_it(world: "World") -> None:
    world.state.enrol(world.card, "7007")
    assert await world.come(pin="7007") is Notice.GRANTED
    world.credentials.rows.clear()
    await world.wait(60)
    assert await world.come(pin="7007") is Notice.WRONG_CARD_OR_PIN


async def test_an_enrolled_card_opens_nothing_by_itself_while_the_cache_is_unreadable(
    world: "World",
) -> None:
    world.state.enrol(world.card, "7007")
    world.credentials.damaged = True
    assert await world.come(pin="7007") is Notice.FAULT
    assert world.reasons == [Reason.CACHE_UNREADABLE]


async def test_a_deny_listed_card_with_its_enrolled_pin_is_denied_and_not_charged(
    world: "World",
) -> None:
    world.state.enrol(world.unknown, "7007")
    world.state.deny(world.unknown)
    assert await world.come(world.unknown, "7007") is Notice.DENIED
    assert world.journal.attempts == {}


async def test_an_enrolled_pin_takes_the_place_of_the_exported_one(world: "World") -> None:
    world.state.enrol(world.card, "7007")
    assert await world.come() is Notice.WRONG_CARD_OR_PIN
    assert await world.come(pin="7007") is Notice.GRANTED
    world.restrict(world.card, Credential(restrictions=(Restriction(RestrictionKind.USE_BAN),)))
    assert await world.come(pin="7007") is Notice.USE_BAN


async def test_a_block_shows_its_last_day_only_after_the_right_pin(world: "World") -> None:
    block = Restriction(RestrictionKind.SELF_SERVICE_BLOCK, until=date(2026, 12, 24))
    world.restrict(world.card, Credential(restrictions=(block,)))
    assert await world.come(pin="9999") is Notice.WRONG_CARD_OR_PIN
    await world.come()
    assert world.shown == Shown(Notice.SELF_SERVICE_BLOCK, until=date(2026, 12, 24))


async def test_the_door_closes_while_the_pin_is_typed(world: "World") -> None:
    await world.scan(world.card)
    close(world)
    await world.press(world.pin + "#")
    await world.wait(1)
    assert world.shown == Shown(Notice.CLOSED, opens=OPENS)
    assert world.pins.calls == 0
    assert world.journal.attempts == {}


async def test_an_old_cache_lets_in_who_was_let_in_lately_where_the_site_says_so(
    new_world: "type[World]",
) -> None:
    async with new_world(policy=DoorPolicy("ESI", allow_recent_when_stale=True)) as world:
        assert await world.come() is Notice.GRANTED
        await world.jump(121 * 3600)
        assert await world.come() is Notice.GRANTED
        assert await world.come(world.other_card, "1111") is Notice.FAULT
        assert world.shown.code == "21"
        await world.jump(timedelta(days=15).total_seconds())
        assert await world.come() is Notice.FAULT
