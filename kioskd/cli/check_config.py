"""kioskd check-config FILE: every fault in one run."""

import argparse
import sys
from pathlib import Path
from typing import Any

from kioskd.config.checks import check
from kioskd.config.load import load
from kioskd.errors import ConfigError


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "check-config",
        help="list every fault of a configuration",
        description="List every fault of a configuration file in one run; nothing else is touched.",
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the file to look at")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the same, as an option")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when well, 2 with one line for each fault; warnings do not count."""
    path = args.file or args.config
    if path is None:
        raise ConfigError(["usage: kioskd check-config FILE"])
    config = load(path)
    for warning in config.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    faults = check(config)
    if faults:
        raise ConfigError(faults)
    doors, devices = _count(len(config.doors), "door"), _count(len(config.devices), "device")
    sys.stdout.write(f"{path}: well; {doors}, {devices}\n")
    return 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
