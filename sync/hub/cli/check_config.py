"""kioskd-hub check-config FILE: every fault of a configuration, in one run.

Deliberately not here: what only a running hub learns (a key that does not fit, a certificate).
"""

import argparse
from pathlib import Path
from typing import Any

from sync.hub.cli.common import add_json, print_json, say, warn
from sync.hub.config import load_hub


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "check-config",
        help="list every fault of a configuration file",
        description="Exit code 0: the file can be used, warnings on standard error; 2: it cannot, "
        "a line for each fault.",
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the same")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when the file can be used."""
    path = args.file or args.config
    if path is None:
        say("kioskd-hub check-config: name the file")
        return 2
    config = load_hub(path)
    if args.json:
        print_json({"file": str(path), "warnings": list(config.warnings)})
        return 0
    warn(config)
    branches, feeds = len(config.branches), len(config.feeds())
    say(f"{path}: can be used; {branches} branches, {feeds} feeds")
    return 0
