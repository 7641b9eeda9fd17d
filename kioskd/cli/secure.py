"""kioskd secure: drive every strike safe, whatever the daemon does and whatever the file says."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kioskd.cli.common import add_config, config_of, printable


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser("secure", help="drive every strike safe, without the daemon")
    add_config(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when every strike took its frame, 1 with a line for each device that did not.

    ConfigError: what could be read for certain was secured and told all the same.
    """
    from kioskd.daemon.boot import secure_strikes

    try:
        config = config_of(args)
    except Exception:
        secure_despite_faults(Path(args.config))
        raise
    failed = secure_strikes(config)
    _tell({door.name: door.strike.device for door in config.doors}, failed)
    return 1 if failed else 0


def secure_despite_faults(path: Path, *, beside_a_daemon: bool = True) -> None:
    """Secure what can be read of a configuration with faults in it, and tell.

    Not beside a daemon: nothing is touched unless it is certain that none holds the directory.
    """
    from kioskd.config.strikes import legible
    from kioskd.daemon.boot import DirectoryLock, secure_legible

    found = legible(path)
    if not beside_a_daemon and (found.storage is None or DirectoryLock.held(found.storage)):
        return
    _tell({n: strike.device for n, strike in found.strikes.items()}, secure_legible(found))
    for name in found.illegible:
        why = "its strike cannot be read for certain; correct the faults named below"
        sys.stderr.write(f"{printable(name)}: NOT SECURED: {why}\n")
    # The faults are told on the other stream.
    sys.stdout.flush()


def _tell(devices: Mapping[str, str], failed: Mapping[str, str]) -> None:
    for device, why in failed.items():
        sys.stderr.write(f"{printable(device)}: NOT SECURED: {printable(why)}\n")
    for door, device in devices.items():
        if device not in failed:
            sys.stdout.write(f"{printable(door)}: secured\n")
