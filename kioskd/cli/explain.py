"""kioskd explain: every rule for a card at a door, by the same rules as the door."""

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kioskd.cli.common import add_config, config_of, print_json, printable, read_card
from kioskd.cli.times import instant

if TYPE_CHECKING:
    from kioskd.daemon.explaining import Explanation

_MARK = {True: ("passes", "green"), False: ("fails", "red"), None: ("does not apply", "dim")}


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser("explain", help="every rule for a card at a door")
    add_config(parser)
    parser.add_argument("--door", required=True, metavar="NAME")
    parser.add_argument(
        "--card-stdin", action="store_true", required=True, help="read the card from standard input"
    )
    parser.add_argument("--at", metavar="ISO", help="a time; without offset in the site's zone")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 whenever it could answer, granted or not."""
    from kioskd.daemon.explaining import explain
    from kioskd.daemon.privileges import drop_to_owner

    config = config_of(args)
    drop_to_owner(config.storage.directory)
    at: datetime | None = instant(args.at, config.site.timezone) if args.at else None
    explanation = explain(config, args.door, read_card(config), at)
    if args.json:
        print_json(explanation.as_json())
    else:
        _print(explanation)
    return 0


def _print(explanation: "Explanation") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from kioskd.access.explain import detail

    decision = explanation.decision
    word = ("granted", "green") if decision.granted else ("denied", "red")
    where = f"{printable(explanation.door)} at {explanation.at:%Y-%m-%d %H:%M:%S %Z}: "
    console = Console()
    console.print(Text.assemble(where, word, f" {decision.reason.value} (with the right PIN)"))
    table = Table("rule", "", "because")
    for rule in explanation.rules:
        # Text, not str: what a feed says is never taken for markup.
        because = Text(printable(detail(rule.reason, explanation.facts)))
        table.add_row(rule.reason.value, Text(*_MARK[rule.passed]), because)
    console.print(table)
