"""kioskd lockdown on|off: nobody but the allow-list is let in, until it is lifted."""

import argparse
from typing import Any

from kioskd.cli.asking import LONG_TIMEOUT, Site
from kioskd.cli.common import add_json, add_key_file, add_place, print_json, who_may
from kioskd.cli.staffing import say


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "lockdown",
        help="let nobody in",
        description="Let nobody but the allow-list in, until it is lifted; it lasts over a "
        "restart. Ways out stay free. " + who_may("lockdown"),
    )
    parser.add_argument("to", choices=("on", "off"))
    parser.add_argument("--reason", metavar="TEXT", help="why, for the journal")
    add_place(parser)
    add_key_file(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 once it is so."""
    asked: dict[str, Any] = {"on": args.to == "on"}
    if args.reason:
        asked["reason"] = args.reason
    answer = Site.of(args).ask("lockdown", asked, timeout=LONG_TIMEOUT)
    if args.json:
        print_json(answer)
    else:
        say(_told(answer))
    return 0


def _told(answer: dict[str, Any]) -> str:
    began = f" since {answer['since']}, by {answer['by']}" if answer["since"] else ""
    if answer["on"]:
        word = "locked down" if answer["changed"] else "locked down already"
        return f"{word}{began}: only the allow-list is let in"
    if not answer["changed"]:
        return "there was no lockdown"
    return f"the lockdown is lifted; it held{began}" if began else "the lockdown is lifted"
