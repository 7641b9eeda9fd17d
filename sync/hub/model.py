"""The hub's configuration and what it knows of a patron, as frozen values.

Deliberately not here: reading the file (config), what a device may know (rights), tables (schema).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from kioskd.domain.credential import Restriction

ANY_AGE = 0  # the age limit that a feed's own dates are for: whatever the branch has


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch and what its devices may know.

    feeds: in order; of a card that is in several, the first that has it counts. minimum_age: 0 is
    none. send_kinds: restrictions beyond those of a door (loan-ban, no-offline-loan, debarred,
    fees) that its doors and desks evaluate. categories: exact codes; empty is all.
    """

    code: str
    municipality: str
    feeds: tuple[str, ...]
    minimum_age: int = 15
    terms_required: bool = True
    categories: tuple[str, ...] = ()
    send_language: bool = False
    send_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Municipality:
    """A controller, and the registers whose imports are its own."""

    name: str
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KohaConfig:
    """What a koha export means here. consent_attribute: the patron attribute of guardian consent.

    no_offline_days: unused now. Codes are compared exactly.
    """

    ban_attribute: str = "SSBAN"
    terms_attribute: str = "SST&C"
    consent_attribute: str = ""


@dataclass(frozen=True, slots=True)
class HubConfig:
    """A hub's whole configuration without faults. `path` is where it was read from.

    database: sqlite:///PATH or postgresql://...; key: "file:/path" or "credential:name".
    near_hours: how long devices may use a credential (their max_credential_age_hours): a date of
    coming of age leaves the hub only when it is nearer than that. cards: patterns of patron cards.
    warnings: what whoever installs it should know, a line each.
    """

    path: Path
    listen: str
    database: str = field(repr=False)  # its URL may hold a password
    key: str
    cards: tuple[str, ...] = (r"[0-9A-Z-]{4,32}",)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    timezone: str = "Europe/Helsinki"
    near_hours: int = 120
    tombstone_days: int = 30
    event_days: int = 730
    koha: KohaConfig = field(default_factory=KohaConfig)
    municipalities: tuple[Municipality, ...] = ()
    branches: tuple[Branch, ...] = ()
    warnings: tuple[str, ...] = ()

    def branch(self, code: str) -> Branch | None:
        """The branch of that code."""
        return next((branch for branch in self.branches if branch.code == code), None)

    def feeds(self) -> tuple[str, ...]:
        """Every feed that is named, each once."""
        named = [feed for town in self.municipalities for feed in town.feeds]
        return tuple(dict.fromkeys([*named, *(f for b in self.branches for f in b.feeds)]))

    def ages_of(self, feed: str) -> tuple[int, ...]:
        """The age limits of the branches that this feed's patrons may come to."""
        limits = {b.minimum_age for b in self.branches if feed in b.feeds and b.minimum_age}
        return tuple(sorted(limits))


class AgeState(StrEnum):
    """What is kept of a birth date, for one age limit."""

    REACHED = "reached"
    UNDER = "under"


@dataclass(frozen=True, slots=True)
class Person:
    """What the hub holds of one patron, sealed under its key. No name, no birth date.

    verifier: packed (kioskd.vault.verifiers); plain bcrypt waits to be wrapped and goes nowhere.
    ages: age limit -> reached, under, or the day on which it is reached when that is near. The key
    ANY_AGE answers for limits that are not there; without it an unknown limit is not reached.
    consent: of a guardian. terms: whether they were accepted; None: the register does not say.
    locked: the register has locked the account for now. institution: no person's card.
    """

    card: str
    verifier: bytes | None = None
    restrictions: tuple[Restriction, ...] = ()
    expires: date | None = None
    ages: Mapping[int, AgeState | date] = field(default_factory=dict)
    consent: bool | tuple[str, ...] = False
    terms: bool | None = None
    category: str | None = None
    language: str | None = None
    locked: bool = False
    institution: bool = False

    def __repr__(self) -> str:
        return "Person()"
