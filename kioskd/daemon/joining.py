"""A device joins its hub: a one-time code becomes a token, a configuration and a first cache.

    what can fail here is tried first -> the code is spent -> token, configuration, key are written
    -> the hub is asked for everything

The code is good for one try. Whatever fails after it was spent says what is there already, and
leaves the token where it belongs.

Deliberately not here: questions and progress (kioskd.cli.setup), and the line of a running daemon.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kioskd.clock.system import SystemClock
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon.line_cache import HubCache
from kioskd.daemon.line_secret import token_of
from kioskd.daemon.privileges import drop_to_owner
from kioskd.daemon.published import FILE, keep
from kioskd.errors import ConfigError, InputError
from kioskd.store.faults import mapped
from kioskd.vault import files
from kioskd.vault.device_key import write_device_key
from sync.hub_address import HubAddress
from sync.hub_client import HubClient
from sync.hub_wire import Joined, PublishedConfig
from sync.line_report import Pulled
from sync.puller import Puller

BESIDE: Final = "hub.token"  # where a token is kept when no configuration says so
MOST_PULLS: Final = 10  # a pull that leaves more to be pulled is followed by another
STARTER: Final = """\
# Written by `kioskd setup --join`: the hub knew no configuration of this device yet.
# Add its devices and doors: `kioskd devices` prints lines for them, docs/OPERATIONS.md explains.
[site]
name = "{branch}"
branch = "{branch}"

[storage]
directory = "/var/lib/kioskd"
retention_days = 14

[secrets]
device_key = "file:{directory}/device.key"

[cards]
patron = ['[0-9A-Z-]{{4,32}}']

[register]
kind = "hub"

[register.hub]
url = "{url}"
token = "file:{directory}/hub.token"
{more}
[schedule.weekly]
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What setup was told. url, ca_file, proxy: empty where the configuration says them."""

    config: Path
    code: str
    url: str = ""
    ca_file: Path | None = None
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class JoinedDevice:
    """What there is now. written: files that were made; doors: of the configuration."""

    name: str
    branch: str
    config: Config
    written: tuple[Path, ...]

    @property
    def doors(self) -> int:
        """How many doors the configuration has."""
        return len(self.config.doors)


async def join(asked: Asked) -> JoinedDevice:
    """Spend the code. InputError, ConfigError, RegisterError: what is to be mended."""
    before = load(asked.config) if asked.config.exists() else None
    address = _address(asked, before)
    _try_out(asked.config, before)
    async with HubClient(address, SystemClock()) as hub:
        joined = await hub.join(asked.code)
    return _settle(asked, before, joined)


def settle_owner(config: Config) -> None:
    """As root: become the owner of the storage directory, who the daemon runs as."""
    drop_to_owner(config.storage.directory)


async def first_pull(config: Config, told: Callable[[Pulled], None]) -> Pulled:
    """Ask the hub for everything; told of each pull. KioskError."""
    access = config.register.hub
    if access is None:
        raise InputError(f"{config.path}: has no [register.hub]")
    address = HubAddress(access.url, token_of(access.token), access.ca_file, access.proxy)
    clock = SystemClock()
    async with HubClient(address, clock) as hub:
        puller = Puller(hub, HubCache(config), clock)
        first = await puller.turn()
        told(first)
        latest = first
        for _ in range(MOST_PULLS):
            if not latest.changed:
                break
            latest = await puller.turn()
            told(latest)
        return first


def _address(asked: Asked, before: Config | None) -> HubAddress:
    access = before.register.hub if before else None
    if before is not None and access is None:
        raise InputError(
            f'{asked.config}: names no hub; add kind = "hub" to [register], and [register.hub] '
            "with url and token"
        )
    if access is not None:
        _same(asked, access.url)
        return HubAddress(access.url, "", access.ca_file, access.proxy)
    if not asked.url:
        raise InputError("which hub? there is no configuration yet: --hub https://...")
    return HubAddress(asked.url, "", asked.ca_file, asked.proxy)


def _same(asked: Asked, url: str) -> None:
    if asked.url and asked.url.rstrip("/") != url.rstrip("/"):
        raise InputError(
            f"--hub is {asked.url}, {asked.config} says {url}; change the file if it is wrong"
        )


def _try_out(config: Path, before: Config | None) -> None:
    """What would fail after the code was spent fails now."""
    directory = _token_path(before, config).parent
    for needed in {config.parent, directory}:
        with mapped(needed):
            needed.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not os.access(needed, os.W_OK):
            raise InputError(f"{needed}: this account may not write there; run setup as root")


def _token_path(config: Config | None, path: Path) -> Path:
    access = config.register.hub if config else None
    if access is None:
        return path.parent / BESIDE
    way, _, where = access.token.partition(":")
    if way != "file":
        raise InputError(
            f"{path}: register.hub.token is a credential of the unit, which setup cannot write; "
            'make it "file:/etc/kioskd/hub.token", or add the device by `kioskd-hub device add` '
            "and load its token as that credential"
        )
    return Path(where)


def _settle(asked: Asked, before: Config | None, joined: Joined) -> JoinedDevice:
    written: list[Path] = []
    if before is None:
        files.write_new(asked.config, _text(asked, joined).encode())
        asked.config.chmod(0o644)  # it holds no secret, and staff's commands read it
        written.append(asked.config)
    token_path = _kept_token(asked.config, before, joined, written)
    try:
        config = load(asked.config)
    except ConfigError as wrong:
        note = f"{asked.config}: the device has joined and its token is in {token_path}; mend:"
        raise ConfigError([note, *wrong.faults]) from None
    written += _made_key(config)
    _made_storage(config)
    _pin(config, joined)
    _give(config.storage.directory, [*written, config.storage.directory / FILE])
    return JoinedDevice(joined.name, joined.branch, config, tuple(written))


def _text(asked: Asked, joined: Joined) -> str:
    if joined.config:
        return joined.config
    more = f'ca_file = "{asked.ca_file}"\n' if asked.ca_file else ""
    more += f'proxy = "{asked.proxy}"\n' if asked.proxy else ""
    return STARTER.format(
        branch=joined.branch, directory=asked.config.parent, url=asked.url, more=more
    )


def _kept_token(path: Path, before: Config | None, joined: Joined, written: list[Path]) -> Path:
    target = path.parent / BESIDE
    with suppress(ConfigError, InputError):  # told later; the token must not be lost for it
        target = _token_path(before or load(path), path)
    with mapped(target):
        files.replace_whole(target, f"{joined.token}\n".encode())
    written.append(target)
    return target


def _made_key(config: Config) -> list[Path]:
    way, _, where = config.secrets.device_key.partition(":")
    path = Path(where)
    if way != "file" or path.exists():
        return []
    write_device_key(path)
    return [path]


def _made_storage(config: Config) -> None:
    directory = config.storage.directory
    with mapped(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _give(directory: Path, paths: list[Path]) -> None:
    """What root made belongs to who the daemon runs as: the owner of its storage directory."""
    if os.geteuid() == 0:
        owner = directory.stat()
        for path in paths:
            os.chown(path, owner.st_uid, owner.st_gid)


def _pin(config: Config, joined: Joined) -> None:
    """Believe this hub's signatures from now on; what was published comes with the first beat."""
    nothing = PublishedConfig(0, joined.branch, datetime.now(UTC))
    keep(config.storage.directory, nothing, joined.key)
