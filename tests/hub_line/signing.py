"""A hub's key, and configurations signed with it."""

import base64
from datetime import UTC, datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.hub_wire import PublishedConfig, SignedConfig


def text_of(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """Signs what it is given, whatever it says."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.key = text_of(self._key.public_key().public_bytes_raw())

    def sign(self, version: int, payload: str) -> SignedConfig:
        """Any payload under any version."""
        return SignedConfig(version, payload, text_of(self._key.sign(payload.encode())), self.key)

    def published(self, version: int = 3, branch: str = "ESI", **parts: object) -> SignedConfig:
        """A configuration of this branch."""
        at = datetime(2026, 11, 23, tzinfo=UTC)
        config = PublishedConfig(version, branch, at, **parts)  # type: ignore[arg-type]
        return self.sign(version, msgspec.json.encode(config).decode())
