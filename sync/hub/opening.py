"""A key and a database that belong together.

`init` keeps a fingerprint of the key in the database. A key that does not fit is refused here, by
name, before a row is sealed that nobody could open again.

Deliberately not here: how keys are read and derived (sealing), and tables (database).
"""

from collections.abc import Mapping

from kioskd.errors import VaultError
from sync.hub.database import Database
from sync.hub.inserts import insert_into
from sync.hub.model import HubConfig
from sync.hub.schema import META
from sync.hub.sealing import HubKeys, read_hub_key

KEY_CHECK = "key_check"


async def checked_keys(
    config: HubConfig, database: Database, environ: Mapping[str, str]
) -> HubKeys:
    """The keys of the configuration. VaultError: there is none, or this database has another."""
    keys = HubKeys(read_hub_key(config.key, environ))
    kept = await database.meta(KEY_CHECK)
    if not kept:
        raise VaultError(f"{database.where}: no key belongs to it yet; run `kioskd-hub init`")
    if kept != keys.check_of():
        raise _other_key(config, database)
    return keys


async def keep_check(config: HubConfig, database: Database, environ: Mapping[str, str]) -> bool:
    """Tie key and database together; whether that was new. VaultError when another one is."""
    keys = HubKeys(read_hub_key(config.key, environ))
    row = {"key": KEY_CHECK, "value": keys.check_of()}
    async with database.writing() as connection:
        put = insert_into(database, META).values(row).on_conflict_do_nothing()
        new = (await connection.execute(put)).rowcount > 0
    if not new and await database.meta(KEY_CHECK) != keys.check_of():
        raise _other_key(config, database)
    return new


def _other_key(config: HubConfig, database: Database) -> VaultError:
    return VaultError(
        f"{config.key}: is not the key of {database.where}, whose rows it could not open; put "
        "the hub's own key back from its copy"
    )
