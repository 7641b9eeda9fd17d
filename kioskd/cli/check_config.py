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
    parser = commands.add_parser("check-config", help="list every fault of a configuration")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE")
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
    sys.stdout.write(f"{path}: well; {len(config.doors)} doors, {len(config.devices)} devices\n")
    return 0
