"""The lock of the cache as the line to a hub takes it, and the end of a cache.

Deliberately not here: what is changed under the lock.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kioskd.errors import InputError, StoreError
from kioskd.store import generations
from kioskd.vault.keyring import Keyring


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Be the only one that changes the cache. StoreError, transient, while an import runs."""
    with ExitStack() as stack:
        try:
            stack.enter_context(generations.import_lock(directory))
        except InputError as busy:
            raise StoreError(str(busy), transient=True) from None
        yield


def drop_cache(directory: Path, keyring: Keyring) -> None:
    """Make every cache of this device unreadable for ever, then delete it. VaultError, StoreError.

    keyring: the one in use, so that it forgets the keys as well. Lists, enrolled PINs and the
    journal stay. A generation that somebody reads is deleted when they let go; a door finds
    nobody in it once it has looked at `current`.
    """
    keyring.drop_cache_keys()
    generations.drop(directory)
