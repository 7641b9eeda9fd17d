"""What staff keep on a device: cards on lists, cards with a PIN of their own, a lockdown.

Card numbers are not here: `card` is an index, `shown` the masked number.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

HUB = "hub"  # who put an entry on a list that nobody here put there


class Which(StrEnum):
    """The two lists."""

    ALLOW = "allow"
    DENY = "deny"

    @property
    def other(self) -> "Which":
        """The list that a card cannot be on at the same time."""
        return Which.DENY if self is Which.ALLOW else Which.ALLOW


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A card on a list until a time. by: who put it there; added: None in files of old."""

    card: bytes
    which: Which
    until: datetime
    why: str
    by: str
    shown: str = ""
    added: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A card with a verifier that staff enrolled. label: who it is for, a role or initials."""

    card: bytes
    shown: str = ""
    label: str = ""
    by: str = ""
    added: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lockdown:
    """Whether nobody is let in; since when, by whom and why, where that is known."""

    on: bool
    since: datetime | None = None
    by: str = ""
    reason: str = ""
