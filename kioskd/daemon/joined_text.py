"""The configuration that a hub hands to a new device: what of it is believed.

Whoever held the token of the device before could put anything there, and setup runs as root. So
the text is read, and what is written is made anew from its values:

    [register.hub]      the hub that was just joined, as the person at the device named it
    token, device key   beside the configuration file, wherever the text wants them
    [alerts] command    as a comment; who wants it takes the sign off the line

A text that names another hub or branch, does not read, or wants its storage in a directory that is
no storage, is not taken at all: a beginning of a configuration is written in its place.

Deliberately not here: writing files (joining).
"""

import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kioskd.config.load import load
from kioskd.config.model import Alerts, Config, HubAccess, Secrets
from kioskd.daemon.config_copy import WITHHELD, copy_of, toml
from kioskd.errors import ConfigError, InputError

BESIDE: Final = "hub.token"  # where a token is kept when no configuration says so
KEY: Final = "device.key"
PACKAGED: Final = Path("/etc/kioskd")
STORAGE: Final = Path("/var/lib/kioskd")  # of the packaged site
_PORTS: Final = {"http": 80, "https": 443}
_OTHERS: Final = 0o077
_MOST_FAULTS: Final = 5
_STARTER: Final = """\
# Written by `kioskd setup --join`: the hub had no configuration for this device to be taken.
# Add its devices and doors: `kioskd devices` prints lines for them, docs/OPERATIONS.md explains.
[site]
name = {branch}
branch = {branch}

[storage]
directory = {storage}
retention_days = 14

[secrets]
device_key = {key}

[cards]
patron = ['[0-9A-Z-]{{4,32}}']

[register]
kind = "hub"

[register.hub]
url = {url}
token = {token}
{more}
[schedule.weekly]
"""
_COPY: Final = """\
# Written by `kioskd setup --join`: the hub's copy of what the device before this one had.
# Comments and names of persons are not in it. Look through it before a door goes by it.
"""
_ALERTS: Final = """
# The copy had this program for alerts. It is left out until somebody here wants it:
# [alerts]
# command = {command}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the new configuration will be (absolute), and how the person there reached the hub."""

    path: Path
    url: str
    ca_file: Path | None = None
    proxy: str = ""

    @property
    def token(self) -> Path:
        """Where its token goes."""
        return self.path.parent / BESIDE

    @property
    def key(self) -> Path:
        """Where its device key goes."""
        return self.path.parent / KEY

    @property
    def storage(self) -> Path:
        """Where a beginning has its storage: a trial site never has that of the packaged one."""
        here = self.path.parent
        return STORAGE if here == PACKAGED else here / "storage"


@dataclass(frozen=True, slots=True)
class Taken:
    """What is written. notes: what a person should know; refused: the hub's text was not taken."""

    text: str
    notes: tuple[str, ...] = ()
    refused: bool = False


def taken(text: str, branch: str, place: Place) -> Taken:
    """What to write for the text of a hub; an empty one is none."""
    if not text:
        return Taken(starter(branch, place))
    try:
        config = _read(text)
        _refuse(config, branch, place)
    except (ConfigError, InputError) as wrong:
        note = f"the hub's copy of a configuration is not taken: {wrong}"
        return Taken(starter(branch, place), (note,), refused=True)
    written = _COPY + copy_of(_believed(config, place))
    if config.alerts.command:
        written += _ALERTS.format(command=toml(config.alerts.command))
    return Taken(written, tuple(_notes(config, place)))


def starter(branch: str, place: Place) -> str:
    """The beginning of a configuration. ConfigError: an option cannot stand in one."""
    more = f"ca_file = {toml(str(place.ca_file))}\n" if place.ca_file else ""
    more += f"proxy = {toml(place.proxy)}\n" if place.proxy else ""
    text = _STARTER.format(
        branch=toml(branch),
        storage=toml(str(place.storage)),
        key=toml(f"file:{place.key}"),
        url=toml(place.url),
        token=toml(f"file:{place.token}"),
        more=more,
    )
    _read(text)
    return text


def _read(text: str) -> Config:
    with tempfile.TemporaryDirectory(prefix="kioskd-") as directory:
        path = Path(directory) / "copy.toml"
        path.write_text(text, encoding="utf-8", errors="replace")
        try:
            return load(path)
        except ConfigError as wrong:
            faults = [fault.removeprefix(f"{path}: ") for fault in wrong.faults]
            raise ConfigError(faults[:_MOST_FAULTS]) from None


def _refuse(config: Config, branch: str, place: Place) -> None:
    hub = config.register.hub
    if hub is None or not config.register.uses_hub:
        raise InputError("it names no hub")
    if _address(hub.url) != _address(place.url):
        raise InputError(
            f"it names another hub, {hub.url}; where the hub did not move, tell who runs it: "
            "somebody may have put that there"
        )
    if config.site.branch != branch:
        raise InputError(f"it is one of branch {config.site.branch}, and the code of {branch}")
    _refuse_storage(config.storage.directory, place)


def _refuse_storage(directory: Path, place: Place) -> None:
    if is_usual(directory, place):
        return
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"its storage directory {directory}: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & _OTHERS:
        raise InputError(
            f"its storage directory {directory} is there and is no storage: others may look into it"
        )


def is_usual(directory: Path, place: Place) -> bool:
    """Whether a storage directory is where one is expected: packaged, or by its configuration."""
    here = place.path.parent.resolve()
    return directory == STORAGE or directory.resolve().is_relative_to(here)


def _believed(config: Config, place: Place) -> Config:
    before = config.register.hub
    hub = HubAccess(place.url, f"file:{place.token}", place.ca_file, place.proxy)
    if before is not None:
        hub = replace(hub, pull_seconds=before.pull_seconds)
    return replace(
        config,
        secrets=Secrets(f"file:{place.key}"),
        alerts=Alerts(),
        register=replace(config.register, hub=hub),
    )


def _notes(config: Config, place: Place) -> Iterator[str]:
    directory, key = config.storage.directory, config.secrets.device_key
    if not is_usual(directory, place):
        yield f"the storage directory is {directory}; {place.storage} is usual"
    if key not in (f"file:{place.key}", "credential:device-key"):
        yield f"the copy has its device key at {key}; here it is file:{place.key}"
    if config.alerts.command:
        yield f"left out: [alerts] command = {toml(config.alerts.command)}"
    for door in config.doors:
        if door.card_only_accepted_by is not None:
            yield (
                f"doors.{door.name} lets in by the card alone: write down who accepted that "
                f'(card_only_accepted_by, now "{WITHHELD}")'
            )


def _address(url: str) -> tuple[str, str, int | None, str]:
    """The one form in which two spellings of an address are compared."""
    parts = urlsplit(url)
    return (
        parts.scheme,
        parts.hostname or "",
        parts.port or _PORTS.get(parts.scheme),
        parts.path.rstrip("/"),
    )
