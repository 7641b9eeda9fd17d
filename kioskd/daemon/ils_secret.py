"""A password of this device at its library system: read where it is used, never logged.

file:/path            a file of the daemon's user alone, one line
credential:NAME       $CREDENTIALS_DIRECTORY/NAME, where the unit loads it

Deliberately not here: what it is used for.
"""

import os
import stat
from pathlib import Path
from typing import Final

from kioskd.errors import VaultError
from kioskd.vault.files import NotPlain

_MOST: Final = 255  # characters of a field [SIP2]
_MOST_BYTES: Final = 2_000
_BEYOND_OWNER: Final = stat.S_IRWXG | stat.S_IRWXO


def secret_of(reference: str) -> str:
    """The password; empty for no reference. VaultError says where it was looked for, no more."""
    if not reference:
        return ""
    path, owner_only = _path_of(reference)
    mode, raw = _read(path)
    if owner_only and mode & _BEYOND_OWNER:
        raise VaultError(
            f"{path}: others than its owner may use the library system's password "
            f"(mode {stat.S_IMODE(mode):04o}); run `chmod 600 {path}`"
        )
    text = _line_in(raw)
    if not text:
        raise VaultError(f"{path}: is not one line with a password of at most {_MOST} characters")
    return text


def _line_in(raw: bytes) -> str:
    """The one line of a file; empty where it is something else."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    line = text.removesuffix("\n").removesuffix("\r")
    return line if line.isprintable() and len(line) <= _MOST else ""


def _read(path: Path) -> tuple[int, bytes]:
    """Mode and bytes of the one file that was opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise NotPlain(f"{path}: not a plain file")
            return mode, os.read(descriptor, _MOST_BYTES)
        finally:
            os.close(descriptor)
    except NotPlain:
        why = "is not a plain file"
    except OSError as error:
        why = f"the library system's password cannot be read: {error.strerror}"
    raise VaultError(f"{path}: {why}; it must be a file of the user that kioskd runs as")


def _path_of(reference: str) -> tuple[Path, bool]:
    """Where it is, and whether its mode is ours to judge."""
    way, _, where = reference.partition(":")
    if way == "file":
        return Path(where), True
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise VaultError(
            f"{reference}: no $CREDENTIALS_DIRECTORY here; the unit loads it for the daemon alone. "
            "To use it from a shell: systemd-run --pty --wait -p User=kioskd "
            f"-p LoadCredential={where}:FILE kioskd ..., with the FILE that the unit loads "
            "(LoadCredentialEncrypted= where the unit has that)"
        )
    # Credentials of a unit carry an access list that shows as group bits; systemd guards them.
    return Path(directory) / where, False
