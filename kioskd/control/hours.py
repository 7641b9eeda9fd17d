"""The opening hours of some days, as commands and screens ask for them: schedule-show.

    {"from": "2026-11-23", "days": 14}      both may be left out: from today, two weeks

    {"zone": "Europe/Helsinki", "now": ISO, "state": "staffed", "next_change": ISO or null,
     "days": [{"date": "2026-11-23", "title": "", "source": "weekly|holiday|exception|staff",
               "tiles": [{"from": ISO, "to": ISO, "state": "closed"}, ...]}, ...]}

Times are local with their offset, so a day of 23 or 25 hours needs no explaining. The tiles of a
day cover it without gap. The title is in the first language of the site that it is written in.
Deliberately not here: giving a date other hours (staff_hours.py), and pictures.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from kioskd.access.schedule import SEARCH_DAYS, Origin, Schedule, StaffException
from kioskd.config.model import Config, Texts
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Run, only, text
from kioskd.errors import InputError
from kioskd.ports import Clock

DAYS: Final = 14
MOST_DAYS: Final = 31
MOST_TILES: Final = 350  # of 100 bytes; with the titles they fit into a line of the wire
FIRST_YEAR, LAST_YEAR = 1970, 2200  # beyond, arithmetic with zones overflows
_DAY = timedelta(days=1)
_STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Noted:
    """A date with hours of its own: what it is called, and who has it, the file or staff."""

    date: date
    title: str
    source: str  # exception | staff


def noted(config: Config, staff: Iterable[StaffException]) -> tuple[Noted, ...]:
    """The dates of the file and those of staff, which count where both have one."""
    languages = config.site.languages
    found = {
        e.date: Noted(e.date, _in(languages, e.title), Origin.EXCEPTION.value)
        for e in config.schedule.exceptions
    }
    found |= {e.date: Noted(e.date, e.title, _STAFF) for e in staff}
    return tuple(found.values())


def hours_verbs(
    schedule: Callable[[], Schedule], dates: Callable[[], Iterable[Noted]], clock: Clock
) -> Mapping[str, Run]:
    """The verb, for a daemon or for a command without one."""

    async def show(person: Person, args: Arguments) -> Answer:
        only(args, "from", "days")
        hours, now = schedule(), clock.moment().wall
        first = _first(args, now.astimezone(hours.zone).date())
        known = {each.date: each for each in dates()}
        days = []
        for offset in range(_count(args)):
            days.append(_shown(hours, first + offset * _DAY, known))
            await asyncio.sleep(0)  # doors before pictures: a day at a time
        if sum(len(day["tiles"]) for day in days) > MOST_TILES:
            raise InputError("days: the hours change too often for one answer; ask for fewer days")
        change = await _next_change(hours, now)
        return {
            "zone": str(hours.zone),
            "now": _local(hours, now),
            "state": hours.state_at(now).value,
            "next_change": _local(hours, change) if change else None,
            "days": days,
        }

    return {"schedule-show": show}


def _shown(hours: Schedule, day: date, known: Mapping[date, Noted]) -> dict[str, Any]:
    origin = hours.origin(day)
    note = known.get(day) if origin is Origin.EXCEPTION else None
    return {
        "date": day.isoformat(),
        "title": note.title if note else "",
        "source": note.source if note else origin.value,
        "tiles": [
            {
                "from": _local(hours, tile.start),
                "to": _local(hours, tile.end),
                "state": tile.state.value,
            }
            for tile in hours.tiles(day, day)
        ],
    }


async def _next_change(hours: Schedule, now: datetime) -> datetime | None:
    """As Schedule.next_change, a day at a time: a site that is always open has none to find."""
    state, today = hours.state_at(now), now.astimezone(hours.zone).date()
    for offset in range(SEARCH_DAYS + 1):
        day = today + offset * _DAY
        for tile in hours.tiles(day, day):
            if tile.start > now and tile.state is not state:
                return tile.start
        await asyncio.sleep(0)
    return None


def _local(hours: Schedule, at: datetime) -> str:
    return at.astimezone(hours.zone).isoformat(timespec="seconds")


def _first(args: Arguments, today: date) -> date:
    written = text(args, "from", default=today.isoformat())
    try:
        first = date.fromisoformat(written)
    except ValueError:
        raise InputError("from: give a date like 2026-11-23") from None
    if not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise InputError(f"from: years {FIRST_YEAR} to {LAST_YEAR} can be shown")
    return first


def _count(args: Arguments) -> int:
    count = args.get("days", DAYS)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_DAYS:
        raise InputError(f"days: give a number from 1 to {MOST_DAYS}")
    return count


def _in(languages: Iterable[str], title: Texts) -> str:
    return next((title[language] for language in languages if language in title), "") or next(
        iter(title.values()), ""
    )
