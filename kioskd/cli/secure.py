"""kioskd secure: drive every strike safe, whatever the daemon does."""

import argparse
import sys
from typing import Any

from kioskd.cli.common import add_config, config_of


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser("secure", help="drive every strike safe, without the daemon")
    add_config(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when every strike took its frame, 1 with a line for each device that did not."""
    from kioskd.daemon.boot import secure_strikes

    config = config_of(args)
    failed = secure_strikes(config)
    for device, why in failed.items():
        sys.stderr.write(f"{device}: NOT SECURED: {why}\n")
    for door in config.doors:
        if door.strike.device not in failed:
            sys.stdout.write(f"{door.name}: secured\n")
    return 1 if failed else 0
