"""The journal's hash chain: how a row, a person and an anchor are committed to.

body      = canonical JSON of id, seq, at, kind, door, decision, reason, decided_by, by, detail,
            personal (keys sorted, no spaces, UTF-8; absent values are null)
hash      = SHA-256(prev in hex || LF || body), in hex; the first row's prev is 64 zeros
personal  = SHA-256(32-byte salt || canonical JSON of card and item), in hex
anchor    = HMAC-SHA-256(chain key, "journal LF first LF seq LF hash")

A journal that was put back from a copy goes on under a new id: its older anchors hold under the
ids that it had before.

The person and its salt live in a table of their own: erasing them leaves the commitment, so the
chain still verifies and nobody can guess the person back from it.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

GENESIS = "0" * 64
Mac = Callable[[bytes], bytes]


def canonical_json(value: Mapping[str, object]) -> bytes:
    """One form for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def row_hash(prev: str, body: Mapping[str, object]) -> str:
    """The hash of a row after the row whose hash is `prev`."""
    return hashlib.sha256(prev.encode() + b"\n" + canonical_json(body)).hexdigest()


def commitment(salt: bytes, card: str | None, item: str | None) -> str:
    """The commitment to a row's person."""
    return hashlib.sha256(salt + canonical_json({"card": card, "item": item})).hexdigest()


@dataclass(frozen=True, slots=True)
class Anchor:
    """Rows first to seq were deleted; the last of them had this hash."""

    first: int
    seq: int
    hash: str
    mac: bytes


def anchor_text(journal: str, first: int, seq: int, row: str) -> bytes:
    """What an anchor's MAC covers."""
    return f"{journal}\n{first}\n{seq}\n{row}".encode()


def holds(anchor: Anchor, ids: Iterable[str], mac: Mac) -> bool:
    """Whether this device made the anchor, under any of the journal's ids."""
    texts = (anchor_text(journal, anchor.first, anchor.seq, anchor.hash) for journal in ids)
    return any(hmac.compare_digest(mac(text), anchor.mac) for text in texts)
