"""kioskd list add, remove, show: who is let in always, and who is not for a while.

The card is read from standard input, or asked for; it is shown masked.
"""

import argparse
from datetime import datetime, time, timedelta
from typing import Any

from kioskd.cli.asking import Site
from kioskd.cli.common import add_json, add_key_file, add_place, print_json, who_may
from kioskd.cli.staffing import print_table, say

_LISTS = ("allow", "deny")


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "list",
        help="allow-list and deny-list",
        description="Cards that staff let in (allow) or keep out (deny) for a while; each entry "
        "has an end. " + who_may("list-add"),
    )
    verbs = parser.add_subparsers(required=True)
    add = _verb(verbs, "add", "put a card on a list; the card on standard input or when asked")
    add.add_argument("--until", required=True, metavar="ISO", help="last day, or a time")
    add.add_argument(
        "--reason", required=True, metavar="TEXT", help="why, for the journal; no card number"
    )
    add.set_defaults(run=run_add)
    remove = _verb(verbs, "remove", "take a card off a list")
    remove.add_argument("--id", metavar="ID", help="as `list show` prints it, instead of the card")
    remove.add_argument("--reason", metavar="TEXT", help="why, for the journal")
    remove.set_defaults(run=run_remove)
    _verb(verbs, "show", "who is on a list").set_defaults(run=run_show)


def _verb(
    verbs: "argparse._SubParsersAction[Any]", name: str, told: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=told, description=f"{told[0].upper()}{told[1:]}. {who_may(f'list-{name}')}"
    )
    parser.add_argument("which", choices=_LISTS)
    add_place(parser)
    add_key_file(parser)
    add_json(parser)
    return parser


def run_add(args: argparse.Namespace) -> int:
    """0 once the card is on the list."""
    site = Site.of(args)
    asked = {"which": args.which, "until": args.until, "reason": args.reason}
    answer = site.ask("list-add", {**asked, "card": site.read_card()})
    if args.json:
        print_json(answer)
    else:
        again = " now" if answer["replaced"] else ""
        until, name = _end(answer["until"]), answer["id"]
        say(f"{answer['shown']} is{again} on the {args.which}-list {until} (id {name})")
        say(answer["note"])
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """0 once the card is off the list."""
    site = Site.of(args)
    named = {"id": args.id} if args.id else {"card": site.read_card()}
    why = {"reason": args.reason} if args.reason else {}
    answer = site.ask("list-remove", {"which": args.which, **named, **why})
    if args.json:
        print_json(answer)
    else:
        say(f"the card is off the {args.which}-list")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """0 with every entry; those that are over are marked."""
    answer = Site.of(args).ask_all("list-show", {"which": args.which})
    if args.json:
        print_json(answer)
        return 0
    rows = [
        (e["id"], e["shown"], _until(e), e["reason"], e["by"], e["added"] or "")
        for e in answer["entries"]
    ]
    columns = ("id", "card", "how long", "reason", "by", "added")
    print_table(columns, rows, f"nobody is on the {args.which}-list")
    return 0


def _until(entry: dict[str, Any]) -> str:
    end = _end(entry["until"])
    return f"{end} (over)" if entry["expired"] else end


def _end(written: str) -> str:
    """Until when: a day that counts as a whole is named, not the midnight after it."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return f"until {written}"
    if at.time() != time():
        return f"until {written}"
    return f"through {at.date() - timedelta(days=1)}"
