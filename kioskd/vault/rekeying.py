"""Sealed rows under an old key become rows under a new one.

Deliberately not here: reading and writing rows; the caller does both in one transaction.
"""

from collections.abc import Iterable, Iterator

from kioskd.vault.sealing import Sealer

SealedRow = tuple[bytes, bytes]  # card index, sealed bytes


def reseal(rows: Iterable[SealedRow], old: Sealer, new: Sealer) -> Iterator[SealedRow]:
    """Each row under the new key, in order, one in memory at a time. VaultError at a bad row."""
    for index, blob in rows:
        yield index, new.seal_bytes(index, old.unseal_bytes(index, blob))
