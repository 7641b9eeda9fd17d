"""kioskd clock accept: believe the clock as it is now."""

import argparse
from typing import Any

from kioskd.cli.asking import Site
from kioskd.cli.common import add_json, add_key_file, add_place, print_json, who_may
from kioskd.cli.staffing import say


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    told = "believe the clock as it is now"
    parser = commands.add_parser(
        "clock", help=f"clock accept: {told}", description="The clock by which doors open."
    )
    verbs = parser.add_subparsers(required=True)
    accept = verbs.add_parser(
        "accept",
        help="believe the clock as it is now",
        description="Look at the clock first (timedatectl). Needed where a wrong time was "
        "recorded, or the clock was set by hand, and no time server confirms it. "
        + who_may("clock-accept"),
    )
    accept.add_argument("--reason", required=True, metavar="TEXT", help="why, for the journal")
    add_place(accept)
    add_key_file(accept)
    add_json(accept)
    accept.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when the clock is believed."""
    answer = Site.of(args).ask("clock-accept", {"reason": args.reason})
    if args.json:
        print_json(answer)
        return 0
    if answer["accepted"]:
        say(f"the clock is believed: {answer['at']}")
    say(answer["note"])
    return 0
