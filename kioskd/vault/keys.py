"""One random key and what it is for.

Deliberately not here: where keys are kept (keyring) and how they are wrapped (keyring_file).
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

SECRET_BYTES = 32  # AES-256, and as good as any for HMAC-SHA-256


class Purpose(StrEnum):
    """What a key is for; never for anything else."""

    CACHE_INDEX = "cache-index"
    CACHE_SEAL = "cache-seal"
    STATE_INDEX = "state-index"
    STATE_SEAL = "state-seal"
    OUTBOX = "outbox"
    CHAIN = "chain"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. retired: when a newer one took over. pending: a cache index key not yet in use."""

    id: str
    purpose: Purpose
    secret: bytes = field(repr=False)
    created: datetime
    retired: datetime | None = None
    pending: bool = False


def new_key(purpose: Purpose, now: datetime, *, pending: bool = False) -> Key:
    """A fresh random key."""
    secret = secrets.token_bytes(SECRET_BYTES)
    return Key(secrets.token_hex(8), purpose, secret, now, pending=pending)
