"""kioskd explain: every rule for a card at a door, by the same rules as the door."""

import argparse
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from kioskd.cli.common import add_config, config_of, print_json, printable, read_card
from kioskd.cli.times import instant
from kioskd.config.model import Config

_OF_THE_UNIT: Final = "credential:"
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
    config = config_of(args)
    at: datetime | None = instant(args.at, config.site.timezone) if args.at else None
    answer = _answer(config, args.door, read_card(config), at)
    if args.json:
        print_json(answer)
    else:
        _print(answer, config.site.timezone)
    return 0


def _answer(config: Config, door: str, number: str, at: datetime | None) -> Mapping[str, Any]:
    """From the daemon where its key is a credential of the unit, which no shell has; else read."""
    from kioskd.cli.asking import ask, reached
    from kioskd.client import AskError

    if config.secrets.device_key.startswith(_OF_THE_UNIT):
        try:
            reached(config).close()
        except AskError:
            pass
        else:
            asked = {"door": door, "card": number}
            return ask(config, "explain", asked | ({"at": at.isoformat()} if at else {}))
    from kioskd.daemon.explaining import explain
    from kioskd.daemon.privileges import drop_to_owner

    drop_to_owner(config.storage.directory)
    return explain(config, door, number, at).as_json()


def _print(answer: Mapping[str, Any], zone: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    word = ("granted", "green") if answer["granted"] else ("denied", "red")
    at = datetime.fromisoformat(answer["at"]).astimezone(ZoneInfo(zone))
    where = f"{printable(answer['door'])} at {at:%Y-%m-%d %H:%M:%S %Z}: "
    console = Console()
    console.print(Text.assemble(where, word, f" {answer['reason']} (with the right PIN)"))
    table = Table("rule", "", "because")
    for rule in answer["rules"]:
        # Text, not str: what a feed says is never taken for markup.
        because = Text(printable(rule["detail"]))
        table.add_row(rule["rule"], Text(*_MARK[rule["passed"]]), because)
    console.print(table)
