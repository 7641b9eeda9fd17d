"""kioskd support-bundle --out FILE.tar.gz: what support needs to see, without persons."""

import argparse
import sys
from pathlib import Path
from typing import Any

from kioskd.cli.common import DEFAULT_CONFIG, add_config, add_json, print_json, printable


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "support-bundle",
        help="what support needs, without persons",
        description="Pack what support needs to see into one file: configuration, doctor, log, "
        "the journal's last rows, without persons. Look at it before it is sent.",
    )
    add_config(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE.tar.gz", help="where, a new file"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 once the file is written; what could not be had is listed as left out."""
    from kioskd.daemon.bundling import begun, collect, write

    with begun(args.out) as file:
        bundle = collect(args.config, is_default=args.config == DEFAULT_CONFIG)
        names = write(bundle, file)
    if args.json:
        print_json({"out": str(args.out), "files": names, "left_out": bundle.left_out})
        return 0
    lines = [
        f"{args.out}: look at it before you send it",
        "inside:",
        *(f"  {name}" for name in names),
        "left out:",
        *(f"  {what}" for what in bundle.left_out),
    ]
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
    return 0
