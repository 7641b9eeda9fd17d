"""kioskd keygen --out FILE: a new device key."""

import argparse
import sys
from pathlib import Path
from typing import Any


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "keygen",
        help="make a device key; never overwrites one",
        description="Make a device key, readable to its owner alone. Give it to the user that "
        "kioskd runs as, and keep a copy apart from the device. A key is never overwritten.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where, a new file")
    parser.add_argument("--config", type=Path, metavar="FILE", help="not needed; accepted")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write 32 random bytes, base64url, mode 0600."""
    from kioskd.vault.device_key import write_device_key

    write_device_key(args.out)
    sys.stdout.write(
        f"{args.out}: a new device key. Keep a copy apart from the device: without it, lists, "
        "enrolled staff and the journal's persons cannot be read.\n"
    )
    return 0
