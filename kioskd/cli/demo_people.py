"""The people of the demo's town and the feed that their register exports.

Cards and PINs are made up, and are constants so that every demo is the same day.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

PIN: Final = "4711"  # everybody's, in this town
OTHER_PIN: Final = "1234"

ARGON2ID = "167A006001"
BCRYPT = "167A006002"
FORGETFUL = "167A006003"
UNKNOWN = "167A006099"
WITHOUT_PIN = "167A006004"
BLOCKED = "167A006005"
BANNED = "167A006006"
CODE_39 = "167A006007"
EXPIRED = "167A006008"
TOO_YOUNG = "167A006009"
WITH_CONSENT = "167A006010"
LOST = "167A006011"
SLOW = "2600104874"
SOON_BLOCKED = "2600104875"
BOOK = "9789510000008"
CARDS: Final = (
    *(ARGON2ID, BCRYPT, FORGETFUL, UNKNOWN, WITHOUT_PIN, BLOCKED, BANNED, CODE_39, EXPIRED),
    *(TOO_YOUNG, WITH_CONSENT, LOST, SLOW, SOON_BLOCKED),
)


def row(card: str, restrictions: list[dict[str, str]], **more: object) -> dict[str, object]:
    """A row of the feed with everybody's PIN."""
    from kioskd.vault.kdf import hash_pin
    from kioskd.vault.verifiers import to_text

    verifier = {"pin_hash": to_text(hash_pin(PIN))}
    return {"card": card, "restrictions": restrictions, **verifier, **more}


def full_feed(today: date) -> list[Mapping[str, object]]:
    """Everybody whom the register knows."""
    from kioskd.vault.kdf import hash_pin_bcrypt
    from kioskd.vault.verifiers import to_text

    until = (today + timedelta(days=30)).isoformat()
    yesterday = (today - timedelta(days=1)).isoformat()
    well = (ARGON2ID, FORGETFUL, CODE_39, SLOW, SOON_BLOCKED)
    return [
        *(row(card, []) for card in well),
        row(BCRYPT, [], pin_hash=to_text(hash_pin_bcrypt(PIN))),
        row(WITHOUT_PIN, [], pin_hash=""),
        row(BLOCKED, [{"kind": "self-service-block", "until": until}]),
        row(BANNED, [{"kind": "use-ban"}]),
        row(EXPIRED, [], expires=yesterday),
        row(TOO_YOUNG, [{"kind": "under-age"}]),
        row(WITH_CONSENT, [{"kind": "under-age"}], consent=True),
        row(LOST, [{"kind": "lost"}]),
    ]
