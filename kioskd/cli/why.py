"""kioskd why DOOR: the last attempt at a door, in plain words."""

import argparse
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kioskd.cli.common import add_json, add_place, print_json, printable, who_may


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "why",
        help="the last attempt at a door, in plain words",
        description="The last attempt at a door: what was decided, why, what the person saw, and "
        "what to do. The journal names who looked. " + who_may("why"),
    )
    add_place(parser)
    parser.add_argument("door", metavar="DOOR", help="its name in the configuration")
    parser.add_argument("--language", metavar="CODE", help="of the notice: fi, sv or en")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 whenever it could answer, granted or not, attempt or none."""
    from kioskd.cli.asking import Site

    asked = {"door": args.door}
    if args.language is not None:
        asked["language"] = args.language
    answer = Site.of(args).ask("why", asked)
    if args.json:
        print_json(answer)
    else:
        _print(answer)
    return 0


def _print(answer: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in lines(answer):
        # Text, not str: nothing from elsewhere is taken for markup.
        console.print(Text(printable(line)))


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer, a sentence or two a line."""
    said = []
    if answer["at"] is not None:
        at = datetime.fromisoformat(answer["at"])
        word = "granted" if answer["granted"] else "denied"
        said.append(f"{answer['door']}, {at:%Y-%m-%d %H:%M:%S}: {word} ({answer['reason']})")
    said += answer["why"]
    for number, seen in enumerate(answer["seen"]):
        code = f" [code {seen['code']}]" if seen["code"] else ""
        before = "The person saw" if number == 0 else "or"
        said.append(f"{before}: {seen['text'] or seen['title'] or seen['notice']}{code}")
    said += answer["happened"]
    if answer["todo"]:
        said.append(f"→ {answer['todo']}")
    return said
