"""kioskd enrol: give a card a PIN of its own here, take it away, or show which have one.

Card and PIN are two lines of standard input, or asked for at a terminal and not shown.
"""

import argparse
from typing import Any

from kioskd.cli.asking import add_json, ask
from kioskd.cli.common import add_config, add_key_file, keyed_config_of, print_json, read_card
from kioskd.cli.staffing import ask_all, print_table, read_new_pin, say
from kioskd.config.model import Config
from kioskd.errors import InputError


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "enrol",
        help="give a card of staff its own PIN",
        description="Reads the card from the first line of standard input and the PIN from the "
        "next; at a terminal both are asked for. Put the card on the allow-list as well.",
    )
    add_config(parser)
    add_key_file(parser)
    add_json(parser)
    parser.add_argument("--label", metavar="TEXT", help="who it is for: a role, or initials")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--remove", action="store_true", help="forget the card's PIN")
    kinds.add_argument("--show", action="store_true", help="cards that have a PIN of staff")
    parser.add_argument("--id", metavar="ID", help="with --remove: as --show prints it")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when it is done."""
    if args.id and not args.remove:
        raise InputError("--id goes with --remove")
    if args.label and (args.remove or args.show):
        raise InputError("--label goes with a new PIN")
    config = keyed_config_of(args)
    if args.show:
        return _show(config, as_json=args.json)
    answer = _remove(config, args.id) if args.remove else _enrol(config, args.label)
    if args.json:
        print_json(answer)
    elif args.remove:
        say("the card has no PIN of staff any more")
    else:
        word = "a new PIN" if answer["replaced"] else "a PIN"
        say(f"{answer['shown']} has {word} here (id {answer['id']})")
    return 0


def _enrol(config: Config, label: str | None) -> dict[str, Any]:
    asked = {"card": read_card(config), "pin": read_new_pin()}
    return ask(config, "enrol", {**asked, "label": label} if label else asked)


def _remove(config: Config, name: str | None) -> dict[str, Any]:
    named = {"id": name} if name else {"card": read_card(config)}
    return ask(config, "enrol", {**named, "remove": True})


def _show(config: Config, *, as_json: bool) -> int:
    answer = ask_all(config, "enrol", {"show": True})
    if as_json:
        print_json(answer)
        return 0
    rows = [(e["id"], e["shown"], e["label"], e["by"], e["added"] or "") for e in answer["entries"]]
    print_table(("id", "card", "for", "by", "added"), rows, "no card has a PIN of staff")
    return 0
