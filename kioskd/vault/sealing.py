"""Sealed bytes: AES-256-GCM under one key, bound to the card index that they belong to.

    nonce (12) || ciphertext || tag (16); associated data = card index

Nonces are random: a key is good for 2^32 seals, which is a full feed of a million cards every
night for eleven years; `kioskd rekey` starts the count anew.

Deliberately not here: which key (keyring), and where sealed rows are kept.
"""

import os
from collections import deque
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kioskd.domain.credential import Credential
from kioskd.errors import VaultError
from kioskd.vault.packing import pack, unpack

NONCE_BYTES = 12
OVERHEAD_BYTES = NONCE_BYTES + 16
_BLOCK = 1024  # nonces fetched at a time: one system call for each would double a seal's cost


class Nonces:
    """Random nonces, none given out twice: not to two threads, not on both sides of a fork."""

    def __init__(self, process: Callable[[], int] = os.getpid) -> None:
        self._process = process
        self._owner = process()
        self._left: deque[bytes] = deque()

    def take(self) -> bytes:
        """Twelve random bytes."""
        if self._process() != self._owner:
            self._left, self._owner = deque(), self._process()
        try:
            return self._left.popleft()  # atomic, unlike a slice and a cursor
        except IndexError:
            block = os.urandom(NONCE_BYTES * (_BLOCK + 1))
        fresh = [block[at : at + NONCE_BYTES] for at in range(0, len(block), NONCE_BYTES)]
        self._left.extend(fresh[1:])
        return fresh[0]


class Sealer:
    """Seals and opens under one 32-byte key."""

    def __init__(self, key: bytes, nonces: Nonces | None = None) -> None:
        self._aes = AESGCM(key)
        self._nonces = nonces or Nonces()

    def seal(self, index: bytes, credential: Credential) -> bytes:
        """A credential, sealed to its card index. ValueError when it cannot be packed."""
        return self.seal_bytes(index, pack(credential))

    def unseal(self, index: bytes, blob: bytes) -> Credential:
        """The credential sealed to this index. VaultError when it does not open."""
        try:
            return unpack(self.unseal_bytes(index, blob))
        except ValueError as error:
            raise VaultError(
                f"a sealed credential opens but is not understood ({error}); "
                "it was written by another version: import a full feed"
            ) from None

    def seal_bytes(self, index: bytes, data: bytes) -> bytes:
        """Any bytes, sealed to an index."""
        nonce = self._nonces.take()
        return nonce + self._aes.encrypt(nonce, data, index)

    def unseal_bytes(self, index: bytes, blob: bytes) -> bytes:
        """The bytes sealed to this index. VaultError: another key, another index, or changed."""
        try:
            return self._aes.decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], index)
        except (InvalidTag, ValueError):
            raise VaultError(
                "a sealed record does not open: it was sealed with another key or was changed; "
                "import a full feed, or restore the state from a backup"
            ) from None
