"""Opens the vault for the daemon and its commands, or stands in for one that does not open."""

import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kioskd.config.model import Config
from kioskd.domain.credential import Credential
from kioskd.errors import StoreError, VaultError
from kioskd.ports import CardIndex, CardKeys
from kioskd.store import generations
from kioskd.store.faults import is_there
from kioskd.store.journal_start import JOURNAL
from kioskd.vault.card_index import CardIndexer
from kioskd.vault.device_key import NoDeviceKey, read_device_key
from kioskd.vault.keyring import FILE_NAME, Keyring
from kioskd.vault.keys import Purpose
from kioskd.vault.sealing import Sealer

Unseal = Callable[[bytes, bytes], Credential]


@dataclass(frozen=True, slots=True)
class Keys:
    """What the rest needs of the keyring. `why` says why nothing can be opened."""

    index: CardIndex
    unseal_state: Unseal
    keyring: Keyring | None = None
    why: str = ""

    def unseal_cache(self, key_id: str) -> Unseal:
        """How credentials of a generation are opened. VaultError without its key."""
        if self.keyring is None:
            raise VaultError(self.why)
        return Sealer(self.keyring.by_id(key_id).secret).unseal

    def mac(self) -> Callable[[bytes], bytes] | None:
        """The MAC of anchors under the chain key; None without keys."""
        if self.keyring is None:
            return None
        secret = self.keyring.newest(Purpose.CHAIN).secret
        return lambda text: hmac.digest(secret, text, "sha256")


class SiteIndex:
    """ports.CardIndex of the generation in use; without its key no card can be looked up."""

    def __init__(self, keyring: Keyring) -> None:
        self._indexer = CardIndexer(keyring)
        self._fault: VaultError | None = None

    def use_cache_key(self, key_id: str) -> None:
        """Index for a cache made with this key from now on."""
        try:
            self._indexer.use_cache_key(key_id)
            self._fault = None
        except VaultError as error:
            self._fault = error

    def keys_of(self, number: str) -> CardKeys:
        """The indices of a canonical number. VaultError when the cache's key is not here."""
        if self._fault is not None:
            raise self._fault
        return self._indexer.keys_of(number)


class _NoIndex:
    def __init__(self, why: str) -> None:
        self._why = why

    def keys_of(self, number: str) -> CardKeys:
        raise VaultError(self._why)


def open_keys(config: Config, device_key: bytes | None = None) -> Keys:
    """The keys of a site; without a usable device key, a stand-in that opens nothing.

    device_key: from who has read it already.
    """
    try:
        return _keys(open_keyring(config, device_key))
    except VaultError as error:
        return no_keys(str(error))


def no_keys(why: str) -> Keys:
    """A stand-in that says why nothing can be opened."""

    def refuse(index: bytes, sealed: bytes) -> Credential:
        raise VaultError(why)

    return Keys(_NoIndex(why), refuse, why=why)


def open_keyring(config: Config, device_key: bytes | None = None) -> Keyring:
    """The keyring, made on the first start of a new storage directory. VaultError."""
    directory = config.storage.directory
    device_key = device_key or device_key_of(directory, config.secrets.device_key)
    if not Keyring.exists(directory) and not _used(directory) and directory.is_dir():
        return Keyring.create(directory, device_key)
    return Keyring.open(directory, device_key)


def device_key_of(directory: Path, reference: str) -> bytes:
    """The device key of a storage directory, from where `reference` says. VaultError.

    One that is gone is to be put back where a keyring was made with it: another opens nothing.
    """
    try:
        return read_device_key(reference)
    except NoDeviceKey as gone:
        if not Keyring.exists(directory):
            raise
        raise VaultError(
            f"{gone.path}: no device key there, and {directory / FILE_NAME} was made with one: "
            "put it back from its copy; a new key would open nothing"
        ) from None


def _used(directory: Path) -> bool:
    try:
        return generations.has_any(directory) or is_there(directory / JOURNAL)
    except StoreError as error:
        raise VaultError(str(error)) from error


def _keys(keyring: Keyring) -> Keys:
    return Keys(SiteIndex(keyring), _unseal_state(keyring), keyring)


def _unseal_state(keyring: Keyring) -> Unseal:
    # A rekey that was cut short leaves verifiers under the old key and the new one.
    sealers = [Sealer(key.secret) for key in keyring.all(Purpose.STATE_SEAL)]

    def unseal(index: bytes, sealed: bytes) -> Credential:
        for sealer in sealers[:-1]:
            with suppress(VaultError):
                return sealer.unseal(index, sealed)
        return sealers[-1].unseal(index, sealed)

    return unseal
