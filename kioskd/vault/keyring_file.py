"""The bytes of keyring.json: keys wrapped under the device key, and a MAC over all of them.

Each key is wrapped with AES-256-GCM (nonce || ciphertext || tag), its id and purpose as
associated data. The MAC shows a change anywhere else; a fingerprint names the device key, so
that a wrong key and a damaged file can be told apart.

Deliberately not here: reading and writing the file.
"""

import hmac
import os
from collections.abc import Sequence
from datetime import datetime

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kioskd.errors import VaultError
from kioskd.vault.keys import Key, Purpose

FORMAT = 1
NONCE_BYTES = 12
WAY_OUT = (
    "restore it from a backup, or move it and the databases beside it away to start anew "
    "(lists and enrolled staff must then be entered again)"
)


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    id: str
    purpose: Purpose
    created: datetime
    wrapped: bytes
    retired: datetime | None = None
    pending: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    device_key: str
    keys: list[_Row]
    mac: bytes


def encode(device_key: bytes, keys: Sequence[Key]) -> bytes:
    """The file's bytes."""
    rows = [_wrap(device_key, key) for key in keys]
    file = _File(FORMAT, _fingerprint(device_key), rows, _mac(device_key, rows))
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"


def decode(name: str, device_key: bytes, data: bytes) -> list[Key]:
    """The keys in a file's bytes. VaultError, with the file's name: wrong device key, damaged."""
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _damaged(name) from None
    if file.format != FORMAT:
        raise VaultError(f"{name}: format {file.format} is not one that this version reads")
    _check(name, device_key, file)
    return [_unwrap(name, device_key, row) for row in file.keys]


def _check(name: str, device_key: bytes, file: _File) -> None:
    named = hmac.compare_digest(file.device_key.encode(), _fingerprint(device_key).encode())
    whole = hmac.compare_digest(file.mac, _mac(device_key, file.keys))
    if not named and not whole:
        raise VaultError(
            f"{name}: the device key is not the one that this keyring was made with; "
            "put the right key where secrets.device_key points"
        )
    if not (named and whole) or {row.purpose for row in file.keys} != set(Purpose):
        raise _damaged(name)


def _wrap(device_key: bytes, key: Key) -> _Row:
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(device_key).encrypt(nonce, key.secret, _bound_to(key.id, key.purpose))
    return _Row(key.id, key.purpose, key.created, nonce + sealed, key.retired, key.pending)


def _unwrap(name: str, device_key: bytes, row: _Row) -> Key:
    nonce, sealed = row.wrapped[:NONCE_BYTES], row.wrapped[NONCE_BYTES:]
    try:
        secret = AESGCM(device_key).decrypt(nonce, sealed, _bound_to(row.id, row.purpose))
    except (InvalidTag, ValueError):
        raise _damaged(name) from None
    return Key(row.id, row.purpose, secret, row.created, row.retired, row.pending)


def _bound_to(key_id: str, purpose: Purpose) -> bytes:
    return f"kioskd key {purpose} {key_id}".encode()


def _fingerprint(device_key: bytes) -> str:
    return hmac.digest(device_key, b"kioskd keyring fingerprint", "sha256")[:8].hex()


def _mac(device_key: bytes, rows: Sequence[_Row]) -> bytes:
    own_key = hmac.digest(device_key, b"kioskd keyring mac", "sha256")
    return hmac.digest(own_key, msgspec.json.encode(rows), "sha256")


def _damaged(name: str) -> VaultError:
    return VaultError(f"{name}: the keyring is damaged; {WAY_OUT}")
