"""Every rule for a card at a door, by the daemon's own facts: explain.

    {"door": "front", "card": "...", "at": "2026-11-23T18:00" or left out}

    {"door", "at", "granted", "reason", "rules": [{"rule", "passed", "detail"}]}

It is a look at somebody's card, so it is journalled with who looked before it is answered; the
number goes no further than to its index. Deliberately not here: the rules (kioskd.access.explain).
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from kioskd.control.acts import Acts
from kioskd.control.cards import SiteCards
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Run, only, text
from kioskd.errors import InputError

Explain = Callable[[str, str, datetime | None], Awaitable[dict[str, Any]]]
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200  # beyond, arithmetic with zones overflows


def explain_verbs(
    explain: Explain, cards: SiteCards, acts: Acts, zone: ZoneInfo
) -> Mapping[str, Run]:
    """The verb. explain: of a door, a canonical number and a time, None for now. InputError."""

    async def run(person: Person, args: Arguments) -> Answer:
        only(args, "door", "card", "at")
        door, number = text(args, "door"), cards.number_of(args)
        at = _instant(text(args, "at", most=40), zone) if args.get("at") is not None else None
        found = await explain(door, number, at)
        card = cards.keys_of(number).state[0]
        await acts.write(person, "explain", door=door, card=card)
        return found

    return {"explain": run}


def _instant(given: str, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise InputError(
            f"at: {given!r} is no time; write it as 2026-11-23T18:00 or 2026-11-23T16:00Z"
        ) from None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise InputError(f"at: years {FIRST_YEAR} to {LAST_YEAR} can be used")
    return at if at.tzinfo else at.replace(tzinfo=zone)
