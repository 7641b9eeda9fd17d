"""kioskd open DOOR, kioskd lock DOOR: what staff do to a door, through the running daemon."""

import argparse
import sys
from typing import Any

from kioskd.cli.common import add_json, add_place, print_json, printable, who_may


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The options of both commands."""
    opening = commands.add_parser(
        "open",
        help="release a door once",
        description="Release a door once, for its release_seconds; the journal names who did. "
        + who_may("open"),
    )
    _add_common(opening)
    opening.add_argument(
        "--reason", required=True, help="why, for the journal; no names of patrons"
    )
    opening.set_defaults(run=run_open)
    locking = commands.add_parser(
        "lock",
        help="end a release or an unlock at once",
        description="End a release or an unlock at once, until the next one. " + who_may("lock"),
    )
    _add_common(locking)
    locking.set_defaults(run=run_lock)


def run_open(args: argparse.Namespace) -> int:
    """0 when the strike was released."""
    told = _asked(args, "open", {"door": args.door, "reason": args.reason})
    if not args.json:
        _say(f"{told['door']}: released for {told['seconds']:g} s")
    return 0


def run_lock(args: argparse.Namespace) -> int:
    """0 when the secure frame got out."""
    told = _asked(args, "lock", {"door": args.door})
    if not args.json:
        _say(f"{told['door']}: locked")
    return 0


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("door", metavar="DOOR", help="its name in the configuration")
    add_place(parser)
    add_json(parser)


def _asked(args: argparse.Namespace, verb: str, what: dict[str, Any]) -> dict[str, Any]:
    from kioskd.cli.asking import LONG_TIMEOUT, Site

    told = Site.of(args).ask(verb, what, timeout=LONG_TIMEOUT)
    if args.json:
        print_json(told)
    return told


def _say(line: str) -> None:
    sys.stdout.write(f"{printable(line)}\n")
