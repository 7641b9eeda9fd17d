"""kioskd explain: every rule for a card at a door, by the same rules as the door."""

import argparse
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kioskd.cli.common import add_json, add_place, print_json, printable, who_may
from kioskd.cli.times import instant
from kioskd.config.model import Config

_MARK = {True: ("passes", "green"), False: ("fails", "red"), None: ("does not apply", "dim")}


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "explain",
        help="every rule for a card at a door",
        description="Every rule for a card at a door, as the running daemon would apply it with "
        "the right PIN; from the files where no daemon runs. The journal names who looked. "
        + who_may("explain"),
    )
    add_place(parser)
    parser.add_argument("--door", required=True, metavar="NAME", help="its name, as configured")
    parser.add_argument(
        "--card-stdin", action="store_true", required=True, help="read the card from standard input"
    )
    parser.add_argument("--at", metavar="ISO", help="a time; without offset in the site's zone")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 whenever it could answer, granted or not."""
    from kioskd.cli.asking import Site

    site = Site.of(args)
    asked = {"door": args.door, "card": site.read_card()}
    if args.at:
        # Without an offset it is local, which the daemon knows even where the file has faults.
        instant(args.at, "UTC")
        asked["at"] = args.at
    answer = site.ask("explain", asked, alone=lambda config: _from_files(config, asked))
    if args.json:
        print_json(answer)
    else:
        _print(answer)
    return 0


def _from_files(config: Config, asked: Mapping[str, str]) -> dict[str, Any]:
    from kioskd.daemon.explaining import explain
    from kioskd.daemon.offline import become_owner

    become_owner(config.storage.directory)
    at = instant(asked["at"], config.site.timezone) if "at" in asked else None
    return explain(config, asked["door"], asked["card"], at).as_json()


def _print(answer: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    word = ("granted", "green") if answer["granted"] else ("denied", "red")
    at = datetime.fromisoformat(answer["at"])
    where = f"{printable(answer['door'])} at {at:%Y-%m-%d %H:%M:%S %Z}: "
    console = Console()
    console.print(Text.assemble(where, word, f" {answer['reason']} (with the right PIN)"))
    table = Table("rule", "", "because")
    for rule in answer["rules"]:
        # Text, not str: what a feed says is never taken for markup.
        because = Text(printable(rule["detail"]))
        table.add_row(rule["rule"], Text(*_MARK[rule["passed"]]), because)
    console.print(table)
