"""Where a client looks for the daemon: a socket, else a configuration, else the packaged place.

Two keys of the file are read and none is judged: a screen imports no configuration, and a command
asks the daemon that runs also while the file has faults.
Deliberately not here: what a configuration without faults says (kioskd.config.socket).
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from kioskd import wire
from kioskd.client.faults import AskError

NAME: Final = "control.sock"
PACKAGED: Final = Path("/run/kioskd") / NAME
PACKAGED_CONFIG: Final = Path("/etc/kioskd/kioskd.toml")


class NoPlace(AskError):
    """There is nowhere to look; the message names the file and the way out."""

    def __init__(self, message: str) -> None:
        super().__init__(wire.BAD_ARGUMENT, message)


def sockets(
    socket: Path | None = None,
    config: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Path, ...]:
    """Sockets to try, in this order. NoPlace."""
    if socket is not None:
        return (socket,)
    if config is None:
        return (PACKAGED,)
    return _configured(config, environment)


def _configured(config: Path, environment: Mapping[str, str]) -> tuple[Path, ...]:
    read = _read(config)
    if (named := _path(read, "control", "socket")) is not None:
        return (named,)
    first = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    storage = _path(read, "storage", "directory")
    found = [Path(first) / NAME] if first.startswith("/") else []
    found += [storage / NAME] if storage is not None else []
    # Only the packaged configuration may be the packaged daemon's: a trial site is another one.
    found += [PACKAGED] if config == PACKAGED_CONFIG else []
    if not found:
        raise NoPlace(f"{config}: names no control.socket and no storage.directory; add one")
    return tuple(dict.fromkeys(found))


def _read(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise NoPlace(f"{config}: {why}; name it with --config, or say --socket") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NoPlace(f"{config}: {error}; say kioskd check-config {config}") from None


def _path(read: Mapping[str, Any], table: str, key: str) -> Path | None:
    value = read.get(table)
    found = value.get(key) if isinstance(value, dict) else None
    return Path(found) if isinstance(found, str) and found.startswith("/") else None
