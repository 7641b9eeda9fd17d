"""kioskd sync now, kioskd sync status: the line to the hub."""

import argparse
import sys
from typing import Any

from kioskd.cli.common import add_json, add_place, print_json, printable, who_may


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "sync",
        help="the line to the hub: sync now, sync status",
        description="The line to the hub: how it is, and a look at once.",
    )
    kinds = parser.add_subparsers(dest="sync_command", required=True, metavar="COMMAND")
    now = kinds.add_parser(
        "now",
        help="pull and push at once",
        description="Have the daemon pull from the hub and push to it at once. "
        + who_may("sync-now"),
    )
    status = kinds.add_parser(
        "status",
        help="how the line is",
        description="How the line to the hub is, what waits for it, how old the credentials are. "
        "Exit code 1 when the hub does not know this device, had its credentials dropped, or "
        "refused events. " + who_may("status"),
    )
    for each, run in ((now, run_now), (status, run_status)):
        add_place(each)
        add_json(each)
        each.set_defaults(run=run)


def run_now(args: argparse.Namespace) -> int:
    """Ask for it; what comes of it, status tells. InputError: this site has no hub."""
    from kioskd.cli.asking import Site

    told = Site.of(args).ask("sync-now", {})
    if args.json:
        print_json(told)
    else:
        sys.stdout.write("asked for; `kioskd sync status` tells what came of it\n")
    return 0


def run_status(args: argparse.Namespace) -> int:
    """A table of the line; 1 when it is not well."""
    from kioskd.cli.asking import Site
    from kioskd.cli.status import line_of

    told = Site.of(args).ask("status", {})
    line = told.get("line")
    if args.json:
        print_json({"line": line, "cache": told["cache"]})
    elif line is None:
        sys.stdout.write("this site has no hub\n")
    else:
        for row in line_of(told):
            sys.stdout.write(f"{row.word:<5} {printable(row.about)}: {printable(row.told)}\n")
    well = line is None or not (
        line["refused"] or line["dead"] or line["held"] or line["config_why"]
    )
    return 0 if well else 1
