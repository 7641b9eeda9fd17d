"""kioskd-hub status: imports, devices, alarms, work that waits, certificate.

Deliberately not here: what counts as not well (sync.hub.overview).
"""

import argparse
import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sync.hub.cli.ages import ago
from sync.hub.cli.common import (
    add_config,
    add_json,
    config_of,
    now,
    opened,
    print_json,
    printable,
    wide_console,
)
from sync.hub.cli.device import as_json, drawn
from sync.hub.feed_states import FeedState
from sync.hub.model import HubConfig
from sync.hub.overview import Overview, overview


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "status",
        help="imports, devices, alarms and certificate at a glance",
        description="How the hub is. Exit code 0: well; 1: something is not, said in words.",
    )
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when all is well, 1 when something is not."""
    config = config_of(args)
    found = asyncio.run(_look(config))
    if args.json:
        print_json(_as_json(found))
    else:
        _draw(found, ZoneInfo(config.timezone))
    return 1 if found.faults else 0


async def _look(config: HubConfig) -> Overview:
    async with opened(config) as database:
        return await overview(database, config, now())


def _as_json(found: Overview) -> dict[str, object]:
    return {
        "at": found.at.isoformat(),
        "well": not found.faults,
        "faults": list(found.faults),
        "feeds": [
            {
                "feed": feed.feed,
                "full": _iso(feed.full),
                "other": _iso(feed.other),
                "open": feed.open,
                "failed": feed.failed,
                "running": _iso(feed.running),
                "bad": feed.bad,
                "kept_back": feed.kept_back,
                "empty": feed.empty,
            }
            for feed in found.feeds
        ],
        "devices": [as_json(row) for row in found.devices],
        "waiting_to_wrap": found.waiting_to_wrap,
        "certificate_days": found.certificate_days,
    }


def _draw(found: Overview, zone: ZoneInfo) -> None:
    from rich.table import Table
    from rich.text import Text

    console = wide_console()
    feeds = Table("feed", "full import", "other", "", box=None, pad_edge=False)
    for feed in found.feeds:
        feeds.add_row(feed.feed, *_words(feed, found.at, zone))
    console.print(feeds)
    if found.devices:
        console.print()
        console.print(drawn(list(found.devices)))
    console.print()
    console.print(f"{found.waiting_to_wrap:,} PIN hashes wait to be wrapped")
    if found.certificate_days is not None:
        console.print(f"the certificate is good for {found.certificate_days} days")
    for fault in found.faults:
        console.print(Text(f"not well: {printable(fault)}", style="red"))
    if not found.faults:
        console.print("all is well", style="green")


def _words(feed: FeedState, at: datetime, zone: ZoneInfo) -> tuple[str, str, str]:
    return _ago(feed.full, at), _ago(feed.other, at), ", ".join(_unfinished(feed, zone))


def _unfinished(feed: FeedState, zone: ZoneInfo) -> list[str]:
    told = []
    if feed.running is not None:
        told.append(f"running since {feed.running.astimezone(zone):%H:%M}")
    cut = feed.open - len(told)
    if cut:
        told.append(f"{cut} {'was' if cut == 1 else 'were'} cut off")
    return told


def _ago(then: datetime | None, at: datetime) -> str:
    return "never" if then is None else ago(at - then)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
