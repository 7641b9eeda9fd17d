"""What the core needs from a register that answers while somebody waits, as small Protocols.

Deadlines are total, in seconds of the monotonic clock: connecting, queueing and asking again are
within them. None of these raises anything but a KioskError.
"""

from datetime import datetime
from typing import Protocol

from kioskd.domain.ils import Lent, PatronSummary, PatronVerdict, Recheck, RenewedAll, Returned


class OnlineVerifier(Protocol):
    """The register's live word on a card. RegisterError when it did not say it in time.

    verify: InputError for an empty PIN or a card that
    no message could carry; nothing is sent then.
    """

    async def verify(self, card: str, pin: str, deadline: float) -> PatronVerdict: ...
    async def recheck(self, card: str, deadline: float) -> Recheck: ...


class Circulation(Protocol):
    """Loans at the register. What it refuses, and that it is silent, are values.

    Nothing is done twice: a lost answer is settled by looking, and is IN_DOUBT where looking
    does not find it done. InputError for a number that no message could carry. happened: it was
    done then, while the register was silent, and is now only told.
    """

    async def checkout(
        self,
        card: str,
        item: str,
        deadline: float,
        *,
        fee_accepted: bool = False,
        happened: datetime | None = None,
    ) -> Lent: ...
    async def checkin(
        self, item: str, deadline: float, *, happened: datetime | None = None
    ) -> Returned: ...
    async def renew(
        self, card: str, item: str, deadline: float, *, fee_accepted: bool = False
    ) -> Lent: ...
    async def renew_all(self, card: str, deadline: float) -> RenewedAll: ...


class PatronDesk(Protocol):
    """What a patron may see of themselves, and the end of their visit. RegisterError."""

    async def summary(self, card: str, pin: str, deadline: float) -> PatronSummary: ...
    async def end(self, card: str, deadline: float) -> None: ...
