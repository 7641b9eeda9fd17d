"""Kinds of verifiers: how many credentials have which, and what a PIN costs at this site.

A kind is scheme and cost in words ("argon2id m=19456 t=2 p=1"), never a salt or a hash.
Deliberately not here: verifying.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Final

from kioskd.store.cache_staging import NO_PIN
from kioskd.vault.verifiers import (
    BCRYPT_HASH_BYTES,
    BCRYPT_SALT_BYTES,
    Argon2id,
    Argon2idOverBcrypt,
    Argon2Parameters,
    Bcrypt,
    BcryptSetting,
    Verifier,
    repack,
    unpack_verifier,
)

_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
# A packed argon2id verifier (scheme 1) begins with its cost; of the others too few are met in one
# feed with one and the same head to be worth a slice of their own.
_ARGON2ID: Final = 1
_ARGON2ID_HEAD: Final = 7


class VerifierKinds:
    """Names the kinds of packed verifiers; a million of them have a handful of kinds."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}

    def kind_of(self, packed: bytes | None) -> str:
        """Scheme and cost, "none" without a verifier. ValueError when it is malformed."""
        if packed is None:
            return NO_PIN
        if packed[0] != _ARGON2ID:
            return kind_name(unpack_verifier(packed))
        head = packed[:_ARGON2ID_HEAD]
        name = self._names.get(head)
        if name is None:
            name = self._names[head] = kind_name(unpack_verifier(packed))
        return name


def kind_name(verifier: Verifier) -> str:
    """Scheme and cost of a verifier in words."""
    match verifier:
        case Argon2id(parameters):
            return _argon2id_name(parameters)
        case Bcrypt(setting):
            return f"bcrypt 2{setting.letter} c={setting.cost}"
        case Argon2idOverBcrypt(setting, outer):
            inner = f"bcrypt 2{setting.letter} c={setting.cost}"
            return f"{_argon2id_name(outer.parameters)} over {inner}"


def site_verifier(kinds: Mapping[str, int]) -> bytes | None:
    """A packed verifier of nobody, of the kind that most credentials have; None without any."""
    with_pin = {kind: count for kind, count in kinds.items() if kind != NO_PIN and count > 0}
    if not with_pin:
        return None
    return repack(_of_nobody(max(with_pin, key=lambda kind: (with_pin[kind], kind))))


def _argon2id_name(parameters: Argon2Parameters) -> str:
    p = parameters
    return f"argon2id m={p.memory_kib} t={p.time_cost} p={p.parallelism}"


def _of_nobody(kind: str) -> Verifier:
    cost = {letter: int(number) for letter, number in re.findall(r"\b([mtpc])=(\d+)", kind)}
    letter = re.search(r"\bbcrypt 2([aby])\b", kind)
    if letter is None:
        return _argon2id(cost)
    setting = BcryptSetting(letter[1], cost["c"], secrets.token_bytes(BCRYPT_SALT_BYTES))
    if kind.startswith("bcrypt"):
        return Bcrypt(setting, secrets.token_bytes(BCRYPT_HASH_BYTES))
    return Argon2idOverBcrypt(setting, _argon2id(cost))


def _argon2id(cost: Mapping[str, int]) -> Argon2id:
    return Argon2id(
        Argon2Parameters(cost["m"], cost["t"], cost["p"]),
        secrets.token_bytes(_SALT_BYTES),
        secrets.token_bytes(_HASH_BYTES),
    )
