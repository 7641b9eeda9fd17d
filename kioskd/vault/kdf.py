"""PINs are hashed and compared: argon2id, bcrypt, and argon2id over bcrypt, off the loop.

A card without a verifier costs what a card of this site costs, so that time tells nobody
whether a card is known. A PIN is an argument and nothing else here: it is in no value, no
representation and no exception.

Deliberately not here: lockout, and when a denial is shown (kioskd.entry).
"""

import asyncio
import hmac
import logging
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import bcrypt
from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw

from kioskd.errors import VaultError
from kioskd.vault.verifiers import (
    Argon2id,
    Argon2idOverBcrypt,
    Argon2Parameters,
    Bcrypt,
    BcryptSetting,
    Verifier,
    pack_verifier,
    repack,
    unpack_verifier,
)

SITE_PARAMETERS: Final = Argon2Parameters(19456, 2, 1)  # OWASP: 19 MiB, two passes, one lane
MAX_PIN_BYTES = 72  # all that bcrypt looks at; newer releases raise beyond it
_BCRYPT_DIGEST_CHARACTERS = 31
_CORES_FOR_TWO = 4

log = logging.getLogger("kioskd.vault")

Compute = Callable[[Verifier, bytes], bytes]


def compute(verifier: Verifier, secret: bytes) -> bytes:
    """The hash that a PIN gives under a verifier's scheme, parameters and salt. HashingError."""
    match verifier:
        case Argon2id():
            return _argon2id(verifier, secret)
        case Bcrypt(setting):
            return _parsed_hash(_bcrypt_text(setting, secret))
        case Argon2idOverBcrypt(setting, outer):
            return _argon2id(outer, _bcrypt_text(setting, secret).encode())


def hash_pin(pin: str, parameters: Argon2Parameters = SITE_PARAMETERS) -> bytes:
    """A new packed argon2id verifier of a PIN. Blocks. ValueError: empty or over 72 bytes."""
    return repack(_salted(_secret_of(pin), parameters))


def hash_pin_bcrypt(pin: str, cost: int = 8, letter: str = "a") -> bytes:
    """A new packed bcrypt verifier of a PIN, as registers export them. Blocks. ValueError."""
    setting = BcryptSetting(letter, cost, secrets.token_bytes(16))
    return pack_verifier(_bcrypt_text(setting, _secret_of(pin)))


def wrap_bcrypt(text: str, parameters: Argon2Parameters = SITE_PARAMETERS) -> bytes:
    """A register's bcrypt text under argon2id, packed; needs no PIN. Blocks. ValueError."""
    match unpack_verifier(pack_verifier(text)):
        case Bcrypt(setting):
            return repack(Argon2idOverBcrypt(setting, _salted(text.encode(), parameters)))
        case _:
            raise ValueError("verifier is not bcrypt, so there is nothing to wrap")


class PinChecker:
    """ports.PinVerifier in threads of its own, so that nothing else waits behind a PIN.

    site_verifier: any packed verifier of this site; its scheme and cost are what a card without
    one is made to cost. compute: replaceable so that tests can count.
    """

    def __init__(
        self,
        site_verifier: bytes | None = None,
        *,
        workers: int | None = None,
        compute: Compute = compute,
    ) -> None:
        self._compute = compute
        self._pool = ThreadPoolExecutor(workers or _workers(), thread_name_prefix="pin")
        self._warned = False
        self._closed = False
        if site_verifier is None:
            self._decoy: Verifier = _salted_decoy(SITE_PARAMETERS)
        else:
            self.site_verifier = site_verifier

    @property
    def site_verifier(self) -> bytes:
        """What a card without a verifier costs. Set it from a new cache; ValueError."""
        return repack(self._decoy)

    @site_verifier.setter
    def site_verifier(self, packed: bytes) -> None:
        self._decoy = _decoy_like(unpack_verifier(packed))

    async def check(self, verifier: bytes | None, pin: str) -> bool:
        """Whether the PIN is the verifier's. Same cost and False without a usable verifier.

        VaultError: this device could not compute (no memory), or the checker is closed.
        """
        if self._closed:
            raise VaultError("PINs are checked no more: the daemon is stopping")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._matches, verifier, pin)

    def close(self) -> None:
        """Take no more; a PIN in hand is finished by its thread and answered to nobody."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _matches(self, packed: bytes | None, pin: str) -> bool:
        verifier = self._understood(packed)
        secret = pin.encode("utf-8", "surrogatepass")
        usable = verifier is not None and 0 < len(secret) <= MAX_PIN_BYTES
        reference = verifier or self._decoy
        try:
            found = self._compute(reference, secret[:MAX_PIN_BYTES])
        except (HashingError, MemoryError) as error:
            raise VaultError(f"a PIN could not be checked: {str(error) or 'no memory'}") from None
        return hmac.compare_digest(found, reference.hash) and usable

    def _understood(self, packed: bytes | None) -> Verifier | None:
        if packed is None:
            return None
        try:
            return unpack_verifier(packed)
        except ValueError as error:
            if not self._warned:
                self._warned = True
                log.warning("verifier.malformed", extra={"why": str(error)})
            return None


def _argon2id(verifier: Argon2id, secret: bytes) -> bytes:
    cost = verifier.parameters
    return hash_secret_raw(
        secret,
        verifier.salt,
        time_cost=cost.time_cost,
        memory_cost=cost.memory_kib,
        parallelism=cost.parallelism,
        hash_len=len(verifier.hash),
        type=Type.ID,
    )


def _bcrypt_text(setting: BcryptSetting, secret: bytes) -> str:
    digest = bcrypt.hashpw(secret, setting.text.encode())[-_BCRYPT_DIGEST_CHARACTERS:]
    return setting.text + digest.decode()


def _parsed_hash(text: str) -> bytes:
    return unpack_verifier(pack_verifier(text)).hash


def _salted(secret: bytes, parameters: Argon2Parameters) -> Argon2id:
    empty = _salted_decoy(parameters)
    return replace(empty, hash=_argon2id(empty, secret))


def _salted_decoy(parameters: Argon2Parameters) -> Argon2id:
    return Argon2id(parameters, secrets.token_bytes(16), secrets.token_bytes(32))


def _decoy_like(verifier: Verifier) -> Verifier:
    # Only scheme and cost are taken over: nobody's own hash stays in memory for it.
    match verifier:
        case Argon2id(parameters):
            return _salted_decoy(parameters)
        case Bcrypt(setting):
            return Bcrypt(_resalted(setting), secrets.token_bytes(len(verifier.hash)))
        case Argon2idOverBcrypt(setting, outer):
            return Argon2idOverBcrypt(_resalted(setting), _salted_decoy(outer.parameters))


def _resalted(setting: BcryptSetting) -> BcryptSetting:
    return replace(setting, salt=secrets.token_bytes(len(setting.salt)))


def _secret_of(pin: str) -> bytes:
    secret = pin.encode("utf-8", "surrogatepass")
    if not 0 < len(secret) <= MAX_PIN_BYTES:
        raise ValueError(f"a PIN has 1 to {MAX_PIN_BYTES} bytes")
    return secret


def _workers() -> int:
    return 2 if len(os.sched_getaffinity(0)) >= _CORES_FOR_TWO else 1
