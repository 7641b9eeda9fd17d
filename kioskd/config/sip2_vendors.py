"""What a configuration must know of each library system that SIP2 is spoken with. Pure.

One row for each dialect: the checks of [register.sip2] judge by it, and sync.sip2.dialects takes
from it who may enter. How a library system speaks stands in a row of the same name there; a name
in one table alone fails when that module is imported.

Deliberately not here: what only the wire needs, and what a site says itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

# Positions of patron_status [spec]
STATUS_FLAGS: Final = (
    "charge_denied",
    "renewal_denied",
    "recall_denied",
    "hold_denied",
    "card_lost",
    "too_many_charged",
    "too_many_overdue",
    "too_many_renewals",
    "too_many_claims",
    "too_many_lost",
    "excessive_fines",
    "excessive_fees",
    "recall_overdue",
    "too_many_billed",
)


@dataclass(frozen=True, slots=True)
class Vendor:
    """Who may enter by a dialect. ValueError for a row that would let in whom it should not.

    access_field: its own field of 64 that tells; empty: none. denied: that field's values that say
    no; every other one says yes, and a missing field no. numeric: what is no number above 0 says
    no as well. by_institution: the field is looked up by AO, and a wrong one says yes. door: flags
    of patron_status that keep out. With neither field nor flags nobody may enter until the site
    says who.
    """

    access_field: str = ""
    denied: frozenset[str] = frozenset()
    by_institution: bool = False
    door: frozenset[str] = frozenset()
    numeric: bool = False

    def __post_init__(self) -> None:
        """Only what the wire could use: it compares values without blanks around them."""
        if bool(self.access_field) != bool(self.denied):
            raise ValueError("an access field has values that say no, and nothing else has")
        if any(not value or value != value.strip() for value in self.denied):
            raise ValueError("a value that says no is not empty and has no blanks around it")
        if self.numeric and not self.access_field:
            raise ValueError("only an access field is a number")
        if self.by_institution and not self.access_field:
            raise ValueError("only an access field is looked up by the institution")
        if unknown := sorted(self.door - set(STATUS_FLAGS)):
            raise ValueError(f"no such flag: {', '.join(unknown)}")

    @property
    def tells(self) -> bool:
        """Whether it says by itself who may enter."""
        return bool(self.access_field or self.door)


_CARD_LOST: Final = frozenset({"card_lost"})

VENDORS: Final[Mapping[str, Vendor]] = MappingProxyType(
    {
        "koha": Vendor(door=_CARD_LOST),
        "koha-suomi": Vendor(
            "PA", frozenset({"0"}), by_institution=True, door=_CARD_LOST, numeric=True
        ),
        "evergreen": Vendor(door=_CARD_LOST),
        "sierra": Vendor(door=_CARD_LOST),
        "polaris": Vendor(),
        "aurora": Vendor(),
        "custom": Vendor(),
    }
)
