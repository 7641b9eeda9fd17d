"""How old the cache is and who was let in lately, by clocks that were wrong for a while."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.access.facts import DoorPolicy
from kioskd.domain.decision import Reason
from kioskd.domain.moment import Moment
from kioskd.domain.notice import Notice
from kioskd.entry.dossier import age_of

if TYPE_CHECKING:
    from tests.entry.conftest import World

NOW = Moment(datetime(2026, 11, 23, 16, 0, tzinfo=UTC), 5000.0, "boot-2")
IN_2037 = datetime(2037, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_cache_of_another_boot_that_is_stamped_in_the_future_has_no_age() -> None:
    assert age_of(Moment(IN_2037, 10.0, "boot-1"), NOW) is None
    assert age_of(Moment(NOW.wall + timedelta(seconds=61), 10.0, "boot-1"), NOW) is None
    near = Moment(NOW.wall + timedelta(seconds=60), 10.0, "boot-1")
    assert age_of(near, NOW) == timedelta(0)


def test_a_cache_of_this_boot_that_is_stamped_in_the_future_ages_by_the_boot_clock() -> None:
    assert age_of(Moment(IN_2037, 1400.0, "boot-2"), NOW) == HOUR


def test_a_boot_clock_that_went_back_is_another_boot() -> None:
    """Where the kernel names no boot, all of them have the same empty name."""
    assert age_of(Moment(IN_2037, 9000.0, ""), replace(NOW, boot_id="")) is None


def test_the_larger_of_both_clocks_is_the_age() -> None:
    assert age_of(Moment(NOW.wall - 3 * HOUR, 1400.0, "boot-2"), NOW) == 3 * HOUR
    assert age_of(Moment(NOW.wall - HOUR, 0.0, "boot-2"), NOW) == timedelta(seconds=5000)
    assert age_of(Moment(NOW.wall - 3 * HOUR, 9000.0, "boot-1"), NOW) == 3 * HOUR


async def test_a_cache_stamped_in_the_future_is_too_old(world: "World") -> None:
    world.credentials.synced = Moment(IN_2037, 10.0, "an earlier boot")
    await world.come()
    assert world.reasons == [Reason.CACHE_TOO_OLD]


@pytest.mark.parametrize(
    ("ago", "notice"),
    [
        (13 * 24 * HOUR, Notice.GRANTED),
        (15 * 24 * HOUR, Notice.FAULT),
        (-timedelta(seconds=30), Notice.GRANTED),
        (-HOUR, Notice.FAULT),
    ],
)
async def test_a_stale_cache_lets_in_who_was_let_in_lately_and_not_in_the_future(
    new_world: "type[World]", ago: timedelta, notice: Notice
) -> None:
    async with new_world(policy=DoorPolicy("ESI", allow_recent_when_stale=True)) as world:
        now = world.clock.moment()
        world.credentials.synced = replace(now, boot=now.boot - 121 * 3600)
        world.journal.grants[world.index.keys_of(world.card).state[0]] = now.wall - ago
        assert await world.come() is notice


async def test_the_right_pin_forgets_failures_under_older_indices_too(
    new_world: "type[World]",
) -> None:
    """After a rekey a card has two indices; the older one must not come back at a restart."""
    async with new_world() as world:
        await world.come(pin="9999")
        world.index.older = 1
        assert len(world.journal.attempts) == 1
        assert await world.come() is Notice.GRANTED
        assert world.journal.attempts == {}


moments = st.builds(
    Moment,
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.floats(0, 1e9),
    st.sampled_from(["boot-1", "boot-2"]),
)


@given(moments, st.timedeltas(timedelta(0), timedelta(days=365)))
def test_no_cache_gets_younger_while_the_clocks_run(synced: Moment, apart: timedelta) -> None:
    later = replace(NOW, wall=NOW.wall + apart, boot=NOW.boot + apart.total_seconds())
    first, second = age_of(synced, NOW), age_of(synced, later)
    if first is not None:
        assert second is not None
        assert timedelta(0) <= first <= second
