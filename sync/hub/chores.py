"""The chores of a hub, and when each is due.

    turning     restrictions that ended, ages that are reached: at the start, then at local midnight
    published   cards of lists whose day is over: likewise
    wrapping    a register's bcrypt under argon2id: often, because a changed PIN waits for it
    forgetting  tombstones, old events, used codes: hourly
    counts      wrong PINs, days of use that nobody fetched: hourly

Deliberately not here: doing them in turn, once among several hubs (housekeeping).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sync.hub import activity
from sync.hub.activity import Activities
from sync.hub.database import Database
from sync.hub.forgetting import forget
from sync.hub.model import HubConfig
from sync.hub.publishing import Publishing
from sync.hub.sealing import HubKeys
from sync.hub.turning import turn_day
from sync.hub.verify import forget_failures
from sync.hub.wrapping import wrap

HOUR: Final = 3600.0  # seconds
WRAP_EVERY: Final = 20.0
_AFTER_MIDNIGHT: Final = 1.0  # never a moment too early

Wait = Callable[[datetime], float]


@dataclass(frozen=True, slots=True)
class House:
    """What chores work on."""

    database: Database
    keys: HubKeys
    config: HubConfig
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do again and again. wait: seconds from a time to when it is due next.

    It may be done by two hubs at once, and be cut off anywhere.
    """

    name: str
    run: Callable[[], Awaitable[object]]
    wait: Wait


def chores_of(house: House, stop: asyncio.Event) -> tuple[Chore, ...]:
    """All of them; one in hand ends soon after `stop` is set."""
    database, keys, config, now = house.database, house.keys, house.config, house.now
    publishing = Publishing(database, keys, config, now)
    midnight = _until_midnight(ZoneInfo(config.timezone))
    return (
        Chore("turning", lambda: turn_day(database, keys, config, now), midnight),
        Chore("published", publishing.forget_over, midnight),
        Chore("wrapping", lambda: wrap(database, keys, stop=stop), lambda at: WRAP_EVERY),
        Chore("forgetting", lambda: forget(database, config, now), lambda at: HOUR),
        Chore("counts", lambda: _forget_counts(house), lambda at: HOUR),
    )


async def _forget_counts(house: House) -> int:
    activities = Activities(house.database, house.config, house.now)
    forgotten = await activities.forget(house.now() - activity.KEPT)
    return forgotten + await forget_failures(house.database, house.now)


def _until_midnight(zone: ZoneInfo) -> Wait:
    def wait(at: datetime) -> float:
        tomorrow = at.astimezone(zone).date() + timedelta(days=1)
        midnight = datetime.combine(tomorrow, time(), zone)
        return midnight.timestamp() - at.timestamp() + _AFTER_MIDNIGHT

    return wait
