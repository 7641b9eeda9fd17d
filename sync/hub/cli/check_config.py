"""kioskd-hub check-config FILE: every fault of a configuration, in one run.

Certificate and key of TLS are looked at where this account may read them.
Deliberately not here: what only an open database tells (a hub key that does not fit).
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from sync.hub.accounts import account
from sync.hub.cli.common import DEFAULT_CONFIG, add_json, now, print_json, say, warn
from sync.hub.config import load_hub
from sync.hub.model import HubConfig
from sync.hub.transport import transport_of


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "check-config",
        help="list every fault of a configuration file",
        description="Exit code 0: the file can be used, warnings on standard error; 2: it cannot, "
        "a line for each fault.",
    )
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help=f"default: {DEFAULT_CONFIG}"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the same")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when the file can be used."""
    path = args.file or args.config or DEFAULT_CONFIG
    config = load_hub(path)
    config = replace(config, warnings=(*config.warnings, *_of_tls(config)))
    if args.json:
        print_json({"file": str(path), "warnings": list(config.warnings)})
        return 0
    warn(config)
    branches, feeds = len(config.branches), len(config.feeds())
    say(f"{path}: can be used; {branches} branches, {feeds} feeds")
    return 0


def _of_tls(config: HubConfig) -> list[str]:
    """Warnings about certificate and key. InputError: serve would refuse them."""
    closed = [path for path in (config.tls_cert, config.tls_key) if path and _is_closed(path)]
    if closed:
        return [f"{path}: not looked at: {account()} may not read it" for path in closed]
    return list(transport_of(config, now()).warnings)


def _is_closed(path: Path) -> bool:
    try:
        with path.open("rb"):
            return False
    except PermissionError:
        return True
    except OSError:
        return False  # it is missing, which is a fault
