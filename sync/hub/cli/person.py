"""kioskd-hub person show: what the hub holds of a card, when a patron asks.

    kioskd-hub person show --card-stdin < card       # JSON, without the number and the PIN's hash

Deliberately not here: looking (sync.hub.person), and erasing: the register does that.
"""

import argparse
import asyncio
import sys
from datetime import date
from typing import Any

from kioskd.domain.card import MAX_SCAN, canonical
from kioskd.domain.credential import Restriction
from kioskd.errors import InputError
from sync.hub.cli.common import add_config, add_key_file, config_of, opened_with_keys, print_json
from sync.hub.model import HubConfig
from sync.hub.person import Held, Shown, shown


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command and its options."""
    person = commands.add_parser(
        "person",
        help="what the hub holds of a card: person show",
        description="For answers to patrons who ask what is held of them.",
    )
    under = person.add_subparsers(dest="person_command", required=True, metavar="COMMAND")
    show = under.add_parser(
        "show",
        help="everything of a card as JSON, but its number and PIN",
        description="Everything that the hub holds of a card as JSON, but its number and its "
        "PIN's hash. Make sure first who asks. Nothing of it is logged.",
    )
    show.add_argument(
        "--card-stdin", action="store_true", required=True, help="read the card from standard input"
    )
    add_config(show)
    add_key_file(show)
    show.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0, be it nothing."""
    config = config_of(args)
    card = sys.stdin.readline(MAX_SCAN + 2).strip()
    if not canonical(card) or len(card) > MAX_SCAN:
        raise InputError("standard input: no card number on its first line")
    found = asyncio.run(_look(config, card))
    print_json({"held": [_row(held) for held in found.held], "wrong_pins": found.failures})
    return 0


async def _look(config: HubConfig, card: str) -> Shown:
    async with opened_with_keys(config) as hub:
        return await shown(hub.database, hub.keys, config, card)


def _row(held: Held) -> dict[str, object]:
    person = held.person
    row: dict[str, object] = {"feed": held.feed, "used_on": list(held.used_on)}
    if person is None:
        return row | {"removed": True}
    consent = person.consent
    return row | {
        "branches": list(held.branches),
        "pin": person.verifier is not None,
        "restrictions": [_restriction(one) for one in person.restrictions],
        "expires": _day(person.expires),
        "ages": {str(limit): str(state) for limit, state in person.ages.items()},
        "consent": consent if isinstance(consent, bool) else list(consent),
        "terms": person.terms,
        "category": person.category,
        "language": person.language,
        "locked": person.locked,
        "institution": person.institution,
    }


def _restriction(one: Restriction) -> dict[str, str]:
    told = {"kind": one.kind.value, "until": _day(one.until), "branch": one.branch}
    told["code"] = one.code
    return {key: value for key, value in told.items() if value is not None}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
