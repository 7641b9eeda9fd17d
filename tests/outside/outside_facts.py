"""Who the register knows, and how a journal is checked: spelled out again from the documents.

Nothing of kioskd is imported here, so that a mistake in the code is not repeated by its test.
"""

import hashlib
import json
from typing import Any

import argon2
import bcrypt

CARD = "167A006007"
BCRYPT_CARD = "167A006008"
BLOCKED_CARD = "167A006009"
BOTH_CARD = "2600104874"  # fits the patterns of cards and of items
UNKNOWN_CARD = "167A006999"
PIN = "84617263"  # long, so that it is nowhere by chance; without the 0 of a longer release
WRONG_PIN = "91528374"


def register() -> list[dict[str, object]]:
    """The feed: everybody has the same PIN."""
    argon = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PIN)
    wrapped = bcrypt.hashpw(PIN.encode(), bcrypt.gensalt(4)).decode()
    return [
        {"card": CARD, "pin_hash": argon},
        {"card": BCRYPT_CARD, "pin_hash": wrapped},
        {"card": BOTH_CARD, "pin_hash": argon},
        {
            "card": BLOCKED_CARD,
            "pin_hash": argon,
            "restrictions": [{"kind": "self-service-block"}],
        },
    ]


def chain_faults(rows: list[dict[str, Any]]) -> list[int]:
    """Rows of an export whose hash is not that of the row before and their own content."""
    faults, prev = [], "0" * 64
    for row in rows:
        body = {k: v for k, v in row.items() if k not in ("card", "item", "hash", "prev")}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        meant = hashlib.sha256(f"{prev}\n{text}".encode()).hexdigest()
        if (row["prev"], row["hash"]) != (prev, meant):
            faults.append(row["seq"])
        prev = row["hash"]
    return faults
