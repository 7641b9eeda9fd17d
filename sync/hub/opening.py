"""A key and a database that belong together.

`init` keeps a fingerprint of the key in the database. A key that does not fit is refused here, by
name, before a row is sealed that nobody could open again.

Deliberately not here: how keys are read and derived (sealing), and tables (database).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kioskd.errors import InputError, VaultError
from sync.hub.database import Database, sqlite_path
from sync.hub.inserts import insert_into
from sync.hub.model import HubConfig
from sync.hub.schema import META
from sync.hub.sealing import HubKeys, read_hub_key

KEY_CHECK: Final = "key_check"
_KEY: Final = re.compile(rb"[A-Za-z0-9_-]{43}=?")  # 32 bytes as base64url
_OF_NO_USE: Final = "a new key cannot read this database"


async def checked_keys(
    config: HubConfig, database: Database, environ: Mapping[str, str]
) -> HubKeys:
    """The keys of the configuration. VaultError: there is none, or this database has another."""
    kept = await database.meta(KEY_CHECK)
    keys = _keys(config, database.where, environ, kept=bool(kept))
    if not kept:
        raise VaultError(f"{database.where}: no key belongs to it yet; run `kioskd-hub init`")
    if kept != keys.check_of():
        raise _other_key(config, database)
    return keys


async def keep_check(config: HubConfig, database: Database, environ: Mapping[str, str]) -> bool:
    """Tie key and database together; whether that was new. VaultError when another one is."""
    kept = await database.meta(KEY_CHECK)
    keys = _keys(config, database.where, environ, kept=bool(kept))
    row = {"key": KEY_CHECK, "value": keys.check_of()}
    async with database.writing() as connection:
        put = insert_into(database, META).values(row).on_conflict_do_nothing()
        new = (await connection.execute(put)).rowcount > 0
    if not new and await database.meta(KEY_CHECK) != keys.check_of():
        raise _other_key(config, database)
    return new


async def check_new_key(config: HubConfig, path: Path) -> None:
    """Before a key is made: VaultError when the database has one already. StoreError."""
    there = sqlite_path(config.database)
    if there is not None and not there.exists():
        return
    try:
        database = await Database.open(config.database)
    except InputError:
        return  # no tables, or what the next step says better
    try:
        if await database.meta(KEY_CHECK):
            raise _missing(path, database.where)
    finally:
        await database.close()


def _keys(config: HubConfig, where: str, environ: Mapping[str, str], *, kept: bool) -> HubKeys:
    """The configured key. Where the database has one, nobody is told to make another."""
    way, _, name = config.key.partition(":")
    path = Path(name) if kept and way == "file" else None
    if path is not None and not path.exists():
        raise _missing(path, where)
    try:
        return HubKeys(read_hub_key(config.key, environ))
    except VaultError:
        if path is None or not _holds_something_else(path):
            raise
    raise VaultError(f"{path}: not a hub key; put the copy back; {_OF_NO_USE}")


def _holds_something_else(path: Path) -> bool:
    try:
        return path.is_file() and _KEY.fullmatch(path.read_bytes().strip()) is None
    except OSError:
        return False


def _missing(path: Path, where: str) -> VaultError:
    return VaultError(
        f"{path}: no hub key there, and {where} was made with one; put the copy back; {_OF_NO_USE}"
    )


def _other_key(config: HubConfig, database: Database) -> VaultError:
    return VaultError(
        f"{config.key}: is not the key of {database.where}, whose rows it could not open; put "
        f"the hub's own key back from its copy; {_OF_NO_USE}"
    )
