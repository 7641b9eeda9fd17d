"""kioskd secure: drive every strike safe, whatever the daemon does and whatever the file says.

It knows strikes from the configuration and from the last good strike map, which the daemon keeps
in its storage directory. It needs no database, no key and no configuration without faults.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kioskd.cli.common import add_config, config_of, printable

if TYPE_CHECKING:
    from kioskd.config.model import Config
    from kioskd.config.strikes import Legible


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "secure",
        help="drive every strike safe, without the daemon",
        description="Drive every strike safe, whatever the daemon does and whatever faults the "
        "configuration has. For root and the user that kioskd runs as.",
    )
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
    return 1 if failed | _secure_leftover(config) else 0


def _secure_leftover(config: "Config") -> dict[str, str]:
    # A file that was cut down since the daemon started still leaves a strike behind.
    from kioskd.config.strike_map import leftover
    from kioskd.daemon.boot import secure_legible
    from kioskd.daemon.strike_map import last_good

    last = last_good(config.storage.directory)
    _warn(last.why)
    old = leftover(config, last.strikes)
    failed = secure_legible(old)
    _tell(_devices(old), failed)
    if failed:
        _warn("what the configuration does not name any more is forgotten when kioskd starts")
    return failed


def secure_despite_faults(path: Path, *, beside_a_daemon: bool = True) -> None:
    """Secure what is known for certain in spite of a configuration with faults in it, and tell.

    Not beside a daemon: nothing is touched unless it is certain that none holds the directory.
    """
    from kioskd.config.strike_map import merged
    from kioskd.config.strikes import legible
    from kioskd.daemon.boot import DirectoryLock, secure_legible
    from kioskd.daemon.strike_map import last_good, storage_of

    in_file = legible(path)
    if not beside_a_daemon and (in_file.storage is None or DirectoryLock.held(in_file.storage)):
        return
    last = last_good(storage_of(in_file.storage, os.environ))
    found, disputed = merged(in_file, last.strikes)
    _warn(last.why)
    _tell(_devices(found), secure_legible(found))
    _leave_alone(found.illegible, "its strike cannot be read for certain")
    _leave_alone(disputed, "the file and the last good strike map name different locks")
    # The faults are told on the other stream.
    sys.stdout.flush()


def _devices(found: "Legible") -> dict[str, str]:
    return {door: strike.device for door, strike in found.strikes.items()}


def _tell(devices: Mapping[str, str], failed: Mapping[str, str]) -> None:
    for device, why in failed.items():
        sys.stderr.write(f"{printable(device)}: NOT SECURED: {printable(why)}\n")
    for door, device in devices.items():
        if device not in failed:
            sys.stdout.write(f"{printable(door)}: secured\n")


def _leave_alone(doors: Iterable[str], why: str) -> None:
    for door in doors:
        told = f"{printable(door)}: NOT SECURED: {why}; correct the faults named below\n"
        sys.stderr.write(told)


def _warn(text: str) -> None:
    if text:
        sys.stderr.write(f"{printable(text)}\n")
