"""Where the control socket is: one place for the daemon, a few for who looks for it.

Deliberately not here: whether anybody answers there (kioskd.client), and making it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from kioskd.config.model import Config

NAME: Final = "control.sock"
PACKAGED: Final = Path("/run/kioskd") / NAME  # what the unit's RuntimeDirectory=kioskd makes
MOST_BYTES: Final = 107  # sun_path of unix(7): 108 with the closing zero


def socket_path(config: Config, environment: Mapping[str, str]) -> Path:
    """Where the daemon listens: as configured, else $RUNTIME_DIRECTORY, else the storage."""
    if config.control.socket is not None:
        return config.control.socket
    return _runtime(environment) or config.storage.directory / NAME


def candidates(config: Config, environment: Mapping[str, str], *, is_default: bool) -> list[Path]:
    """Where a command looks for the daemon of this configuration, in this order, each once.

    is_default: this is the file that commands read when none is named. Only then may the daemon
    be the packaged one: a trial site beside it must never be told what was meant for the other.
    """
    if config.control.socket is not None:
        return [config.control.socket]
    return list(dict.fromkeys(_unconfigured(config, environment, is_default=is_default)))


def too_long(path: Path) -> str | None:
    """Why no socket can be there, and the way out; None when one can."""
    size = len(str(path).encode(errors="surrogateescape"))
    if size <= MOST_BYTES:
        return None
    return (
        f"a socket's path has at most {MOST_BYTES} bytes and this one {size}; "
        f'set control.socket to a shorter one, like "{PACKAGED}"'
    )


def _unconfigured(
    config: Config, environment: Mapping[str, str], *, is_default: bool
) -> Iterator[Path]:
    runtime = _runtime(environment)
    if runtime is not None:
        yield runtime
    yield config.storage.directory / NAME
    if is_default:
        yield PACKAGED


def _runtime(environment: Mapping[str, str]) -> Path | None:
    # systemd gives a list with colons when a unit has several; the first is the daemon's own.
    first = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(first) / NAME if first.startswith("/") else None
