"""Listening to the hub's hints: what is urgent is pulled within a second or two of its import.

A connection that is silent for SILENT_SECONDS is given up, and the line says that it polls. It is
a hint only: nothing is missed without it, it only comes later.

Deliberately not here: pulling, and the stream's form (sync.hub_hints).
"""

from collections.abc import Callable
from typing import Final, Protocol

from kioskd.errors import RegisterError
from kioskd.ports import Clock
from sync.hub_faults import HubFault, TokenRevoked, Why
from sync.hub_hints import Heard
from sync.line_report import Report
from sync.line_waits import first_of

SILENT_SECONDS: Final = 40.0  # the hub gives a sign every 15
SETTLED_SECONDS: Final = 60.0  # a stream that lived this long was no flash in the pan


class HintsFrom(Protocol):
    """The hub as this part calls it; sync.hub_client."""

    async def changes(self, last_id: str, heard: Callable[[Heard], None]) -> None: ...


class Listening:
    """One stream of hints after the other. pull, beat: what a hint rings for."""

    def __init__(
        self,
        hub: HintsFrom,
        clock: Clock,
        report: Report,
        *,
        pull: Callable[[], None],
        beat: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._report = report
        self._pull = pull
        self._beat = beat
        self._last_id = ""
        self._heard_at = 0.0
        self._live: bool | None = None

    async def turn(self) -> float | None:
        """Listen until the stream ends. HubFault unless it had lived for a while; then 0."""
        begun = self._heard_at = self._clock.monotonic()
        try:
            await self._listen()
        except RegisterError as fault:
            self._say(live=False, why=str(fault))
            lived = self._clock.monotonic() - begun
            if isinstance(fault, TokenRevoked) or lived < SETTLED_SECONDS:
                raise
        return None

    async def _listen(self) -> None:
        ended = await first_of(self._hub.changes(self._last_id, self._heard), self._silence())
        if ended:
            raise HubFault(Why.BROKEN_OFF, "the stream of hints ended")
        raise HubFault(
            Why.TIMEOUT,
            f"no sign on the stream of hints for {SILENT_SECONDS:.0f} s; polling; "
            "does a proxy hold it back?",
        )

    async def _silence(self) -> None:
        while self._clock.monotonic() < self._heard_at + SILENT_SECONDS:
            await self._clock.sleep_until(self._heard_at + SILENT_SECONDS)

    def _heard(self, heard: Heard) -> None:
        self._heard_at = self._clock.monotonic()
        self._last_id = heard.id or self._last_id
        if heard.kind == "open":
            self._pull()  # something may have changed while nobody listened
            return
        self._say(live=True, why="")  # a proxy can answer for the hub, and then hold everything
        if heard.kind == "change":
            self._pull()
        elif heard.kind in ("command", "config"):
            self._beat()

    def _say(self, *, live: bool, why: str) -> None:
        if live != self._live:
            self._live = live
            self._report.hints(live=live, why=why)
