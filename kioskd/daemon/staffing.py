"""The verbs of staff over a site's stores, keys and clock: the same with a daemon and without."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from kioskd.config.model import Config
from kioskd.control.acts import Acts
from kioskd.control.cards import PAGE_BYTES
from kioskd.control.enrolment import PinLength
from kioskd.control.staff import StaffPorts, staff_verbs
from kioskd.control.staff_hours import Changed
from kioskd.control.verbs import Run
from kioskd.daemon.keys import Keys
from kioskd.daemon.stores import Stores
from kioskd.domain.card import CodePatterns
from kioskd.errors import VaultError
from kioskd.ports import AcceptableClock, Clock, LockoutBook
from kioskd.store.state_staff import StaffState
from kioskd.vault.enrolling import SiteEnroller
from kioskd.vault.kdf import PinChecker
from kioskd.vault.keyring import Keyring


def staffing(
    config: Config,
    keys: Keys,
    stores: Stores,
    checker: PinChecker,
    acts: Acts,
    clock: Clock,
    trust: AcceptableClock,
    lockouts: LockoutBook,
    schedule_changed: Changed,
    room: int = PAGE_BYTES,
) -> Mapping[str, Run]:
    """The verbs by name. room: bytes of a page of entries."""

    def keyring() -> Keyring:
        if keys.keyring is None:
            raise VaultError(keys.why)
        return keys.keyring

    ports = StaffPorts(
        acts,
        clock,
        ZoneInfo(config.site.timezone),
        keys.index,
        CodePatterns(config.cards.patron, config.cards.item),
        StaffState(config.storage.directory),
        stores.state,
        stores.cache,
        SiteEnroller(keyring, lambda: checker.site_verifier),
        pin_length(config),
        lockouts,
        trust,
        schedule_changed,
        room,
    )
    return staff_verbs(ports)


def pin_length(config: Config) -> PinLength:
    """What can be typed at every door that has a keypad."""
    return PinLength.of([(d.pin_min, d.pin_max) for d in config.doors if d.keypad])
