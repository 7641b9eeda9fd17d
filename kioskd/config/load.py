"""Read a configuration file, or say everything that is wrong with it.

    config = load(Path("/etc/kioskd/kioskd.toml"))

Cheap to import: the daemon reads its configuration before it sends the first off-frame.
Deliberately not here: what is slow to find out (checks.py) and what only the running daemon
learns (devices that are not plugged in, a key that does not fit).
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from kioskd.config import operating, sections
from kioskd.config.devices import Devices, devices
from kioskd.config.doors import doors
from kioskd.config.file import tables_of
from kioskd.config.hours import schedule
from kioskd.config.later import desks
from kioskd.config.leaves import NOT_BUILT
from kioskd.config.model import Config
from kioskd.config.register import register
from kioskd.config.sip2 import check_sip2
from kioskd.config.socket import NAME, too_long
from kioskd.config.walk import Leaf, Notes, Place, read
from kioskd.errors import ConfigError

_REQUIRED = ("site", "storage", "secrets", "cards", "schedule")


def load(path: Path) -> Config:
    """The configuration of a file. ConfigError holds a line `FILE: key: text` for every fault."""
    notes = Notes(str(path))
    config = _config(path, tables_of(path, _unreadable), Place(notes))
    if notes.faults:
        raise ConfigError(notes.faults)
    return replace(config, warnings=tuple(notes.warnings))


def _config(path: Path, tables: dict[str, Any], root: Place) -> Config:
    found = devices(root.of("devices"), tables.get("devices", {}))
    table = read(root, tables, _leaves(found), required=_REQUIRED)
    parts = {"devices": tuple(found.read.values()), "doors": table.values.get("doors", ())}
    config = table.build(Config, path=path, **parts)
    if not config.doors and table.sound("doors"):
        root.of("doors").warn("there is no door; nobody can be let in")
    _check_unused(root.of("devices"), found)
    _check_retention(root, config)
    _check_socket(root, config)
    check_sip2(root, config)
    return config


def _leaves(found: Devices) -> dict[str, Leaf]:
    return {
        "site": sections.site,
        "storage": sections.storage,
        "secrets": sections.secrets,
        "cards": sections.cards,
        "clock": sections.clock,
        "register": register,
        "control": operating.control,
        "alerts": operating.alerts,
        "metrics": operating.metrics,
        "devices": lambda place, value: (),  # read first, because doors and desks refer to them
        "doors": lambda place, value: doors(place, value, found),
        "desks": lambda place, value: desks(place, value, found.any_role),
        "schedule": schedule,
        "retention": sections.retention,
        "lockout": sections.lockout,
        "policy": sections.policy,
    }


def _check_unused(place: Place, found: Devices) -> None:
    for name, driver in found.resting.items():
        place.of(name).warn(f"driver {driver} is {NOT_BUILT}, ignored")
    for name in found.read:
        if name not in found.used:
            place.of(name).warn("no door uses it")


def _check_retention(root: Place, config: Config) -> None:
    days = getattr(config.storage, "retention_days", None)  # None when it is at fault itself
    if isinstance(days, int) and config.retention.row_days < days:
        root.of("retention").of("row_days").fault(f"is less than storage.retention_days ({days})")


def _check_socket(root: Place, config: Config) -> None:
    directory = getattr(config.storage, "directory", None)  # None when it is at fault itself
    if isinstance(directory, Path) and config.control.socket is None:
        wrong = too_long(directory / NAME)
        if wrong:  # no fault: under a unit with a runtime directory the socket is not there
            root.of("storage").of("directory").warn(f"the control socket in it: {wrong}")


def _unreadable(path: Path) -> str:
    # Who may work with the daemon may read where it is; keys and cards stand elsewhere.
    closed = not os.access(path.parent, os.X_OK)
    mend = f"chmod 755 {path.parent}" if closed else f"chmod 644 {path}"
    return f"this account may not read it; make it readable to staff: {mend} (it holds no secret)"
