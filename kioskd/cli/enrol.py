"""kioskd enrol: give a card a PIN of its own here, take it away, or show which have one.

Card and PIN are two lines of standard input, or asked for at a terminal and not shown.
"""

import argparse
from typing import Any

from kioskd.cli.asking import Site
from kioskd.cli.common import add_json, add_key_file, add_place, print_json, who_may
from kioskd.cli.staffing import print_table, read_new_pin, say
from kioskd.errors import InputError


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "enrol",
        help="give a card of staff its own PIN",
        description="Reads the card from the first line of standard input and the PIN from the "
        "next; at a terminal both are asked for. Put the card on the allow-list as well. "
        + who_may("enrol"),
    )
    add_place(parser)
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
    site = Site.of(args)
    if args.show:
        return _show(site, as_json=args.json)
    answer = _remove(site, args.id) if args.remove else _enrol(site, args.label)
    if args.json:
        print_json(answer)
    elif args.remove:
        say("the card has no PIN of staff any more")
    else:
        word = "a new PIN" if answer["replaced"] else "a PIN"
        say(f"{answer['shown']} has {word} here (id {answer['id']})")
        if answer.get("note"):
            say(answer["note"])
    return 0


def _enrol(site: Site, label: str | None) -> dict[str, Any]:
    asked = {"card": site.read_card(), "pin": read_new_pin()}
    return site.ask("enrol", {**asked, "label": label} if label else asked)


def _remove(site: Site, name: str | None) -> dict[str, Any]:
    named = {"id": name} if name else {"card": site.read_card()}
    return site.ask("enrol", {**named, "remove": True})


def _show(site: Site, *, as_json: bool) -> int:
    answer = site.ask_all("enrol", {"show": True})
    if as_json:
        print_json(answer)
        return 0
    rows = [(e["id"], e["shown"], e["label"], e["by"], e["added"] or "") for e in answer["entries"]]
    print_table(("id", "card", "for", "by", "added"), rows, "no card has a PIN of staff")
    return 0
