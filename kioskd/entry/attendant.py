"""Attends to one door beside its access point: its lines, its times, its scheduled unlock.

One task, which owns what staff and schedule release: should it end, the strike is secured.
"""

import asyncio

from kioskd.entry.doorway import Doorway
from kioskd.entry.inputs import Lines, read_button, read_contact, read_rex
from kioskd.entry.strike_keeper import BEAT_SECONDS, Owner, no_tick
from kioskd.entry.unlock import ScheduledUnlock
from kioskd.ports import Clock, Tick


class Attendant:
    """Made once a door; `serve` may be begun anew after a fault. tick: told at each beat."""

    def __init__(
        self,
        doorway: Doorway,
        clock: Clock,
        *,
        lines: Lines | None = None,
        unlock: ScheduledUnlock | None = None,
        tick: Tick = no_tick,
    ) -> None:
        self._doorway = doorway
        self._clock = clock
        self._lines = lines or Lines()
        self._unlock = unlock
        self._tick = tick
        self._task: Owner | None = None

    def task(self) -> Owner | None:
        """The task that serves, None while none does."""
        return self._task

    async def serve(self) -> None:
        """Attend until cancelled; ends with an exception only on a fault of our own."""
        self._task = asyncio.current_task()
        assert self._task is not None  # noqa: S101 - a coroutine runs in a task
        try:
            async with asyncio.TaskGroup() as group:
                self._read_lines(group)
                await self._beat(self._task)
        finally:
            self._task = None

    async def _beat(self, owner: Owner) -> None:
        while True:
            self._tick()
            self._doorway.beat()
            if self._unlock is not None:
                await self._unlock.step(owner)
            beat = self._clock.monotonic() + BEAT_SECONDS
            await self._clock.sleep_until(min(beat, self._doorway.next_due))

    def _read_lines(self, group: asyncio.TaskGroup) -> None:
        name, lines = self._doorway.name, self._lines
        if lines.contact is not None:
            work = read_contact(lines.contact, self._doorway)
            group.create_task(work, name=f"contact {name}")
        if lines.rex is not None:
            group.create_task(read_rex(lines.rex, self._doorway), name=f"rex {name}")
        if lines.staff_button is not None:
            work = read_button(lines.staff_button, self._pressed)
            group.create_task(work, name=f"staff button {name}")

    def _pressed(self) -> None:
        if self._unlock is not None:
            self._unlock.button()
