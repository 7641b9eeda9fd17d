"""kioskd-hub init: the key, where it is a file that is not there yet, and the tables.

Safe to run again: nothing that exists is changed.
Deliberately not here: devices and imports.
"""

import argparse
import asyncio
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from kioskd.errors import InputError
from kioskd.vault.device_key import write_device_key
from sync.hub.accounts import acting_as
from sync.hub.cli.common import (
    add_config,
    add_json,
    add_key_file,
    config_of,
    key_path,
    load_first,
    owner_of_hub,
    print_json,
    say,
    warn,
)
from sync.hub.config import load_hub
from sync.hub.database import Database, sqlite_path
from sync.hub.model import HubConfig
from sync.hub.opening import check_new_key, keep_check
from sync.hub.pulls import sync_branches


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "init",
        help="make the key, where it is a file, and the tables",
        description="Make the hub's key, where the configuration names a file that is not there, "
        "and the tables of its database. Nothing that exists is changed. As root, what is made "
        "belongs to whoever owns the database's directory.",
    )
    add_config(parser)
    add_key_file(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 once key and tables are there and belong together."""
    config = load_hub(Path(args.config), os.environ)
    warn(config)
    _check_directory(config)
    if args.key_file is None:
        _check_no_key(config)
    made = args.key_file is None and _make_key(config)
    config = config_of(args)
    new = asyncio.run(_init(config))
    if args.json:
        print_json({"key_made": made, "database_new": new})
        return 0
    if made:
        say(
            f"{key_path(config)}: a new key. Keep a copy apart from this machine: without it, "
            "nothing in the database can be read"
        )
    say(*_to_do(config))
    say(f"{config.path}: the hub is ready" if new else f"{config.path}: the hub was ready before")
    return 0


async def _init(config: HubConfig) -> bool:
    database = await Database.open(config.database, create=True)
    try:
        new = await keep_check(config, database, os.environ)
        await sync_branches(database, config)
    finally:
        await database.close()
    return new


def _check_directory(config: HubConfig) -> None:
    path = sqlite_path(config.database)
    if path is not None and not path.parent.is_dir():
        raise InputError(
            f"{path.parent}: there is no such directory; make it, mode 700, for the account that "
            "the hub is to run as"
        )


def _check_no_key(config: HubConfig) -> None:
    """VaultError where a new key would be made beside a database that has another."""
    path, owner = key_path(config), owner_of_hub(config)
    if path is None or path.exists():
        return
    load_first(config)
    with acting_as(*owner) if owner else nullcontext():  # SQLite leaves files beside its own
        asyncio.run(check_new_key(config, path))


def _to_do(config: HubConfig) -> list[str]:
    """With PostgreSQL, nothing that root has made tells whom the hub will run as."""
    path = key_path(config)
    if path is None or sqlite_path(config.database) is not None or path.stat().st_uid != 0:
        return []
    return [f"now: chown ACCOUNT {path}   (the account that serve runs as; it is root's now)"]


def _make_key(config: HubConfig) -> bool:
    """Whether there is a new key; it belongs to whoever the hub will run as."""
    path = key_path(config)
    if path is None or path.exists():
        return False
    write_device_key(path)
    database = sqlite_path(config.database)
    owner = (database.parent if database else path.parent).stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid)
    return True
