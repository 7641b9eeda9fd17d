"""kioskd lockout list, lockout clear: cards that had too many wrong PINs."""

import argparse
from typing import Any

from kioskd.cli.asking import add_json, ask
from kioskd.cli.common import add_config, add_key_file, keyed_config_of, print_json, read_card
from kioskd.cli.staffing import ask_all, print_table, say


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser("lockout", help="cards with too many wrong PINs")
    verbs = parser.add_subparsers(required=True)
    shown = verbs.add_parser("list", help="cards with wrong PINs; their numbers are not kept")
    clear = verbs.add_parser("clear", help="forget wrong PINs; the card on standard input")
    which = clear.add_mutually_exclusive_group()
    which.add_argument("--id", metavar="ID", help="as `lockout list` prints it")
    which.add_argument("--all", action="store_true", help="of every card")
    for verb, run in ((shown, run_list), (clear, run_clear)):
        add_config(verb)
        add_key_file(verb)
        add_json(verb)
        verb.set_defaults(run=run)


def run_list(args: argparse.Namespace) -> int:
    """0 with every card that has failures."""
    answer = ask_all(keyed_config_of(args), "lockout-list", {})
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
    config = keyed_config_of(args)
    asked: dict[str, Any] = {"all": True} if args.all else {"id": args.id}
    if not args.all and not args.id:
        asked = {"card": read_card(config)}
    answer = ask(config, "lockout-clear", asked)
    if args.json:
        print_json(answer)
    else:
        count = answer["cleared"]
        say(f"forgotten: {count} {'card' if count == 1 else 'cards'} with wrong PINs")
    return 0


def _time(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d} min" if seconds else "not locked"
