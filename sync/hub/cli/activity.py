"""kioskd-hub activity: on which days cards were used, for the register (R16 of the privacy rules).

    kioskd-hub activity export --feed esi > used.csv        # card,date
    kioskd-hub activity forget --feed esi --before TIME     # the time that export told

In two steps, so that nothing is lost when the register did not take it.
Deliberately not here: how the register is told.
"""

import argparse
import asyncio
import csv
import sys
from datetime import datetime
from typing import Any

from kioskd.domain.moment import stamp
from kioskd.errors import InputError
from sync.hub.activity import Activities
from sync.hub.cli.common import (
    add_config,
    add_json,
    add_key_file,
    config_of,
    feed_of,
    now,
    opened,
    opened_with_keys,
    print_json,
    say,
)
from sync.hub.model import HubConfig


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The commands and their options."""
    activity = commands.add_parser(
        "activity",
        help="cards that were used, for the register: activity export",
        description="Days on which cards were used, so that the register does not remove a patron "
        "who only visits.",
    )
    under = activity.add_subparsers(dest="activity_command", required=True, metavar="COMMAND")
    export = under.add_parser(
        "export",
        help="lines card,date on standard output",
        description="Lines card,date on standard output, oldest day first, one a patron and day. "
        "They are card numbers: give them to the register's program, keep them nowhere.",
    )
    _options(export)
    add_key_file(export)
    export.set_defaults(run=run_export)
    forget = under.add_parser(
        "forget", help="drop what the register has", description="Drop what the register has."
    )
    _options(forget)
    forget.add_argument("--before", required=True, metavar="TIME", help="as export told it")
    forget.set_defaults(run=run_forget)


def run_export(args: argparse.Namespace) -> int:
    """0 once everything that is owed was written."""
    config = config_of(args)
    feed, before = feed_of(config, args.feed), now()
    count = asyncio.run(_export(config, feed, before, as_json=args.json))
    sys.stdout.flush()
    say(
        f"{count} lines; once the register has them: kioskd-hub activity forget --feed {feed} "
        f"--before {stamp(before)}"
    )
    return 0


def run_forget(args: argparse.Namespace) -> int:
    """0 once it is gone."""
    config = config_of(args)
    feed, before = feed_of(config, args.feed), _time(args.before)
    gone = asyncio.run(_forget(config, feed, before))
    if args.json:
        print_json({"feed": feed, "forgotten": gone})
    else:
        say(f"{feed}: {gone} forgotten")
    return 0


async def _export(config: HubConfig, feed: str, before: datetime, *, as_json: bool) -> int:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    lines: list[dict[str, str]] = []
    count = 0
    async with opened_with_keys(config) as hub:
        owed = Activities(hub.database, config, now).owed(feed, hub.keys, before)
        async for card, day in owed:
            count += 1
            if as_json:
                lines.append({"card": card, "date": day.isoformat()})
            else:
                writer.writerow((card, day.isoformat()))
    if as_json:
        print_json({"feed": feed, "before": stamp(before), "activity": lines})
    return count


async def _forget(config: HubConfig, feed: str, before: datetime) -> int:
    async with opened(config) as database:
        return await Activities(database, config, now).forget(before, feed)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--feed", required=True, metavar="FEED")
    add_config(parser)
    add_json(parser)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InputError(f"--before {text[:40]!r}: give the time that export told, with its Z")
    return at
