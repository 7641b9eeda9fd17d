"""What a branch published, believed only under the key that this device knows. Pure.

    open_signed(signed, known) -> PublishedConfig

1. There is something published, and it is not older than what is in force.
2. The key is the one that this device keeps since it joined (or the first that it sees).
3. The signature is of these very bytes; only then are they read.
4. They say the same version, and this branch.
5. Every part is within bounds; one that is not refuses the whole, and the last good stays.

Deliberately not here: what a schedule may say (kioskd.config.hours), and keeping it.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final
from unicodedata import category

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kioskd.domain.codes import same_branch
from sync.hub_faults import HubFault, Why
from sync.hub_wire import PublishedCard, PublishedConfig, SignedConfig

MAX_PAYLOAD: Final = 1024 * 1024  # characters
MAX_CARDS: Final = 10_000  # of one list
MAX_TEXTS: Final = 500
MAX_TEXT: Final = 2_000  # characters of one text in one language
MAX_WORD: Final = 64  # characters of an id, a language, a card
MAX_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class KnownConfig:
    """What a device holds. key: base64url, empty before the first; version: in force, 0 none."""

    branch: str
    version: int = 0
    key: str = ""


def open_signed(signed: SignedConfig, known: KnownConfig) -> PublishedConfig:
    """The configuration when all of the above holds; HubFault otherwise, never for want of it.

    The caller keeps `signed` as it is, and its key with the first one.
    """
    if signed.version < max(known.version, 1):
        raise _refused(
            f"version {signed.version} is older than {known.version}, which is in force; "
            "publish anew at the hub"
        )
    if known.key and signed.key != known.key:
        raise _refused("it is signed with another key than the hub's; enrol this device again")
    _verify(signed)
    return _read(signed, known.branch)


def _verify(signed: SignedConfig) -> None:
    if len(signed.payload) > MAX_PAYLOAD:
        raise _refused("it is larger than any that a hub publishes")
    try:
        key = Ed25519PublicKey.from_public_bytes(_bytes(signed.key))
        key.verify(_bytes(signed.signature), signed.payload.encode())
    except (InvalidSignature, ValueError):
        raise _refused(
            "its signature is wrong; somebody stands between, or the hub is at fault"
        ) from None


def _read(signed: SignedConfig, branch: str) -> PublishedConfig:
    try:
        published = msgspec.json.decode(signed.payload.encode(), type=PublishedConfig)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise _refused("it is not of a form that this version knows") from None
    if published.version != signed.version:
        raise _refused("it says another version inside than outside")
    if not same_branch(published.branch, branch):
        raise _refused("it is of another branch")
    if not _within_bounds(published):
        raise _refused("a part of it is longer than it may be, or has control characters")
    return published


def _within_bounds(published: PublishedConfig) -> bool:
    lists = (published.allow or [], published.deny or [])
    return (
        _plain(published.help_phone or "", MAX_WORD)
        and len(published.texts) <= MAX_TEXTS
        and all(_text(key, said) for key, said in published.texts.items())
        and all(len(cards) <= MAX_CARDS for cards in lists)
        and all(_card(card) for cards in lists for card in cards)
    )


def _text(key: str, said: dict[str, str]) -> bool:
    return _plain(key, MAX_WORD) and all(
        _plain(language, 8) and _plain(text.replace("\n", " "), MAX_TEXT)
        for language, text in said.items()
    )


def _card(card: PublishedCard) -> bool:
    return _plain(card.card, MAX_WORD) and _plain(card.reason, MAX_REASON)


def _plain(text: str, most: int) -> bool:
    # No control character, nothing that turns or hides text, no lone surrogate.
    return len(text) <= most and all(category(c)[0] != "C" for c in text)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64url") from None


def _refused(why: str) -> HubFault:
    return HubFault(
        Why.CONFIG,
        f"the published configuration is not taken: {why}; the last good one stays in force",
        transient=False,
    )
