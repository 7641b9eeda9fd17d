"""The hub's key and what is made of it: indices, sealed rows, digests, references, a signature.

One 32-byte key lies outside the database. HKDF gives a key of its own to each purpose, so nothing
that one of them shows says anything of another. A sealed row is bound to its feed and card index:
it opens nowhere else.

Deliberately not here: the bytes of a person (sealing_person), and what is stored where.
"""

import base64
import hmac
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kioskd.errors import VaultError
from kioskd.vault.card_index import index_of
from kioskd.vault.device_key import KEY_BYTES, NoDeviceKey, read_device_key
from kioskd.vault.sealing import Sealer
from sync.hub.model import Person
from sync.hub.sealing_person import pack_person, unpack_person

INDEX_BYTES: Final = 16
REF_CHARACTERS: Final = 22
_CREDENTIAL: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_KEY_TEXT: Final = re.compile(rb"[A-Za-z0-9_-]{43}=?")
_MOST: Final = 256  # bytes read at most: a key is 45 with its newline


class HubKeys:
    """Everything that the hub's key can do. Safe in threads; blocks for microseconds.

    VaultError when something does not open: another key, another place, or changed.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise VaultError(f"hub.key: a key has {KEY_BYTES} bytes; make one: `kioskd-hub init`")
        self._index = _derived(key, "card index")
        self._source = _derived(key, "source digest")
        self._ref = _derived(key, "ref")
        self._check = _derived(key, "check")
        self._persons = Sealer(_derived(key, "seal"))
        self._texts = Sealer(_derived(key, "publish seal"))
        self._signing = Ed25519PrivateKey.from_private_bytes(_derived(key, "signing"))

    def __repr__(self) -> str:
        return "HubKeys()"

    def card_index(self, number: str) -> bytes:
        """16 bytes in place of a canonical card number."""
        return index_of(self._index, number)

    def seal_person(self, feed: str, index: bytes, person: Person) -> bytes:
        """A person, sealed to a feed and a card index."""
        return self._persons.seal_bytes(feed.encode() + index, pack_person(person))

    def open_person(self, feed: str, index: bytes, blob: bytes) -> Person:
        """The person sealed to this feed and index."""
        try:
            return unpack_person(self._persons.unseal_bytes(feed.encode() + index, blob))
        except VaultError:
            raise VaultError(
                "a sealed patron does not open: it was sealed with another key or was changed; "
                "use the key that this database was made with, or restore the database"
            ) from None
        except ValueError as error:
            raise VaultError(
                f"a sealed patron opens but is not understood ({error}); it was written by "
                "another version of kioskd-hub: install that one"
            ) from None

    def source_digest(self, data: bytes) -> bytes:
        """16 bytes that differ when what was imported differs; useless without the key."""
        return hmac.digest(self._source, data, "sha256")[:INDEX_BYTES]

    def ref(self, feed: str, identity: str) -> str:
        """What devices call a patron: stable, opaque, 22 characters of base64url."""
        named = feed.encode()
        data = len(named).to_bytes(4, "big") + named + identity.encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._ref, data, "sha256")[:INDEX_BYTES]
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def seal_text(self, context: str, text: str) -> bytes:
        """A text, sealed to what it is: it opens under the same context alone."""
        return self._texts.seal_bytes(context.encode(), text.encode())

    def open_text(self, context: str, blob: bytes) -> str:
        """The text that was sealed under this context."""
        try:
            return self._texts.unseal_bytes(context.encode(), blob).decode()
        except (VaultError, UnicodeDecodeError):
            raise VaultError(
                f"{context}: a sealed text does not open: it was sealed with another key or was "
                "changed; publish it again"
            ) from None

    def sign(self, data: bytes) -> bytes:
        """An Ed25519 signature, 64 bytes."""
        return self._signing.sign(data)

    @property
    def public_key(self) -> bytes:
        """What checks a signature, 32 bytes."""
        return self._signing.public_key().public_bytes_raw()

    def check_of(self) -> str:
        """16 hex digits by which a key is known again (META key_check); they give nothing away."""
        return self._check[:8].hex()


def read_hub_key(reference: str, environ: Mapping[str, str] = os.environ) -> bytes:
    """The 32 bytes that `file:/path` or `credential:name` names. VaultError otherwise."""
    scheme, _, name = reference.partition(":")
    if scheme == "file" and name:
        try:
            return read_device_key(reference)
        except NoDeviceKey as missing:
            raise VaultError(
                f"{missing.path}: no hub key there; make one with `kioskd-hub init`"
            ) from None
    if scheme == "credential" and _CREDENTIAL.fullmatch(name):
        return _read_credential(name, environ)
    raise VaultError("hub.key names no key; write file:/path/of/the.key or credential:hub-key")


def _read_credential(name: str, environ: Mapping[str, str]) -> bytes:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise VaultError(
            f"credential {name}: $CREDENTIALS_DIRECTORY is not set; it is there only under the "
            f"unit (LoadCredential={name}:...). Elsewhere use file:/path as hub.key"
        )
    path = Path(directory) / name
    found = _KEY_TEXT.fullmatch(_bytes_of(path).strip())
    if found is None:
        raise VaultError(f"{path}: not a hub key: it is {KEY_BYTES} bytes as base64url text")
    return base64.urlsafe_b64decode(found[0].rstrip(b"=") + b"=")


def _bytes_of(path: Path) -> bytes:
    # Its mode is not looked at: a unit's credential has an access list that shows as group bits.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            return os.read(descriptor, _MOST) if regular else b""
        finally:
            os.close(descriptor)
    except OSError as error:
        raise VaultError(f"{path}: the hub key cannot be read: {error.strerror}") from error


def _derived(key: bytes, purpose: str) -> bytes:
    info = f"kioskd-hub 1 {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)
