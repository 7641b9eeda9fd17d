"""kioskd setup --join CODE: make this device one of a hub's, or the successor of a broken one.

Deliberately not here yet: a setup without a hub.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kioskd.cli.common import add_config, add_json, print_json

if TYPE_CHECKING:
    from kioskd.daemon.joining_files import JoinedDevice
    from sync.line_report import Pulled


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "setup",
        help="join a hub: setup --join CODE",
        description="Make this device one of a hub's: token, configuration, device key and the "
        "first credentials. The code comes from `kioskd-hub device join-code NAME`; it is good "
        "for one use within 24 hours, and ends the token of the device that had the name before. "
        "What the hub has as configuration of that device is written without its program for "
        "alerts. Exit code 1: joined, but not filled yet, or that configuration was not taken. "
        "For root, or the user that kioskd runs as.",
    )
    add_config(parser)
    parser.add_argument("--join", metavar="CODE", help="the code; - reads it from standard input")
    parser.add_argument("--hub", metavar="URL", default="", help="where no configuration names it")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="PEM of the hub's authority")
    parser.add_argument("--proxy", metavar="URL", default="", help="an HTTP proxy on the way")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0: joined and filled; 1: joined, but not filled yet, or the hub's copy was not taken."""
    from kioskd.daemon.joining import Asked, join, settle_owner
    from kioskd.errors import InputError

    if not args.join:
        raise InputError("a setup without a hub is not built into this version; use --join CODE")
    code = _code() if args.join == "-" else args.join
    asked = Asked(args.config, code, args.hub, args.ca_file, args.proxy)
    joined = asyncio.run(join(asked))
    _say(args, f"joined as {joined.name} of branch {joined.branch}")
    for path in joined.written:
        _say(args, f"written: {path}")
    for note in joined.notes:
        sys.stderr.write(f"note: {note}\n")
    settle_owner(joined)
    return _filled(args, joined)


def _code() -> str:
    from getpass import getpass

    return getpass("Join code: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def _filled(args: argparse.Namespace, joined: "JoinedDevice") -> int:
    from kioskd.daemon.joining import first_pull
    from kioskd.errors import KioskError

    _say(args, "asking the hub for the credentials ...")
    fault, pulled = "", None
    try:
        pulled = asyncio.run(first_pull(joined.config, lambda pulled: _tell(args, pulled)))
    except KioskError as error:
        fault = str(error)
    if args.json:
        put = pulled.put if pulled else 0
        print_json(
            {
                "name": joined.name,
                "branch": joined.branch,
                "credentials": put,
                "written": [str(path) for path in joined.written],
                "notes": list(joined.notes),
                "fault": fault,
            }
        )
    elif fault:
        sys.stderr.write(f"joined, but not filled yet: {fault}\nthe daemon tries again by itself\n")
    for line in _next(joined):
        _say(args, line)
    return 1 if fault or joined.refused else 0


def _tell(args: argparse.Namespace, pulled: "Pulled") -> None:
    if pulled.changed:
        _say(args, f"{pulled.put} credentials in {pulled.seconds:.1f} s")


def _next(joined: "JoinedDevice") -> list[str]:
    if not joined.doors:
        path = joined.config.path
        first = [f"next: add devices and doors to {path} (`kioskd devices` prints lines)"]
    else:
        first = []
    return [*first, "next: `kioskd check-config`, then `systemctl restart kioskd`"]


def _say(args: argparse.Namespace, line: str) -> None:
    if not args.json:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
