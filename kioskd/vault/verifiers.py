r"""PIN verifiers in three forms: text in feeds, packed bytes in credentials, values in between.

Text:
    $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH                     PHC string
    $2a$08$ and 53 characters, also $2b$ and $2y$                modular crypt
    $argon2id-bcrypt$b=2a,c=08,s=BCRYPTSALT$v=19$m=..,t=..,p=..$SALT$HASH
        argon2id over the 60-character bcrypt string that the PIN gives with the inner salt

Packed, by first byte (big endian):
    1  m u32, t u8, p u8, salt length u8, salt, hash
    2  letter u8, cost u8, salt (16), hash (23)
    3  letter u8, cost u8, inner salt (16), then as 1 without its first byte

Bounded in both directions, so that no feed can make a door spend seconds or gigabytes on a PIN.
No fault's text holds a salt or a hash.

Deliberately not here: hashing and comparing (kioskd.vault.kdf).
"""

import binascii
import re
import struct
from dataclasses import dataclass, field

MAX_MEMORY_KIB = 128 * 1024  # a device has 1 GB and checks two PINs at a time at most
MAX_TIME_COST = 16
MAX_PARALLELISM = 8
SALT_BYTES = (8, 64)  # argon2 itself takes no salt under 8
HASH_BYTES = (16, 64)
BCRYPT_COSTS = (4, 14)  # 4 is bcrypt's least; 14 is about a second on a Pi
BCRYPT_SALT_BYTES = 16
BCRYPT_HASH_BYTES = 23
_MAX_TEXT = 400

_ARGON2ID, _BCRYPT, _OVER_BCRYPT = b"\x01", b"\x02", b"\x03"
_HEAD = struct.Struct(">IBBB")
_INNER = struct.Struct(">BB16s")

_NUMBER = r"(0|[1-9][0-9]{0,8})"
_ARGON2_TAIL = rf"\$v=19\$m={_NUMBER},t={_NUMBER},p={_NUMBER}\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"
_ARGON2ID_TEXT = re.compile(r"\$argon2id" + _ARGON2_TAIL)
_BCRYPT_TEXT = re.compile(r"\$2([aby])\$([0-9]{2})\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})")
_OVER_BCRYPT_TEXT = re.compile(
    r"\$argon2id-bcrypt\$b=2([aby]),c=([0-9]{2}),s=([./A-Za-z0-9]{22})" + _ARGON2_TAIL
)
_BCRYPT_ALPHABET = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FROM_BCRYPT = bytes.maketrans(_BCRYPT_ALPHABET, _ALPHABET)
_TO_BCRYPT = bytes.maketrans(_ALPHABET, _BCRYPT_ALPHABET)


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """What argon2id costs: memory in KiB, passes, lanes."""

    memory_kib: int
    time_cost: int
    parallelism: int

    def __post_init__(self) -> None:
        _check_cost(self.memory_kib, self.time_cost, self.parallelism)


@dataclass(frozen=True, slots=True)
class BcryptSetting:
    """What bcrypt is run with: letter of its version (a, b, y), log2 of its rounds, salt."""

    letter: str
    cost: int
    salt: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.letter not in ("a", "b", "y"):
            raise ValueError("bcrypt version is none of 2a, 2b, 2y")
        _within("bcrypt cost", self.cost, BCRYPT_COSTS)
        if len(self.salt) != BCRYPT_SALT_BYTES:
            raise ValueError(f"bcrypt salt is {len(self.salt)} bytes, not {BCRYPT_SALT_BYTES}")

    @property
    def text(self) -> str:
        """The first 29 characters of the bcrypt string."""
        return f"$2{self.letter}${self.cost:02d}${_bcrypt64(self.salt)}"


@dataclass(frozen=True, slots=True)
class Argon2id:
    """argon2id, version 19, over the PIN."""

    parameters: Argon2Parameters
    salt: bytes = field(repr=False)
    hash: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _within("argon2 salt length", len(self.salt), SALT_BYTES)
        _within("argon2 hash length", len(self.hash), HASH_BYTES)


@dataclass(frozen=True, slots=True)
class Bcrypt:
    """bcrypt over the PIN; hash is its 23 bytes."""

    setting: BcryptSetting
    hash: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.hash) != BCRYPT_HASH_BYTES:
            raise ValueError(f"bcrypt hash is {len(self.hash)} bytes, not {BCRYPT_HASH_BYTES}")


@dataclass(frozen=True, slots=True)
class Argon2idOverBcrypt:
    """argon2id over the bcrypt string of the PIN: a register's bcrypt, hardened once."""

    setting: BcryptSetting
    outer: Argon2id

    @property
    def hash(self) -> bytes:
        return self.outer.hash


Verifier = Argon2id | Bcrypt | Argon2idOverBcrypt


def pack_verifier(text: str) -> bytes:
    """A feed's verifier text, packed. ValueError says what is wrong with it."""
    if len(text) > _MAX_TEXT:
        raise ValueError(f"verifier is longer than {_MAX_TEXT} characters")
    if m := _ARGON2ID_TEXT.fullmatch(text):
        return _ARGON2ID + _pack_argon2(*m.groups())
    if m := _BCRYPT_TEXT.fullmatch(text):
        letter, cost, salt, digest = m.groups()
        return _BCRYPT + _pack_inner(letter, cost, salt) + _unbcrypt64(digest, "bcrypt hash")
    if m := _OVER_BCRYPT_TEXT.fullmatch(text):
        letter, cost, salt, *outer = m.groups()
        return _OVER_BCRYPT + _pack_inner(letter, cost, salt) + _pack_argon2(*outer)
    raise ValueError(_why_not(text))


