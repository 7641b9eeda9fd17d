"""Everything that policy may look at. What is not here, policy cannot use."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum

from kioskd.domain.credential import Credential
from kioskd.domain.hours import HoursState


class PinOutcome(Enum):
    """What came of the PIN step. WRONG also stands for a PIN too short or too long to be one."""

    NOT_ASKED = "not asked"
    NOT_REQUIRED = "not required"
    RIGHT = "right"
    WRONG = "wrong"
    NOT_SET = "not set"
    UNVERIFIABLE = "not known offline"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class DoorPolicy:
    """The site's choices for one door. An empty `categories` is all, `minimum_age` 0 is none."""

    branch: str
    categories: frozenset[str] = frozenset()
    minimum_age: int = 15
    max_credential_age: timedelta = timedelta(hours=120)
    allow_recent_when_stale: bool = False
    allow_when_clock_untrusted: bool = False
    debarred_blocks: bool = False
    fees_block: bool = False
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One card at one door at one moment.

    today: the site's local day of `now`. cache_age: None before the first feed. recently_granted:
    let in here within 14 days. keys_usable: whether cards can be looked up at all.
    register_silent: a register that verifies PINs was asked and did not answer. inside: people
    counted inside, None where nothing counts. locked_for: remaining lockout. enrolled_only: staff
    gave the card a PIN, and neither a list nor the register knows it, so there is no credential;
    for who explains, no rule looks at it.
    """

    now: datetime
    today: date
    door: DoorPolicy
    hours: HoursState = HoursState.CLOSED
    lockdown: bool = True
    clock_trusted: bool = False
    deny_listed: bool = False
    allow_listed: bool = False
    locked_for: timedelta = field(default=timedelta(0))
    keys_usable: bool = True
    cache_readable: bool = True
    cache_age: timedelta | None = None
    recently_granted: bool = False
    credential: Credential | None = None
    pin: PinOutcome = PinOutcome.NOT_ASKED
    register_silent: bool = False
    inside: int | None = None
    enrolled_only: bool = False
