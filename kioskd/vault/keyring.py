"""The keyring: random keys, each for one purpose, wrapped under the device key.

The file is `keyring.json` in the storage directory. Order in it is age: clocks of small devices
start wrong, so times decide nothing but `retire`. Every change is on the disk before its call
returns: nothing is ever sealed under a key that a power cut could take away.

Deliberately not here: what is sealed under the keys, and when that is sealed anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from kioskd.errors import VaultError
from kioskd.vault import files, keyring_file
from kioskd.vault.keys import Key, Purpose, new_key

__all__ = ["FILE_NAME", "Key", "Keyring", "Purpose"]

FILE_NAME = "keyring.json"
_MOST = 1_000_000  # bytes; a key has about 250, and each `kioskd rekey` adds a handful
_CACHE = (Purpose.CACHE_INDEX, Purpose.CACHE_SEAL)
_RENEWED = (*_CACHE, Purpose.STATE_INDEX, Purpose.STATE_SEAL)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Keyring:
    """The keys of one storage directory, unwrapped in memory. Every purpose has at least one."""

    def __init__(
        self,
        path: Path,
        device_key: bytes,
        keys: Sequence[Key],
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._path = path
        self._device_key = device_key
        self._keys = tuple(keys)
        self._now = now

    @staticmethod
    def exists(directory: Path) -> bool:
        """Whether this storage directory has a keyring, whatever its state.

        VaultError where this account may not look.
        """
        try:
            return (directory / FILE_NAME).exists()
        except OSError as error:
            raise VaultError(
                f"{directory / FILE_NAME}: this account may not look there ({error.strerror}); run "
                "the command as root, or as the user that kioskd runs as"
            ) from error

    @classmethod
    def create(
        cls, directory: Path, device_key: bytes, now: Callable[[], datetime] = _utc_now
    ) -> "Keyring":
        """A new keyring with a key for each purpose. VaultError; one that exists is kept."""
        path = directory / FILE_NAME
        keys = [new_key(purpose, now()) for purpose in Purpose]
        try:
            files.write_whole(path, keyring_file.encode(device_key, keys))
        except FileExistsError:
            raise VaultError(f"{path}: there is a keyring already; it is never replaced") from None
        except OSError as error:
            raise _unwritable(path, error) from error
        return cls(path, device_key, keys, now)

    @classmethod
    def open(
        cls, directory: Path, device_key: bytes, now: Callable[[], datetime] = _utc_now
    ) -> "Keyring":
        """The keyring of a directory. VaultError: missing, wrong device key, or damaged."""
        path = directory / FILE_NAME
        try:
            data = files.read_plain(path, _MOST)
        except FileNotFoundError:
            raise VaultError(f"{path}: no keyring there; {keyring_file.WAY_OUT}") from None
        except files.NotPlain:
            raise VaultError(
                f"{path}: the keyring cannot be read: not a plain file; {keyring_file.WAY_OUT}"
            ) from None
        except OSError as error:
            raise VaultError(
                f"{path}: the keyring cannot be read: {error.strerror}; "
                "it must belong to the user that the daemon runs as"
            ) from error
        return cls(path, device_key, keyring_file.decode(str(path), device_key, data), now)

    def __repr__(self) -> str:
        return f"Keyring({str(self._path)!r}, {len(self._keys)} keys)"

    def newest(self, purpose: Purpose) -> Key:
        """The key to seal or index with now; of the cache index, what the next full feed takes."""
        return self.all(purpose)[0]

    def all(self, purpose: Purpose) -> tuple[Key, ...]:
        """Every key of a purpose, newest first."""
        return tuple(key for key in reversed(self._keys) if key.purpose == purpose)

    def by_id(self, key_id: str) -> Key:
        """The key of that id. VaultError when it was dropped or was never here."""
        for key in self._keys:
            if key.id == key_id:
                return key
        raise VaultError(
            f"{self._path}: key {key_id} is not in the keyring, so what was made with it cannot "
            "be read; import a full feed to make a new cache"
        )

    def cache_index(self, key_id: str) -> Key:
        """The cache index key of that id, which a generation names. VaultError as by_id."""
        key = self.by_id(key_id)
        if key.purpose is not Purpose.CACHE_INDEX:
            raise VaultError(f"{self._path}: key {key_id} is no cache-index key")
        return key

    def rekeyed(self, new_device_key: bytes) -> "Keyring":
        """The same keys under another device key, with new seal and index keys; written already.

        Old keys stay for what was made with them. The new cache index key is pending.
        """
        now = self._now()
        kept = [replace(k, retired=now) if _is_superseded(k) else k for k in self._keys]
        fresh = [new_key(p, now, pending=p is Purpose.CACHE_INDEX) for p in _RENEWED]
        keyring = Keyring(self._path, new_device_key, kept + fresh, self._now)
        keyring.save()
        return keyring

    def take_cache_index(self, key_id: str) -> None:
        """A full feed was made with this key: it is in use, and older ones are retired."""
        now = self._now()
        taken = self.cache_index(key_id)
        at = self._keys.index(taken)
        older = [_retired_index(key, now) for key in self._keys[:at]]
        self._replace([*older, replace(taken, pending=False), *self._keys[at + 1 :]])

    def retire(self, before: datetime) -> tuple[str, ...]:
        """Delete keys whose successor took over before that time; their ids.

        The caller has made sure that nothing sealed or indexed with them is left.
        """
        gone = tuple(k.id for k in self._keys if k.retired is not None and k.retired < before)
        if gone:
            self._replace([key for key in self._keys if key.id not in gone])
        return gone

    def drop_cache_keys(self) -> None:
        """Delete the cache's keys: every cache made so far is unreadable for ever.

        New ones take their place for the next full feed.
        """
        kept = [key for key in self._keys if key.purpose not in _CACHE]
        self._replace(kept + [new_key(purpose, self._now()) for purpose in _CACHE])

    def save(self) -> None:
        """Write the file in place of the old one. VaultError; the old one then stands."""
        self._replace(self._keys)

    def _replace(self, keys: Sequence[Key]) -> None:
        try:
            files.replace_whole(self._path, keyring_file.encode(self._device_key, keys))
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._keys = tuple(keys)


def _is_superseded(key: Key) -> bool:
    # The old cache index stays in use until a full feed has taken the new one.
    return key.retired is None and key.purpose in _RENEWED and key.purpose != Purpose.CACHE_INDEX


def _retired_index(key: Key, now: datetime) -> Key:
    if key.purpose is not Purpose.CACHE_INDEX or key.retired is not None:
        return key
    return replace(key, retired=now, pending=False)


def _unwritable(path: Path, error: OSError) -> VaultError:
    return VaultError(
        f"{path}: the keyring could not be written: {error.strerror}; "
        "make room or mend the storage directory, then try again"
    )
