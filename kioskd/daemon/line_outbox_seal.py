"""Card activity under the outbox key: a patron's reference and a day, sealed and named by neither.

Two keys are derived, one that names and one that seals. The name of an activity is the same for
the same patron and day, so that there is one a day; without the key nobody can try references
against it. Nothing in it comes from the entry that it is owed for.

Deliberately not here: where it is kept (kioskd.store.outbox), and who is told.
"""

import hmac
from contextlib import suppress
from datetime import date
from typing import Final

from kioskd.domain.record import Owed
from kioskd.errors import VaultError
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose
from kioskd.vault.sealing import Sealer

KEY_BYTES: Final = 16
_NAMES: Final = b"kioskd activity name"
_SEALS: Final = b"kioskd activity seal"


class SealedActivityBook:
    """ports.CardActivity, and how what it made is opened again."""

    def __init__(self, keyring: Keyring) -> None:
        secrets = [key.secret for key in keyring.all(Purpose.OUTBOX)]
        self._names = hmac.digest(secrets[0], _NAMES, "sha256")
        self._sealers = [Sealer(hmac.digest(secret, _SEALS, "sha256")) for secret in secrets]

    def owed(self, ref: str, day: date) -> Owed:
        """That the patron of this reference used the card on this day."""
        text = f"{day.isoformat()}\n{ref}".encode()
        key = hmac.digest(self._names, text, "sha256")[:KEY_BYTES]
        return Owed(key, self._sealers[0].seal_bytes(key, ref.encode()), day.isoformat())

    def ref_of(self, key: bytes, sealed: bytes) -> str:
        """The reference in it. VaultError when it does not open."""
        for sealer in self._sealers:
            with suppress(VaultError, UnicodeDecodeError):
                return sealer.unseal_bytes(key, sealed).decode()
        raise VaultError("a card activity does not open with this device's keys; it is left out")
