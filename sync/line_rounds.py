"""One part of the line, again and again: a turn, a wait, a longer wait after a failure.

What a part fails by decides how it goes on: the usual back-off; not before the hub's own
Retry-After, whoever rings; or, where the token is no longer taken, not until the gate opens.

Deliberately not here: what a turn does, and any failure that is not a KioskError: that is a bug,
and ends the line for whoever supervises it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from kioskd.errors import KioskError, RegisterError
from kioskd.ports import Clock
from sync.hub_faults import HubFault, TokenRevoked
from sync.line_report import Part, Report
from sync.line_waits import Bell
from sync.retry import Backoff, Recent

REVOKED_SECONDS: Final = 600.0  # between tries with a token that the hub no longer takes


class Gate:
    """Shut while the hub does not take the token; all parts but one wait at it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._open = asyncio.Event()
        self._open.set()

    @property
    def shut(self) -> bool:
        """Whether the token was refused last."""
        return not self._open.is_set()

    async def passed(self) -> None:
        """Wait until the token is taken."""
        await self._open.wait()

    def refuse(self, why: str) -> None:
        """The hub refused the token; said once."""
        if not self.shut:
            self._open.clear()
            self._report.token(accepted=False, why=why)

    def accept(self) -> None:
        """The hub took the token."""
        if self.shut:
            self._open.set()
            self._report.token(accepted=True, why="")


class Health:
    """Whether the hub is to be had, over the calls of all parts."""

    def __init__(self, report: Report, back: Callable[[], None]) -> None:
        self._report = report
        self._back = back
        self._recent = Recent()
        self._up: bool | None = None  # as it was told last

    def note(self, fault: RegisterError | None) -> None:
        """A call went, or failed by this."""
        self._recent = self._recent.after(ok=fault is None)
        up = not self._recent.down
        if up == self._up or (self._up is None and up and fault is not None):
            return
        was, self._up = self._up, up
        self._report.line(up=up, why="" if fault is None else str(fault))
        if up and was is False:
            self._back()


@dataclass(slots=True)
class Shared:
    """What all parts of one line have in common. chance: in [0, 1)."""

    clock: Clock
    report: Report
    gate: Gate
    health: Health
    chance: Callable[[], float]


@dataclass(slots=True)
class Rounds:
    """A part that takes turns. turn: returns seconds until the next; None for `every`.

    probes: this part goes on while the gate is shut, rarely, and opens it.
    """

    part: Part
    turn: Callable[[], Awaitable[float | None]]
    every: float
    shared: Shared
    backoff: Backoff = field(default_factory=Backoff)
    probes: bool = False
    bell: Bell = field(init=False)
    _failures: int = 0

    def __post_init__(self) -> None:
        self.bell = Bell(self.shared.clock)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if not self.probes:
                await self.shared.gate.passed()
            await self._once()

    async def _once(self) -> None:
        try:
            seconds = await self.turn()
        except KioskError as error:
            await self._wait_after(error)
        else:
            self._failures = 0
            await self.bell.wait(self._jittered(self.every) if seconds is None else seconds)

    async def _wait_after(self, error: KioskError) -> None:
        self._failures += 1
        if isinstance(error, TokenRevoked):
            self.shared.gate.refuse(str(error))
            if self.probes:
                await self._sleep(self._jittered(REVOKED_SECONDS))
            return
        self.shared.report.failed(self.part, str(error), self._failures)
        asked = error.retry_after if isinstance(error, HubFault) else None
        wait = self.backoff.wait(self._failures, self.shared.chance(), asked)
        if asked is None:
            await self.bell.wait(wait)
        else:
            await self._sleep(wait)

    def _jittered(self, seconds: float) -> float:
        return seconds * (0.9 + 0.2 * self.shared.chance())

    async def _sleep(self, seconds: float) -> None:
        await self.shared.clock.sleep_until(self.shared.clock.monotonic() + seconds)
