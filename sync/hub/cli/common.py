"""What commands share: the configuration, the account they run as, the open hub, JSON.

Deliberately not here: exit codes of errors (sync.hub.main).
"""

import argparse
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kioskd.config.walk import did_you_mean
from kioskd.errors import InputError
from sync.hub.accounts import become
from sync.hub.config import load_hub
from sync.hub.database import Database, sqlite_path
from sync.hub.model import Branch, HubConfig
from sync.hub.opening import checked_keys
from sync.hub.sealing import HubKeys

if TYPE_CHECKING:
    from rich.console import Console

DEFAULT_CONFIG: Final = Path("/etc/kioskd-hub/hub.toml")
_WIDE: Final = 300  # columns; no table has more
_ON_SQLITE: Final = ("aiosqlite.core", "sqlalchemy.dialects.sqlite.aiosqlite")
_ON_POSTGRESQL: Final = ("asyncpg", "sqlalchemy.dialects.postgresql.asyncpg")
_SHOWING: Final = (
    "encodings.ascii",
    "encodings.idna",
    "encodings.utf_8_sig",
    "rich.console",
    "rich.progress",
    "rich.table",
    "rich.text",
)
_NOT_ASCII: Final = re.compile(r"[^\x20-\x7e\n]")


@dataclass(frozen=True, slots=True)
class Hub:
    """An open hub with the keys that its rows were sealed with."""

    config: HubConfig
    database: Database
    keys: HubKeys


def add_config(parser: argparse.ArgumentParser) -> None:
    """The option that every command has."""
    parser.add_argument(
        "--config",
        type=Path,
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help=f"configuration file (default: {DEFAULT_CONFIG})",
    )


def add_key_file(parser: argparse.ArgumentParser) -> None:
    """The option of commands that need the hub's key outside its unit."""
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="the hub's key, where the configuration names a credential of the unit",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option that every command with an answer has."""
    parser.add_argument(
        "--json", action="store_true", help="print the answer as JSON, for other programs"
    )


def config_of(args: argparse.Namespace) -> HubConfig:
    """The configuration that the options name; from here on as the hub's own account."""
    config = load_hub(Path(args.config), os.environ)
    key_file = getattr(args, "key_file", None)
    if key_file is not None:
        config = replace(config, key=f"file:{Path(key_file).absolute()}")
    drop_to_owner(config)
    return config


def warn(config: HubConfig) -> None:
    """What the configuration's writer should know, on standard error."""
    sys.stderr.write("".join(f"{line}\n" for line in config.warnings))


@asynccontextmanager
async def opened(config: HubConfig) -> AsyncIterator[Database]:
    """The database, for what needs no key. InputError where init was not run, StoreError."""
    database = await Database.open(config.database)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def opened_with_keys(config: HubConfig) -> AsyncIterator[Hub]:
    """Database and keys that fit each other. VaultError names a key of another hub."""
    async with opened(config) as database:
        yield Hub(config, database, await checked_keys(config, database, os.environ))


def drop_to_owner(config: HubConfig) -> None:
    """As root, become who the database's directory belongs to, or else the key, for good.

    What the command creates beside a SQLite file then belongs to the hub, and the serving hub can
    go on writing. Nothing changes for others, and where root owns it.
    """
    owner = owner_of_hub(config)
    if owner is None:
        return
    load_first(config)
    become(*owner)


def load_first(config: HubConfig) -> None:
    """Import what a command imports late, while it may: the hub's account may not read it."""
    for name in (_ON_SQLITE if sqlite_path(config.database) else _ON_POSTGRESQL) + _SHOWING:
        with suppress(ImportError):  # whoever needs it says so
            import_module(name)


def owner_of_hub(config: HubConfig) -> tuple[int, int] | None:
    """User and group that root becomes; None: who runs this is not root, or root owns the hub."""
    path = sqlite_path(config.database)
    owned = path.parent if path is not None else key_path(config)
    if os.geteuid() != 0 or owned is None:
        return None
    try:
        owner = owned.stat()
    except OSError:
        return None  # whoever opens it says what is wrong
    return (owner.st_uid, owner.st_gid) if owner.st_uid != 0 else None


def key_path(config: HubConfig) -> Path | None:
    """The file of the hub's key; None where it is a credential."""
    way, _, where = config.key.partition(":")
    return Path(where) if way == "file" else None


def branch_of(config: HubConfig, code: str) -> Branch:
    """The branch of the configuration with this code. InputError."""
    branch = config.branch(code)
    if branch is None:
        codes = [one.code for one in config.branches]
        raise InputError(f"--branch: {config.path} has no branch {code!r}; {_meant(code, codes)}")
    return branch


def feed_of(config: HubConfig, feed: str) -> str:
    """A feed that some municipality answers for. InputError."""
    owned = [name for town in config.municipalities for name in town.feeds]
    if feed not in owned:
        raise InputError(
            f"--feed: no municipality of {config.path} owns a feed {feed!r}; {_meant(feed, owned)}"
        )
    return feed


def now() -> datetime:
    """The wall clock, as all parts of the hub are given it."""
    return datetime.now(UTC)


def print_json(value: object) -> None:
    """One JSON document on standard output; what a terminal would act on is escaped."""
    text = json.dumps(value, ensure_ascii=not _writes_unicode(), indent=2)
    sys.stdout.write(_NOT_ASCII.sub(_escaped, text) + "\n")


def printable(text: str) -> str:
    """Text from a file or a device as a terminal may show it."""
    return "".join(c if c.isprintable() else "?" for c in text)


def say(*lines: str) -> None:
    """Lines for people, on standard error."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()


def wide_console(*, always: bool = False) -> "Console":
    """Where tables are drawn: as wide as they need, unless a terminal is there to fold them.

    always: on a terminal too, for tables of numbers, of which none may be cut.
    """
    from rich.console import Console

    width = None if sys.stdout.isatty() and not always else _WIDE
    return Console(highlight=False, width=width)


def _meant(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, list(known))


def _writes_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]
