"""What staff do, as rows of the journal: written before it is done.

An act without a row is not done, except where it makes a door safer: that is done first, and a
row that cannot be written is told in the log. An act that fails after its row has a second row
that says so.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from kioskd.control.people import Person
from kioskd.domain.record import NO_DETAIL, Kind, Record
from kioskd.errors import KioskError, StoreError
from kioskd.ports import Clock, ClockTrust, Journal

log = logging.getLogger("kioskd.control")


class Acts:
    """Writes `staff.action` and its like, with the person who did it."""

    def __init__(self, journal: Journal, clock: Clock, trust: ClockTrust) -> None:
        self._journal = journal
        self._clock = clock
        self._trust = trust

    async def write(
        self,
        person: Person,
        action: str,
        *,
        door: str | None = None,
        card: bytes | None = None,
        detail: Mapping[str, object] = NO_DETAIL,
        kind: Kind = Kind.STAFF_ACTION,
        cleared: tuple[bytes, ...] = (),
        trusted: bool | None = None,
    ) -> str:
        """Write it down; the id of its row once it is on the medium. StoreError.

        action: what was done, such as "list-add". card: an index, erased with its person; a
        number, or what is left of one, is never in `detail`. cleared: indices whose failures the
        row forgets. trusted: for a row that itself says that the clock is trusted.
        """
        now = self._clock.moment()
        record = Record(
            self._clock.new_id(),
            now.wall,
            kind,
            door=door,
            by=person.name,
            detail={**detail, "action": action},
            card=card,
            trusted=self._trust.judge(now).trusted if trusted is None else trusted,
        )
        await self._journal.append(record, cleared)
        log.info("staff.action", extra={"by": person.name, "action": action, "id": record.id})
        return record.id

    @asynccontextmanager
    async def first(
        self,
        person: Person,
        action: str,
        *,
        card: bytes | None = None,
        detail: Mapping[str, object] = NO_DETAIL,
        kind: Kind = Kind.STAFF_ACTION,
    ) -> AsyncIterator[str]:
        """Write it down, then do what the block does; where that fails, write that down too.

        StoreError when it cannot be written: the block is not entered then.
        """
        act = await self.write(person, action, card=card, detail=detail, kind=kind)
        try:
            yield act
        except KioskError as error:
            failed = {"act": act, "why": str(error)}
            await self.write_after(person, f"{action}.failed", detail=failed)
            raise

    async def write_after(
        self,
        person: Person,
        action: str,
        *,
        door: str | None = None,
        detail: Mapping[str, object] = NO_DETAIL,
    ) -> None:
        """Write down what made a door safer and is done already; never raises a StoreError."""
        try:
            await self.write(person, action, door=door, detail=detail)
        except StoreError as error:
            extra = {"by": person.name, "action": action, "why": str(error)}
            log.error("staff.action_unwritten", extra=extra)  # noqa: TRY400