def unpack_verifier(packed: bytes) -> Verifier:
    """The verifier in packed bytes. ValueError when they are not what pack_verifier makes."""
    scheme = packed[:1]
    try:
        if scheme == _ARGON2ID:
            return _unpack_argon2(packed[1:])
        if scheme == _BCRYPT:
            return Bcrypt(_unpack_inner(packed), packed[1 + _INNER.size :])
        if scheme == _OVER_BCRYPT:
            rest = packed[1 + _INNER.size :]
            return Argon2idOverBcrypt(_unpack_inner(packed), _unpack_argon2(rest))
    except struct.error:
        raise ValueError("packed verifier is cut off") from None
    raise ValueError("packed verifier is of no known scheme")


def repack(verifier: Verifier) -> bytes:
    """The packed form of a verifier value."""
    return pack_verifier(verifier_text(verifier))


def to_text(packed: bytes) -> str:
    """The text that packs to these bytes, as a feed would carry it. ValueError."""
    return verifier_text(unpack_verifier(packed))


def verifier_text(verifier: Verifier) -> str:
    """A verifier value as a feed carries it."""
    match verifier:
        case Argon2id():
            return "$argon2id" + _argon2_tail(verifier)
        case Bcrypt(setting, digest):
            return setting.text + _bcrypt64(digest)
        case Argon2idOverBcrypt(s, outer):
            inner = f"$b=2{s.letter},c={s.cost:02d},s={_bcrypt64(s.salt)}"
            return "$argon2id-bcrypt" + inner + _argon2_tail(outer)


def _pack_argon2(memory: str, time: str, lanes: str, salt: str, digest: str) -> bytes:
    m, t, p = int(memory), int(time), int(lanes)
    _check_cost(m, t, p)
    salt_bytes, hash_bytes = _unbase64(salt, "argon2 salt"), _unbase64(digest, "argon2 hash")
    _within("argon2 salt length", len(salt_bytes), SALT_BYTES)
    _within("argon2 hash length", len(hash_bytes), HASH_BYTES)
    return _HEAD.pack(m, t, p, len(salt_bytes)) + salt_bytes + hash_bytes


def _unpack_argon2(packed: bytes) -> Argon2id:
    memory, time, lanes, salt_length = _HEAD.unpack_from(packed)
    end = _HEAD.size + salt_length
    parameters = Argon2Parameters(memory, time, lanes)
    return Argon2id(parameters, packed[_HEAD.size : end], packed[end:])


def _pack_inner(letter: str, cost: str, salt: str) -> bytes:
    rounds = int(cost)
    _within("bcrypt cost", rounds, BCRYPT_COSTS)
    return _INNER.pack(ord(letter), rounds, _unbcrypt64(salt, "bcrypt salt"))


def _unpack_inner(packed: bytes) -> BcryptSetting:
    letter, cost, salt = _INNER.unpack_from(packed, 1)
    return BcryptSetting(chr(letter), cost, salt)


def _argon2_tail(v: Argon2id) -> str:
    p = v.parameters
    cost = f"m={p.memory_kib},t={p.time_cost},p={p.parallelism}"
    return f"$v=19${cost}${_base64(v.salt).decode()}${_base64(v.hash).decode()}"


def _check_cost(memory_kib: int, time_cost: int, parallelism: int) -> None:
    _within("argon2 parallelism (p)", parallelism, (1, MAX_PARALLELISM))
    _within("argon2 time cost (t)", time_cost, (1, MAX_TIME_COST))
    _within("argon2 memory (m, KiB)", memory_kib, (8 * parallelism, MAX_MEMORY_KIB))


def _within(what: str, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise ValueError(f"{what} is {value}, outside {bounds[0]} to {bounds[1]}")


def _base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).rstrip(b"=")


def _unbase64(text: str, what: str) -> bytes:
    try:
        data = binascii.a2b_base64(text + "==")
    except binascii.Error:
        raise ValueError(f"{what} is not base64") from None
    if _base64(data) != text.encode():
        raise ValueError(f"{what} is not base64 without padding: its last character is wrong")
    return data


def _bcrypt64(data: bytes) -> str:
    return _base64(data).translate(_TO_BCRYPT).decode()


def _unbcrypt64(text: str, what: str) -> bytes:
    return _unbase64(text.encode().translate(_FROM_BCRYPT).decode(), what)


def _why_not(text: str) -> str:
    scheme = text.split("$")[1] if text.startswith("$") else ""
    if scheme in ("argon2i", "argon2d"):
        return f"verifier is {scheme}; only argon2id is taken"
    if scheme in ("argon2id", "argon2id-bcrypt"):
        if "$v=19$" not in text:
            return f"verifier is {scheme} of another version; only v=19 is taken"
        return f"verifier begins as {scheme} and goes on wrong"
    if scheme in ("2a", "2b", "2y"):
        return f"verifier begins as bcrypt ({scheme}) and goes on wrong; it has 60 characters"
    return "verifier is neither argon2id nor bcrypt ($2a$, $2b$, $2y$)"
