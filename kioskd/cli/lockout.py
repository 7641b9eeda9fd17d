"""kioskd lockout list, lockout clear: cards that had too many wrong PINs."""

import argparse
from typing import Any

from kioskd.cli.asking import Site
from kioskd.cli.common import add_json, add_key_file, add_place, print_json, who_may
from kioskd.cli.staffing import print_table, say


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "lockout",
        help="cards with too many wrong PINs",
        description="Cards with wrong PINs, and their end before its time. "
        + who_may("lockout-clear"),
    )
    verbs = parser.add_subparsers(required=True)
    shown = _verb(verbs, "list", "cards with wrong PINs; their numbers are not kept")
    clear = _verb(verbs, "clear", "forget wrong PINs; the card on standard input or when asked")
    which = clear.add_mutually_exclusive_group()
    which.add_argument("--id", metavar="ID", help="as `lockout list` prints it")
    which.add_argument("--all", action="store_true", help="of every card")
    for verb, run in ((shown, run_list), (clear, run_clear)):
        add_place(verb)
        add_key_file(verb)
        add_json(verb)
        verb.set_defaults(run=run)


def _verb(
    verbs: "argparse._SubParsersAction[Any]", name: str, told: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=told, description=f"{told[0].upper()}{told[1:]}. {who_may(f'lockout-{name}')}"
    )
    return parser


def run_list(args: argparse.Namespace) -> int:
    """0 with every card that has failures."""
    answer = Site.of(args).ask_all("lockout-list", {})
    if args.json:
        print_json(answer)
        return 0
    rows = [
        (e["id"], e["failures"], e["step"], _time(e["remaining_seconds"]))
        for e in answer["entries"]
    ]
    print_table(("id", "wrong PINs", "step", "locked for"), rows, "no card has wrong PINs")
    return 0


def run_clear(args: argparse.Namespace) -> int:
    """0 once nothing is held against the card, or against any."""
    site = Site.of(args)
    asked: dict[str, Any] = {"all": True} if args.all else {"id": args.id}
    if not args.all and not args.id:
        asked = {"card": site.read_card()}
    answer = site.ask("lockout-clear", asked)
    if args.json:
        print_json(answer)
    else:
        count = answer["cleared"]
        say(f"forgotten: {count} {'card' if count == 1 else 'cards'} with wrong PINs")
    return 0


def _time(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d} min" if seconds else "not locked"
