"""The token of this device at its hub: read where it is used, never logged.

file:/path            a file of the daemon's user alone
credential:NAME       $CREDENTIALS_DIRECTORY/NAME, where the unit loads it

Deliberately not here: writing one (joining).
"""

import os
import stat
from pathlib import Path
from typing import Final

from kioskd.errors import VaultError
from kioskd.vault import files
from sync.hub_wire import TOKEN

_MOST: Final = 1000  # bytes
_BEYOND_OWNER: Final = stat.S_IRWXG | stat.S_IRWXO


def token_of(reference: str) -> str:
    """The token. VaultError says where it was looked for, and nothing of what was there."""
    path, owner_only = _path_of(reference)
    try:
        mode, raw = _read(path)
    except FileNotFoundError:
        raise VaultError(
            f"{path}: no token of the hub there; `kioskd setup --join CODE` fetches one"
        ) from None
    except files.NotPlain:
        raise VaultError(f"{path}: is not a plain file; put the hub's token into one") from None
    except OSError as error:
        raise VaultError(
            f"{path}: the hub's token cannot be read: {error.strerror}; it must belong to the user "
            "that kioskd runs as"
        ) from None
    if owner_only and mode & _BEYOND_OWNER:
        raise VaultError(
            f"{path}: others than its owner may use the hub's token "
            f"(mode {stat.S_IMODE(mode):04o}); run `chmod 600 {path}`"
        )
    text = token_in(raw)
    if text is None:
        raise VaultError(f"{path}: is not a token of a hub; it begins with kd1.")
    return text


def token_in(raw: bytes) -> str | None:
    """The token that a file's bytes are; None where they are something else."""
    try:
        text = raw.decode("ascii").strip()
    except UnicodeDecodeError:
        return None
    return text if TOKEN.fullmatch(text) else None


def is_replaceable(path: Path) -> bool:
    """Whether a new token may be put there: nothing is, or a token in a plain file. OSError."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return True
    if not stat.S_ISREG(found.st_mode):
        return False
    return token_in(files.read_plain(path, _MOST)) is not None


def _read(path: Path) -> tuple[int, bytes]:
    """Mode and bytes of the one file that was opened."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise files.NotPlain(f"{path}: not a plain file")
        return mode, os.read(descriptor, _MOST)
    finally:
        os.close(descriptor)


def _path_of(reference: str) -> tuple[Path, bool]:
    """Where it is, and whether its mode is ours to judge."""
    way, _, where = reference.partition(":")
    if way == "file":
        return Path(where), True
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise VaultError(
            f"{reference}: no $CREDENTIALS_DIRECTORY here; the unit loads it for the daemon alone"
        )
    # Credentials of a unit carry an access list that shows as group bits; systemd guards them.
    return Path(directory) / where, False
