"""kioskd rekey --new FILE: another device key, and everything sealed anew.

The daemon must be stopped. A run that was cut short is completed by running it again.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kioskd.cli.common import add_config, config_of
from kioskd.config.model import Config
from kioskd.errors import StoreReadOnly, VaultError

if TYPE_CHECKING:
    from kioskd.daemon.rekeying import Rekeyed


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "rekey",
        help="change the device key and seal everything anew",
        description="Wrap the keyring under a new device key (make one with `kioskd keygen`) and "
        "seal cache and enrolled verifiers anew. Stop the daemon first. Run it again with the "
        "same options if it was cut short.",
    )
    add_config(parser)
    parser.add_argument("--new", type=Path, required=True, metavar="FILE", help="the new key")
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="the present key, where secrets.device_key is a credential of the unit",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when everything is under the new key, 1 when the cache had to be left as it was."""
    from kioskd.daemon.boot import DirectoryLock
    from kioskd.daemon.keys import device_key_of
    from kioskd.daemon.privileges import drop_to_owner, may_look_into
    from kioskd.daemon.rekeying import rekey
    from kioskd.vault.device_key import read_device_key
    from kioskd.vault.keyring import Keyring

    config = config_of(args)
    # Before root is given up: a key that systemd hands to the unit may be root's alone.
    present = f"file:{args.key_file}" if args.key_file else config.secrets.device_key
    directory = config.storage.directory
    old, new = device_key_of(directory, present), read_device_key(f"file:{args.new}")
    drop_to_owner(directory)
    may_look_into(directory)
    if not Keyring.exists(directory):
        raise VaultError(
            f"{directory}: no keyring there, so nothing to rekey; name {args.new} in "
            "secrets.device_key and start"
        )
    lock = DirectoryLock.take(directory)
    if lock is None:
        raise StoreReadOnly(f"{directory}: cannot be written; check its owner and its mount")
    try:
        done = rekey(directory, old, new)
    finally:
        lock.release()
    sys.stdout.write(_told(done, args.new, named=_names(config, args.new)))
    return 1 if done.cache_fault else 0


def _names(config: Config, new: Path) -> bool:
    return config.secrets.device_key == f"file:{new}"


def _told(done: "Rekeyed", new: Path, *, named: bool) -> str:
    lines = [
        "keyring: wrapped under the new device key"
        if done.keyring
        else "keyring: was under the new device key already",
        f"cache: {done.credentials} credentials sealed anew",
        f"enrolled: {done.enrolled} verifiers sealed anew",
    ]
    if done.cache_fault:
        lines[1] = f"cache: left under its old key, which is kept: {done.cache_fault}"
    if not named:
        lines += [
            f"NOW: let secrets.device_key name {new} (or give it to the unit as its credential),",
            "then start the daemon. With the old key it denies everybody.",
        ]
    lines.append("A new key for card numbers takes effect with the next full `kioskd feed import`.")
    lines.append("Keep a copy of the new key apart from the device, and destroy the old one.")
    return "".join(f"{line}\n" for line in lines)
