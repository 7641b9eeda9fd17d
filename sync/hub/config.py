"""Read the hub's configuration file, or say everything that is wrong with it.

    config = load_hub(Path("/etc/kioskd-hub/hub.toml"), os.environ)

Deliberately not here: whether key, certificate and database are there (the commands find out).
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from kioskd.config.leaves import code, flag, one_of, secret, whole
from kioskd.config.sections import zone
from kioskd.config.walk import Leaf, Notes, Place, Table, did_you_mean, quoted, read
from kioskd.errors import ConfigError
from sync.hub.config_file import others_may_read, read_tables
from sync.hub.config_leaves import (
    SEND_KINDS,
    attribute,
    card_pattern,
    database,
    each_once,
    file,
    has_password,
    is_loopback,
    known,
    listen,
    name,
)
from sync.hub.model import Branch, HubConfig, KohaConfig, Municipality

MOST_NEAR_HOURS: Final = 336  # two weeks; a date nearer than that tells who comes of age
USUAL_NEAR_HOURS: Final = 120
_REQUIRED = ("listen", "database", "key")


def load_hub(path: Path, environ: Mapping[str, str] | None = None) -> HubConfig:
    """The configuration of a file. ConfigError holds a line `FILE: key: text` for every fault.

    environ: where $CREDENTIALS_DIRECTORY is looked up, the process's own by default. The database
    is a URL in what comes back, also where the file names a credential.
    """
    notes = Notes(str(path))
    tables = read_tables(path)
    root = Place(notes)
    table = read(root, tables, {"hub": _hub(environ, tables)}, required=("hub",))
    if notes.faults:
        raise ConfigError(notes.faults)
    hub: Table = table.values["hub"]
    config = hub.build(HubConfig, path=path)
    _warn(root.of("hub"), config, tables["hub"])
    return replace(config, warnings=tuple(notes.warnings))


def _hub(environ: Mapping[str, str] | None, tables: dict[str, Any]) -> Leaf:
    given = os.environ if environ is None else environ

    def leaf(place: Place, value: object) -> Table:
        towns = _names(value, "municipalities")
        table = read(place, value, _leaves(given, towns), required=_REQUIRED)
        _check_tls(place, table)
        return table

    return leaf


def _leaves(environ: Mapping[str, str], towns: tuple[str, ...]) -> dict[str, Leaf]:
    return {
        "listen": listen,
        "database": database(environ),
        "key": secret,
        "cards": each_once(card_pattern, least=1),
        "tls_cert": file,
        "tls_key": file,
        "timezone": zone,
        "near_hours": whole(1, MOST_NEAR_HOURS),
        "tombstone_days": whole(7, 365),
        "event_days": whole(1, 3650),
        "koha": _koha,
        "municipalities": _municipalities,
        "branches": lambda place, value: _branches(place, value, towns),
    }


def _koha(place: Place, value: object) -> KohaConfig:
    leaves = dict.fromkeys(("ban_attribute", "terms_attribute", "consent_attribute"), attribute)
    return read(place, value, leaves).build(KohaConfig)


def _municipalities(place: Place, value: object) -> tuple[Municipality, ...]:
    leaves = {"name": name, "feeds": each_once(name)}
    tables = [read(at, one, leaves, required=leaves) for at, one in _array(place, value)]
    _check_unique(place, "name", tables)
    return tuple(table.build(Municipality) for table in tables)


def _branches(place: Place, value: object, towns: tuple[str, ...]) -> tuple[Branch, ...]:
    leaves: dict[str, Leaf] = {
        "code": code,
        "municipality": known("municipality of this file", towns),
        "feeds": each_once(name, least=1),
        "minimum_age": whole(0, 99),
        "terms_required": flag,
        "categories": each_once(code),
        "send_language": flag,
        "send_kinds": each_once(one_of(*SEND_KINDS)),
    }
    required = ("code", "municipality", "feeds")
    tables = [read(at, one, leaves, required=required) for at, one in _array(place, value)]
    _check_unique(place, "code", tables)
    return tuple(table.build(Branch) for table in tables)


def _array(place: Place, value: object) -> list[tuple[Place, object]]:
    if not isinstance(value, list):
        place.fault(f"must be tables, each under [[{place.key}]]")
        return []
    return [(place.nth(index), one) for index, one in enumerate(value)]


def _check_unique(place: Place, key: str, tables: list[Table]) -> None:
    """Two that differ in case alone are one to whoever reads them, and blocks bind both."""
    seen: dict[str, int] = {}
    for index, table in enumerate(tables):
        written = table.values.get(key)
        if not isinstance(written, str):
            continue
        first = seen.setdefault(written.casefold(), index)
        if first != index:
            place.nth(index).of(key).fault(
                f"{quoted(written)} is also {place.nth(first).key}; each once, case does not count"
            )


def _check_tls(place: Place, table: Table) -> None:
    missing = [key for key in ("tls_cert", "tls_key") if key not in table.values]
    address = table.values.get("listen")
    if len(missing) == 1 and table.sound(*missing):
        place.of(missing[0]).fault("missing; tls_cert and tls_key belong together")
    elif address and missing and table.sound(*missing) and not is_loopback(address):
        place.of("listen").fault(
            f"{quoted(address)} can be reached from elsewhere: add tls_cert and tls_key, or "
            "listen on 127.0.0.1 behind a proxy"
        )


def _warn(place: Place, config: HubConfig, written: dict[str, Any]) -> None:
    given = str(written.get("database", ""))
    if given == config.database and has_password(given) and others_may_read(config.path):
        place.of("database").warn(
            f"holds a password and others may read the file: chmod 640 {config.path}, or "
            'database = "credential:NAME"'
        )
    if config.near_hours > USUAL_NEAR_HOURS:
        place.of("near_hours").warn(
            f"devices learn who comes of age in the next {config.near_hours} hours, and on which "
            f"day; {USUAL_NEAR_HOURS} is enough for devices whose max_credential_age_hours is that"
        )
    if not config.branches:
        place.of("branches").warn("there is no branch; no device can be added")
    owned = {feed for town in config.municipalities for feed in town.feeds}
    for index, branch in enumerate(config.branches):
        for feed in branch.feeds:
            if feed not in owned:
                place.of("branches").nth(index).of("feeds").warn(
                    f"{quoted(feed)} is no municipality's feed, so nothing can be imported for "
                    f"it; {did_you_mean(feed, owned)}"
                )


def _names(value: object, key: str) -> tuple[str, ...]:
    """Names of an array of tables before it is read, so that others can refer to them."""
    tables = value.get(key) if isinstance(value, dict) else None
    listed = tables if isinstance(tables, list) else []
    found = [one.get("name") for one in listed if isinstance(one, dict)]
    return tuple(written for written in found if isinstance(written, str))
