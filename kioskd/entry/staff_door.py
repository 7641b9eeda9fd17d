"""What staff do to a door from afar, and how it looks to them. A ports.StaffedDoor.

Staff may open in a lockdown too: it keeps out who comes with a card, not who is let in by name.
"""

import asyncio
from collections.abc import Awaitable, Callable

from kioskd.access.notices import STRIKE_FAULT_CODE
from kioskd.entry.doorway import Doorway
from kioskd.entry.in_time import GRANT_SECONDS
from kioskd.entry.strike_keeper import Owner
from kioskd.entry.unlock import ScheduledUnlock
from kioskd.errors import DeviceError, StoreError
from kioskd.ports import Clock, DoorView


class StaffDoor:
    """A door for staff. fault: the code of what keeps it from working now, or empty.

    owner: the task that a release lasts no longer than; None while the door is not served.
    """

    def __init__(
        self,
        doorway: Doorway,
        unlock: ScheduledUnlock | None,
        fault: Callable[[], str],
        owner: Callable[[], Owner | None],
        clock: Clock,
    ) -> None:
        self._doorway = doorway
        self._unlock = unlock
        self._fault = fault
        self._owner = owner
        self._clock = clock

    async def open(self, write: Callable[[], Awaitable[str]]) -> float:
        """As the port says. DeviceError names the fault code; StoreError: there is no row."""
        good_until, locks = self._clock.monotonic() + GRANT_SECONDS, self._doorway.locks
        self._served_by()
        act = await self._written(asyncio.ensure_future(write()))
        name, seconds = self._doorway.name, self._doorway.times.release
        if self._clock.monotonic() > good_until:
            self._doorway.not_opened(act, "late")
            raise StoreError(f"{name}: not opened, its row took over 2 s; see the disk, try again")
        try:
            released = await self._doorway.release(seconds, act, self._served_by(), locks)
        except DeviceError as error:
            self._doorway.not_opened(act, "strike")
            raise DeviceError(f"{name}: not opened, fault {STRIKE_FAULT_CODE}: {error}") from error
        except BaseException:
            self._doorway.not_opened(act, "stopping")
            raise
        if not released:
            raise DeviceError(f"{name}: not opened, it was locked meanwhile; open it again")
        return seconds

    async def lock(self) -> None:
        """As the port says. DeviceError: the secure frame did not get out yet."""
        if self._unlock is not None:
            self._unlock.forget()
        try:
            await self._doorway.lock()
        except DeviceError as error:
            name = self._doorway.name
            raise DeviceError(
                f"{name}: fault {STRIKE_FAULT_CODE}: {error}; it is secured as soon as its relay "
                "is back"
            ) from error

    def view(self) -> DoorView:
        """How the door stands."""
        doorway, last = self._doorway, self._doorway.last
        return DoorView(
            doorway.name,
            doorway.state.name.removesuffix("_OPEN").lower(),
            doorway.since,
            released=doorway.keeper.released,
            unlocked=doorway.keeper.unlocked,
            contact=_CONTACT[doorway.closed] if doorway.has_contact else "none",
            fault=self._fault(),
            awaits_first_person=self._unlock is not None and self._unlock.awaits_first_person,
            last_at=last.at if last else None,
            last_granted=last.decision.granted if last else None,
            last_reason=last.decision.reason.value if last else "",
        )

    def _served_by(self) -> Owner:
        owner = self._owner()
        if owner is None:
            raise DeviceError(f"{self._doorway.name}: its task does not run; see the log")
        return owner

    async def _written(self, writing: "asyncio.Future[str]") -> str:
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            writing.add_done_callback(self._overtaken)
            raise

    def _overtaken(self, writing: "asyncio.Future[str]") -> None:
        if not writing.cancelled() and writing.exception() is None:
            self._doorway.not_opened(writing.result(), "stopping")


_CONTACT = {True: "closed", False: "open", None: "unknown"}
