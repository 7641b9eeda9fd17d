"""Feeds of fictional cards, of any size."""

import base64
import hashlib
import json
from pathlib import Path

from kioskd.vault.kdf import hash_pin
from kioskd.vault.verifiers import to_text

PIN = "4711"
DISTINCT_HASHES = 1_000  # enough: what an import does with a hash does not depend on its value


def card(number: int) -> str:
    """The card of a row: three digits, a letter, six digits."""
    return f"{100 + number // 1_000_000:03d}A{number % 1_000_000:06d}"


def write_feed(path: Path, rows: int, *, known: int = 0) -> None:
    """JSON lines; the first `known` cards have `PIN`, the others a PIN that nobody knows."""
    hashes = [_nobodys(n) for n in range(min(rows, DISTINCT_HASHES))]
    right = to_text(hash_pin(PIN))
    with path.open("w", encoding="utf-8") as out:
        for number in range(rows):
            pin_hash = right if number < known else hashes[number % len(hashes)]
            out.write(_row(number, pin_hash))


def _row(number: int, pin_hash: str) -> str:
    row: dict[str, object] = {"card": card(number), "pin_hash": pin_hash, "expires": "2029-12-31"}
    if number % 50 == 49:
        row["restrictions"] = [{"kind": "loan-ban"}]
    return json.dumps(row) + "\n"


def _nobodys(number: int) -> str:
    salt, digest = (
        base64.b64encode(hashlib.shake_128(f"{part} {number}".encode()).digest(size))
        .decode()
        .rstrip("=")
        for part, size in (("salt", 16), ("hash", 32))
    )
    return f"$argon2id$v=19$m=19456,t=2,p=1${salt}${digest}"
