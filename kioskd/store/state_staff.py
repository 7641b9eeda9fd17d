"""state.db as staff change it: each call in a thread, over a connection of its own.

The daemon's held connection belongs to the loop and only reads; what is committed here it sees
with its next read. The file is there already: one that is gone is not begun anew, or a lockdown
would be written where no door reads it.

Deliberately not here: who may change what, and that it is journalled (kioskd.control).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from kioskd.access.schedule import StaffException
from kioskd.domain.moment import Moment
from kioskd.domain.staff import Enrolment, ListEntry, Lockdown, Which
from kioskd.errors import StoreFull
from kioskd.store import state_rows as rows
from kioskd.store.engine import connect, migrate, transaction, whole
from kioskd.store.faults import mapped
from kioskd.store.reserve import Reserve
from kioskd.store.state import STATE, still_there
from kioskd.store.state_schema import STEPS

T = TypeVar("T")


class StaffState:
    """ports.StaffLists, Enrolments, LockdownSwitch, StaffHours and ClockMark over state.db.

    Every method is one durable transaction, or raises StoreError.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / STATE
        self._reserve = Reserve(directory / "reserve.bin")

    async def entries(self, which: Which) -> tuple[ListEntry, ...]:
        """A list; those that are over among them."""
        return await self._do(lambda run: rows.entries(run, which))

    async def put_entry(self, entry: ListEntry, older: tuple[bytes, ...]) -> None:
        """Put a card on a list; its rows under older indices go."""
        await self._do(lambda run: rows.put_entry(run, entry, older))

    async def put_entries_of(self, by: str, lists: Mapping[Which, Sequence[ListEntry]]) -> None:
        """Let these be the entries of each list that `by` put there."""

        def put(run: Connection) -> None:
            for which, to_be in lists.items():
                rows.put_entries_of(run, which, by, to_be)

        await self._do(put)

    async def drop_entries(self, cards: tuple[bytes, ...], which: Which) -> int:
        """Take a card, by all its indices, off a list; how many rows went."""
        return await self._do(lambda run: rows.drop_entries(run, cards, which))

    async def enrolments(self) -> tuple[Enrolment, ...]:
        """Every card with a verifier of its own."""
        return await self._do(rows.enrolments)

    async def put_enrolment(
        self, enrolment: Enrolment, sealed: bytes, older: tuple[bytes, ...]
    ) -> bool:
        """Keep a sealed verifier; whether the card had one already."""
        return await self._do(lambda run: rows.put_enrolment(run, enrolment, sealed, older))

    async def drop_enrolments(self, cards: tuple[bytes, ...]) -> int:
        """Forget a card's verifier, by all its indices; how many rows went."""
        return await self._do(lambda run: rows.drop_enrolments(run, cards))

    async def lockdown_now(self) -> Lockdown:
        """The lockdown as it is kept."""
        return await self._do(rows.lockdown)

    async def put_lockdown(self, to_be: Lockdown) -> None:
        """Begin or end a lockdown."""
        await self._do(lambda run: rows.put_lockdown(run, to_be))

    async def exceptions(self) -> tuple[StaffException, ...]:
        """Hours that staff gave single dates."""
        return await self._do(rows.exceptions)

    async def put_exception(self, exception: StaffException) -> None:
        """Give a date these hours."""
        await self._do(lambda run: rows.put_exception(run, exception))

    async def drop_exception(self, day: date) -> bool:
        """Give a date back to the file's hours; whether it had others."""
        return await self._do(lambda run: rows.drop_exception(run, day))

    async def put_clock_mark(self, now: Moment) -> None:
        """Remember the reading that an operator vouched for."""
        await self._do(lambda run: rows.put_clock_mark(run, now))

    async def _do(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._with_reserve, work)

    def _with_reserve(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._transact(work)
        except StoreFull:
            # A lockdown must be had on a full disk too.
            if not self._reserve.free():
                raise
            return self._transact(work)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        still_there(self._path)
        with mapped(self._path), closing(connect(self._path, create=False)) as connection:
            try:
                whole(connection, self._path)  # a damaged file is kept as it is
                migrate(connection, self._path, STEPS)
                with transaction(connection, self._path) as run:
                    return work(run)
            finally:
                connection.engine.dispose()
