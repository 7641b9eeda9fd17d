"""How a feed's imports stand, made of their records; and what of it is not well.

Deliberately not here: the records themselves (imports.history), and devices (device_faults).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.moment import stamp
from sync.hub.database import Database
from sync.hub.model import HubConfig
from sync.hub.schema import IMPORT, LEASE

_LOCK: Final = "import:"  # imports.lock names its lease so
_CONFIRM: Final = "--confirm-shrink"


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed's imports. full: when the last one began that did its work; None: never, or long ago.

    other: when the last delta or list ended. open: how many since then have no end, because they
    run or were cut off; running: since when one runs. failed: how many ended with a fault. Of the
    last full import that came to its end, and kept_back of deltas since: bad rows, cards that were
    to go and did not, whether so much was bad that none did (broken), whether nobody was in it.
    """

    feed: str
    full: datetime | None = None
    other: datetime | None = None
    open: int = 0
    failed: int = 0
    running: datetime | None = None
    bad: int = 0
    kept_back: int = 0
    broken: bool = False
    empty: bool = False


async def feed_states(database: Database, config: HubConfig, now: datetime) -> list[FeedState]:
    """Every feed of the configuration. StoreError."""
    asked = select(IMPORT.c.feed, IMPORT.c.full, IMPORT.c.started, IMPORT.c.outcome)
    async with database.reading() as connection:
        found = (await connection.execute(asked.order_by(IMPORT.c.started))).all()
        busy = await _busy(connection, now)
    states = {feed: FeedState(feed) for feed in config.feeds()}
    for feed, full, started, outcome in found:
        if feed in states:
            at = datetime.fromisoformat(started)
            states[feed] = _after(states[feed], at, outcome, full=full, busy=feed in busy)
    return list(states.values())


def faults_of_feed(feed: FeedState, config: HubConfig, now: datetime) -> list[str]:
    """What is not well, a sentence each."""
    told = []
    if feed.failed:
        imports = "1 import" if feed.failed == 1 else f"{feed.failed} imports"
        told.append(f"{imports} failed since the last good full one")
    told += [*_of_content(feed), *_of_age(feed, config, now)]
    return [f"feed {feed.feed}: {text}" for text in told]


async def _busy(connection: AsyncConnection, now: datetime) -> set[str]:
    """The feeds of which an import runs now."""
    asked = select(LEASE.c.name).where(LEASE.c.until > stamp(now), LEASE.c.name.startswith(_LOCK))
    return {name.removeprefix(_LOCK) for name in (await connection.execute(asked)).scalars()}


def _after(
    state: FeedState, started: datetime, outcome: str | None, *, full: bool, busy: bool
) -> FeedState:
    """A feed after one more import; outcome as history keeps it."""
    if outcome is None:
        return replace(state, open=state.open + 1, running=started if busy else None)
    told = json.loads(outcome)
    if "fault" in told:
        return replace(state, failed=state.failed + 1)
    if not full:
        return replace(state, other=started, kept_back=state.kept_back + told.get("kept_back", 0))
    return _after_full(state, started, told)


def _after_full(state: FeedState, started: datetime, told: Mapping[str, Any]) -> FeedState:
    state = replace(
        state,
        bad=told.get("bad", 0),
        kept_back=told.get("kept_back", 0),
        broken=told.get("broken", False),
        empty=told.get("empty", False),
    )
    if not told.get("fresh"):
        return state
    return replace(state, full=started, open=0, failed=0, running=None)


def _of_content(feed: FeedState) -> list[str]:
    told = ["the last full import was empty; look at the export"] if feed.empty else []
    if feed.kept_back:
        cards = "1 card waits" if feed.kept_back == 1 else f"{feed.kept_back} cards wait"
        told.append(f"{cards} to be dropped ({'mend the export' if feed.broken else _CONFIRM})")
    if feed.bad:
        rows = "1 row" if feed.bad == 1 else f"{feed.bad} rows"
        told.append(f"{rows} of the last full import {'was' if feed.bad == 1 else 'were'} bad")
    return told


def _of_age(feed: FeedState, config: HubConfig, now: datetime) -> list[str]:
    if feed.full is None:
        return ["no full import yet"]
    if now - feed.full > timedelta(hours=config.near_hours):
        hours = (now - feed.full) // timedelta(hours=1)
        told = f"the last full import is {hours} hours old; after {config.near_hours}"
        return [f"{told} who turned {_ages(config, feed.feed)} is kept out"]
    return []


def _ages(config: HubConfig, feed: str) -> str:
    return " or ".join(map(str, config.ages_of(feed))) or "old enough"
