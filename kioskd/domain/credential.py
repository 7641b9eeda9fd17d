"""What a device may know about one patron: a verifier and rights, nothing that names anyone."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from kioskd.domain.codes import same_branch


class RestrictionKind(StrEnum):
    """The restrictions that a register may send (the feed's names)."""

    SELF_SERVICE_BLOCK = "self-service-block"
    USE_BAN = "use-ban"
    LOAN_BAN = "loan-ban"
    DEBARRED = "debarred"
    LOST = "lost"
    FEES = "fees"
    TERMS_MISSING = "terms-missing"
    UNDER_AGE = "under-age"
    NO_OFFLINE_LOAN = "no-offline-loan"
    CATEGORY_NOT_ALLOWED = "category-not-allowed"


class Source(StrEnum):
    """Where a verifier came from; it decides what can be said offline."""

    EXPORTED = "exported"
    LEARNED = "learned"
    ENROLLED = "enrolled"


@dataclass(frozen=True, slots=True)
class Restriction:
    """One restriction; `until` is its last local day (None: open), `branch` None: everywhere.

    A branch is told apart without case, as in a feed `esi` can only mean ESI. code: why, as the
    register names it (`account-locked`); for staff, no rule looks at it.
    """

    kind: RestrictionKind
    until: date | None = None
    branch: str | None = None
    code: str | None = None

    def holds(self, today: date, branch: str) -> bool:
        """Whether it binds at this branch on this local day."""
        if self.until is not None and today > self.until:
            return False
        return self.branch is None or same_branch(self.branch, branch)


@dataclass(frozen=True, slots=True)
class Credential:
    """A patron's verifier and rights.

    verifier: packed (kioskd.vault.packing), None when the register holds no PIN.
    expires: the last local day of the membership. eligible_from: the local day on which the age
    limit is reached, known only when it is near. consent: True, or the branches that it is for.
    """

    verifier: bytes | None = None
    restrictions: tuple[Restriction, ...] = ()
    expires: date | None = None
    eligible_from: date | None = None
    consent: bool | tuple[str, ...] = False
    category: str | None = None
    language: str | None = None
    ref: str | None = None
    source: Source = Source.EXPORTED

    def restriction(self, kind: RestrictionKind, today: date, branch: str) -> Restriction | None:
        """The longest restriction of a kind that binds here today."""
        found = None
        for r in self.restrictions:
            if r.kind is kind and r.holds(today, branch):
                if r.until is None:
                    return r
                if found is None or (found.until is not None and r.until > found.until):
                    found = r
        return found

    def consents(self, branch: str) -> bool:
        """Whether a guardian has agreed to self-service at this branch."""
        return self.consent if isinstance(self.consent, bool) else branch in self.consent
