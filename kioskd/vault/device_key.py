"""The device key: 32 random bytes that wrap every other key.

Kept as base64url text, either in a 0600 file or as a credential of the unit.

Deliberately not here: hardware that keeps keys, and what is done with the key (keyring).
"""

import base64
import os
import re
import secrets
import stat
from pathlib import Path

from kioskd.errors import VaultError
from kioskd.vault import files

KEY_BYTES = 32  # AES-256
_TEXT = re.compile(rb"[A-Za-z0-9_-]{43}=?")  # 32 bytes as base64url
_MOST = 256  # bytes read at most: a key is 45 with its newline
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_BEYOND_OWNER = stat.S_IRWXG | stat.S_IRWXO


class NoDeviceKey(VaultError):
    """There is no file where the device key is looked for. path: where."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: no device key there; make one with `kioskd keygen --out {path}`")
        self.path = path


def read_device_key(reference: str) -> bytes:
    """The key that `file:/path` or `credential:name` names; 32 bytes. VaultError otherwise."""
    scheme, _, name = reference.partition(":")
    if scheme == "file" and name:
        return _parse(Path(name), _read(Path(name), owner_only=True))
    if scheme == "credential" and name:
        path = _credential(name)
        # Credentials of a unit carry an access list that shows as group bits; systemd guards them.
        return _parse(path, _read(path, owner_only=False))
    raise VaultError(
        "secrets.device_key names no key; write file:/path/of/the.key or credential:device-key"
    )


def write_device_key(path: Path) -> None:
    """Write a new random key as text, 0600, on the disk. Never overwrites. VaultError."""
    text = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"
    try:
        files.write_new(path, text)
    except FileExistsError:
        raise VaultError(
            f"{path}: exists already, and a key is never overwritten; choose another name"
        ) from None
    except OSError as error:
        raise VaultError(f"{path}: the key could not be written: {error.strerror}") from error


def _credential(name: str) -> Path:
    if not _CREDENTIAL_NAME.fullmatch(name):
        raise VaultError("secrets.device_key: a credential is a plain name without slashes")
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise VaultError(
            f"credential {name}: $CREDENTIALS_DIRECTORY is not set; it is there only under the "
            f"unit (LoadCredential={name}:...). Elsewhere use file:/path as the device key"
        )
    return Path(directory) / name


def _read(path: Path, *, owner_only: bool) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _refuse(path, os.fstat(descriptor).st_mode, owner_only=owner_only)
            return os.read(descriptor, _MOST)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise NoDeviceKey(path) from None
    except OSError as error:
        raise VaultError(
            f"{path}: the device key cannot be read: {error.strerror}; "
            "it must belong to the user that the daemon runs as"
        ) from error


def _refuse(path: Path, mode: int, *, owner_only: bool) -> None:
    if not stat.S_ISREG(mode):
        raise VaultError(f"{path}: not a plain file, so no device key; see `kioskd keygen`")
    if owner_only and mode & _BEYOND_OWNER:
        raise VaultError(
            f"{path}: others than its owner may use the device key "
            f"(mode {stat.S_IMODE(mode):04o}); run `chmod 600 {path}`"
        )


def _parse(path: Path, text: bytes) -> bytes:
    text = text.strip()
    if not _TEXT.fullmatch(text):
        raise VaultError(
            f"{path}: not a device key: {KEY_BYTES} bytes as base64url are 43 characters, "
            f"this has {len(text)} bytes of text; restore the file or make a new key with "
            "`kioskd keygen`"
        )
    return base64.urlsafe_b64decode(text.rstrip(b"=") + b"=")
