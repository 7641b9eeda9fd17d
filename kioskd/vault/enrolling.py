"""A verifier for a PIN that staff give out: of this site's scheme and cost, sealed to its card.

Time then tells nobody that the card is one of staff's.
"""

import asyncio
from collections.abc import Callable

from argon2.exceptions import HashingError

from kioskd.domain.credential import Credential, Source
from kioskd.errors import VaultError
from kioskd.vault.kdf import hash_pin, hash_pin_bcrypt, wrap_bcrypt
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose
from kioskd.vault.sealing import Sealer
from kioskd.vault.verifiers import Argon2id, Argon2idOverBcrypt, Bcrypt, to_text, unpack_verifier


class SiteEnroller:
    """ports.PinSealer. site_verifier: any packed verifier of this site, as it is now."""

    def __init__(self, keyring: Callable[[], Keyring], site_verifier: Callable[[], bytes]) -> None:
        self._keyring = keyring
        self._site_verifier = site_verifier

    async def seal(self, card: bytes, pin: str) -> bytes:
        """A sealed verifier of the PIN. VaultError without keys or memory."""
        return await asyncio.to_thread(self._sealed, card, pin)

    def _sealed(self, card: bytes, pin: str) -> bytes:
        sealer = Sealer(self._keyring().newest(Purpose.STATE_SEAL).secret)
        try:
            verifier = like_site(self._site_verifier(), pin)
        except (HashingError, MemoryError) as error:
            raise VaultError(f"a PIN could not be hashed: {str(error) or 'no memory'}") from None
        return sealer.seal(card, Credential(verifier, source=Source.ENROLLED))


def like_site(site_verifier: bytes, pin: str) -> bytes:
    """A new packed verifier of the site's scheme and cost. Blocks. ValueError."""
    match unpack_verifier(site_verifier):
        case Argon2id(parameters):
            return hash_pin(pin, parameters)
        case Bcrypt(setting):
            return hash_pin_bcrypt(pin, setting.cost, setting.letter)
        case Argon2idOverBcrypt(setting, outer):
            inner = to_text(hash_pin_bcrypt(pin, setting.cost, setting.letter))
            return wrap_bcrypt(inner, outer.parameters)
