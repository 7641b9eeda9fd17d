"""A device joins its hub: a one-time code becomes a token, a configuration and a first cache.

    what can fail here is tried first -> the code is spent -> token, configuration, key are written
    -> root is given up -> the hub's signatures are pinned -> the hub is asked for everything

The code is good for one try, so the token is written first. Nothing is written but in the directory
of the configuration and in the storage directory, no link is followed, and no file is replaced that
is not a token.

Deliberately not here: questions and progress (kioskd.cli.setup), what of a hub's configuration is
believed (joined_text), and the line of a running daemon.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as with_
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kioskd.clock.system import SystemClock
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon.joined_text import Place
from kioskd.daemon.joining_files import JoinedDevice, JoiningFiles
from kioskd.daemon.line_cache import HubCache
from kioskd.daemon.line_secret import token_of
from kioskd.daemon.line_side import Hold
from kioskd.daemon.privileges import drop_to_owner
from kioskd.daemon.published import keep
from kioskd.errors import InputError, KioskError, StoreError
from sync.hub_address import HubAddress
from sync.hub_client import HubClient
from sync.hub_wire import PublishedConfig
from sync.line_report import Pulled
from sync.puller import Puller

MOST_PULLS: Final = 10  # a pull that leaves more to be pulled is followed by another


@dataclass(frozen=True, slots=True)
class Asked:
    """What setup was told. url, ca_file, proxy: empty where the configuration says them."""

    config: Path
    code: str
    url: str = ""
    ca_file: Path | None = None
    proxy: str = ""


async def join(asked: Asked) -> JoinedDevice:
    """Spend the code. InputError, ConfigError, RegisterError: what is to be mended."""
    ca_file = asked.ca_file.absolute() if asked.ca_file else None
    asked = with_(asked, config=asked.config.absolute(), ca_file=ca_file)
    before = _before(asked.config)
    address = _address(asked, before)
    desk = JoiningFiles(Place(asked.config, address.base, asked.ca_file, asked.proxy), before)
    desk.try_out()
    async with HubClient(address, SystemClock()) as hub:
        joined = await hub.join(asked.code)
    try:
        return desk.settle(joined)
    except KioskError as error:
        raise StoreError(
            f"{error}\nthe device has joined all the same, and the code is spent; mend that and "
            "run setup with a new one",
            transient=False,
        ) from error


def settle_owner(joined: JoinedDevice) -> None:
    """As root become the owner of the storage directory; believe this hub's signatures."""
    directory = joined.config.storage.directory
    drop_to_owner(directory)
    # What was published comes with the first heartbeat.
    keep(directory, PublishedConfig(0, joined.branch, datetime.now(UTC)), joined.signer)


async def first_pull(config: Config, told: Callable[[Pulled], None]) -> Pulled:
    """Ask the hub for everything; told of each pull. KioskError.

    A cache that the hub had dropped is filled again: joining anew is the hub's word.
    """
    access = config.register.hub
    if access is None:
        raise InputError(f"{config.path}: has no [register.hub]")
    Hold(config.storage.directory).lift()
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


def _before(path: Path) -> Config | None:
    return load(path) if os.path.lexists(path) else None


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
