"""Where a screen finds the socket: by --socket, by --config, else where the package puts it.

It reads two keys of the file and judges nothing: a screen needs no configuration to be right.
Deliberately not here: where commands and the daemon look (kioskd.config.socket).
"""

import tomllib
from pathlib import Path
from typing import Any, Final

from kioskd import wire
from kioskd.client.faults import AskError

NAME: Final = "control.sock"
PACKAGED: Final = Path("/run/kioskd") / NAME
PACKAGED_CONFIG: Final = Path("/etc/kioskd/kioskd.toml")


def find_socket(path: Path | None = None, config: Path | None = None) -> Path:
    """The socket's path; whether anybody answers there is not asked. AskError."""
    if path is not None:
        return path
    if config is None:
        return PACKAGED
    return _named_in(config)


def _named_in(config: Path) -> Path:
    tables = _read(config)
    named = _text(tables, "control", "socket")
    if named:
        return Path(named)
    storage = _text(tables, "storage", "directory")
    if not storage:
        raise AskError(
            wire.BAD_ARGUMENT,
            f"{config}: neither control.socket nor storage.directory; give --socket",
        )
    beside = Path(storage) / NAME
    # The packaged daemon listens where its unit says; another site's file never leads there.
    return PACKAGED if config == PACKAGED_CONFIG and not _seen(beside) else beside


def _seen(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a screen's account may not look into the storage directory
        return False


def _read(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise AskError(wire.BAD_ARGUMENT, f"{config}: {error.strerror}; give --socket") from None
    except ValueError as error:
        raise AskError(wire.BAD_ARGUMENT, f"{config}: {error}; run `kioskd check-config`") from None


def _text(tables: dict[str, Any], table: str, key: str) -> str:
    inner = tables.get(table)
    found = inner.get(key) if isinstance(inner, dict) else None
    return found if isinstance(found, str) else ""
