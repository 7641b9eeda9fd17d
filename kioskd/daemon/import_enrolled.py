"""PINs that staff gave to cards which a feed says are lost or deleted: they go, once it is loaded.

Entries of the lists stay: they are staff's to end, and open nothing without a PIN. Who is enrolled
is read before the feed: a PIN that staff give while it loads is newer than what it says.

Deliberately not here: who may still enter (kioskd.access), and enrolling (kioskd.control).
"""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kioskd.daemon.keys import no_keys
from kioskd.domain.credential import Credential, RestrictionKind
from kioskd.errors import StoreError
from kioskd.store.faults import is_there
from kioskd.store.state import STATE, StateDatabase
from kioskd.vault.card_index import INDEX_BYTES, index_of
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The cards with a PIN of staff, by their indices under every state key.

    fault: why nobody can say which, for people; empty where it could be read.
    """

    keys: tuple[bytes, ...] = ()
    cards: frozenset[bytes] = frozenset()
    fault: str = ""

    def __repr__(self) -> str:
        return f"Enrolled({len(self.cards)} cards)"

    def of(self, number: str) -> bytes:
        """The indices under which this canonical number is enrolled, one after the other."""
        if not self.cards:
            return b""
        indices = (index_of(key, number) for key in self.keys)
        return b"".join(index for index in indices if index in self.cards)


NOBODY = Enrolled()


def read_enrolled(directory: Path, keyring: Keyring) -> Enrolled:
    """Who is enrolled now. A state.db that cannot be read keeps no feed from being loaded."""
    keys = tuple(key.secret for key in keyring.all(Purpose.STATE_INDEX))
    try:
        if not is_there(directory / STATE):
            return NOBODY
        with closing(_state(directory, read_only=True)) as state:
            return Enrolled(keys, frozenset(state.enrolled_cards()))
    except StoreError as error:
        return Enrolled(fault=_stay(error))


def remove_enrolled(directory: Path, found: Iterable[bytes]) -> tuple[int, str]:
    """Forget the PINs of these cards, as Enrolled.of gave them: how many, and why not if none."""
    cards = [
        joined[at : at + INDEX_BYTES]
        for joined in found
        for at in range(0, len(joined), INDEX_BYTES)
    ]
    if not cards:
        return 0, ""
    try:
        with closing(_state(directory, read_only=False)) as state:
            return state.drop_enrolled(cards), ""
    except StoreError as error:
        return 0, _stay(error)


def is_lost(credential: Credential, today: date) -> bool:
    """Whether the register calls the card lost, wherever."""
    return any(
        restriction.kind is RestrictionKind.LOST
        and (restriction.until is None or today <= restriction.until)
        for restriction in credential.restrictions
    )


def _state(directory: Path, *, read_only: bool) -> StateDatabase:
    unseal = no_keys("not needed here").unseal_state
    return StateDatabase(directory, unseal, read_only=read_only, create=False)


def _stay(error: StoreError) -> str:
    return (
        f"{error}. PINs that staff gave to lost or deleted cards stay until this feed is imported "
        "again after that"
    )
