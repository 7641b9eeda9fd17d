"""Card numbers become indices: the only form in which a device keeps them.

Deliberately not here: canonical form and patterns (kioskd.domain.card). Every number given to
these functions is canonical already.
"""

import hmac

from kioskd.ports import CardKeys
from kioskd.vault.keyring import Keyring, Purpose

INDEX_BYTES = 16


def index_of(key: bytes, number: str) -> bytes:
    """First 16 bytes of HMAC-SHA-256(key, canonical card number as UTF-8)."""
    return hmac.digest(key, number.encode(), "sha256")[:INDEX_BYTES]


class CardIndexer:
    """ports.CardIndex over a keyring.

    The cache in use was indexed under a key of its own, which may be older than the newest:
    `use_cache_key` takes the id that its generation names.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._cache_key = keyring.newest(Purpose.CACHE_INDEX)

    def use_cache_key(self, key_id: str) -> None:
        """Index for the cache with this key from now on. VaultError when the keyring lacks it."""
        self._cache_key = self._keyring.cache_index(key_id)

    def keys_of(self, number: str) -> CardKeys:
        """The indices of a canonical number: in the cache, and in the state, newest key first."""
        return CardKeys(
            cache=index_of(self._cache_key.secret, number),
            state=tuple(
                index_of(key.secret, number) for key in self._keyring.all(Purpose.STATE_INDEX)
            ),
        )
