"""kioskd reload: the running daemon reads its configuration anew."""

import argparse
import sys
from pathlib import Path
from typing import Any

from kioskd.cli.common import add_config, config_of, print_json, printable


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser("reload", help="read the configuration anew")
    add_config(parser)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when the file is in force now, 1 when part of it waits for a restart.

    InputError: the file has faults; the daemon says so and keeps what it has.
    """
    from kioskd.cli.asking import ask_despite_faults

    told = ask_despite_faults(Path(args.config), lambda: config_of(args), "reload", {})
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
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
