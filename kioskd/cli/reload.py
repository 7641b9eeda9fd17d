"""kioskd reload: the running daemon reads its configuration anew."""

import argparse
import sys
from typing import Any

from kioskd.cli.common import add_json, add_place, print_json, printable, who_may


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "reload",
        help="read the configuration anew",
        description="Have the running daemon read its configuration anew; only devices and doors "
        "that changed begin anew. With faults in the file the daemon keeps what it has. "
        + who_may("reload"),
    )
    add_place(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when the file is in force now, 1 when part of it waits for a restart.

    InputError: the file has faults; the daemon says so and keeps what it has.
    """
    from kioskd.cli.asking import LONG_TIMEOUT, Site

    told = Site.of(args).ask("reload", {}, timeout=LONG_TIMEOUT)
    if args.json:
        print_json(told)
    else:
        _print(told)
    return 1 if told["held_back"] else 0


def _print(told: dict[str, Any]) -> None:
    lines = list(told["changed"]) or ["nothing changed"]
    lines += [f"began anew: {name}" for name in (*told["devices"], *told["doors"])]
    lines += [f"warning: {text}" for text in told["warnings"]]
    lines += [f"waits for a restart: {key}" for key in told["held_back"]]
    lines += [f"{name}: and {count} more" for name, count in told.get("more", {}).items()]
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
