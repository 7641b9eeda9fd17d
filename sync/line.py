"""A device's line to its hub: pulls, hints, pushes and heartbeats, side by side.

    line = Line(hub, cache, outbox, device, report, clock, chance)
    await line.run()          # until cancelled

Pulls go every `pull` seconds and at once on a hint; pushes as soon as there is something to tell;
a heartbeat every `beat` seconds. Each part backs off by itself. A token that is refused stops all
of them but the heartbeat, which tries every ten minutes. A cache that was dropped on the hub's word
is filled again on its word only (sync-now). No connection that is lost, refused or
back ever touches a door: all that this can do is in its ports.

Deliberately not here: which cache, outbox and device (kioskd.daemon), and what becomes of reports.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from kioskd.errors import KioskError, RegisterError
from kioskd.ports import Clock
from sync.heart import BeatsTo, Heart
from sync.hub_wire import Command
from sync.line_hints import HintsFrom, Listening
from sync.line_ports import LineCache, Outbox
from sync.line_report import DeviceSide, Part, Pulled, Pushed, Report
from sync.line_rounds import Gate, Health, Rounds, Shared
from sync.line_waits import first_of
from sync.puller import Puller, PullsFrom
from sync.pusher import Pusher, PushesTo
from sync.retry import Backoff

_BACKOFF: Final = Backoff(first=2.0, most=60.0)
_HINT_BACKOFF: Final = Backoff(first=2.0, most=300.0)
_SKEW_NEWS: Final = 5.0  # seconds of change that are worth telling
_NOTHING: Final = Pushed()


class Hub(PullsFrom, PushesTo, BeatsTo, HintsFrom, Protocol):
    """All that the line calls; sync.hub_client.HubClient."""

    @property
    def certificate_days(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. look: how often the outbox is asked whether it has anything, which is cheap.

    sweep: how often it is asked without that. spread: hints are followed within so many, so that
    a thousand devices do not ask in the same instant.
    """

    pull: float = 30.0
    beat: float = 30.0
    look: float = 1.0
    sweep: float = 60.0
    spread: float = 0.3


class Line:
    """One line; `run` once. sync_now, push_now, beat_now: from the same loop, at any time.

    cache, outbox: None where credentials come, or events go, another way. held: the cache was
    dropped on the hub's word before this start, and the hub has not said sync-now since.
    """

    def __init__(
        self,
        hub: Hub,
        cache: LineCache | None,
        outbox: Outbox | None,
        device: DeviceSide,
        report: Report,
        clock: Clock,
        chance: Callable[[], float],
        times: Times | None = None,
        *,
        held: bool = False,
    ) -> None:
        self._hub = hub
        self._device = device
        self._outbox = outbox
        self._report = report
        self._clock = clock
        self._times = times or Times()
        self._shared = Shared(clock, report, Gate(report), Health(report, self._back), chance)
        self._puller = Puller(hub, cache, clock) if cache else None
        self._pusher = Pusher(hub, outbox) if outbox else None
        self._heart = Heart(hub, device, clock, carry_out=self._carry_out, failed=self._failed)
        self._listening = Listening(hub, clock, report, pull=self._hinted, beat=self.beat_now)
        self._pulls = self._rounds(Part.PULL, self._pull, self._times.pull)
        self._pushes = self._rounds(Part.PUSH, self._push, self._times.look)
        self._beats = self._rounds(Part.HEARTBEAT, self._beat, self._times.beat, probes=True)
        self._hints = self._rounds(Part.HINTS, self._listening.turn, self._times.look)
        self._hints.backoff = _HINT_BACKOFF
        self._held = asyncio.Event()
        if held:
            self._held.set()
        self._pulling = asyncio.Lock()
        self._hint = False
        self._swept = -math.inf
        self._days: int | None = None
        self._skew: float | None = None

    async def run(self) -> None:
        """Keep the line until cancelled; nothing of it is left running then."""
        async with asyncio.TaskGroup() as group:
            for rounds in (self._beats, self._pulls, self._hints, self._pushes):
                group.create_task(rounds.run(), name=f"line-{rounds.part}")

    def sync_now(self) -> None:
        """Pull at once."""
        self._pulls.bell.ring()

    def push_now(self) -> None:
        """Look into the outbox at once."""
        self._pushes.bell.ring()

    def beat_now(self) -> None:
        """Send a heartbeat at once."""
        self._beats.bell.ring()

    async def _pull(self) -> float | None:
        await self._spread()
        async with self._pulling:
            if self._puller is None or self._held.is_set():
                return None
            pulled: list[Pulled] = []
            # A drop of the cache ends a pull, which would fill it again.
            if not await first_of(self._pull_with(self._puller, pulled), self._held.wait()):
                return None
        self._report.synced(pulled[0])
        # What changed while a snapshot was on its way is worth a look at once.
        return 0.0 if pulled[0].snapshot else None

    async def _pull_with(self, puller: Puller, pulled: list[Pulled]) -> None:
        with self._noting():
            pulled.append(await puller.turn())
        self._shared.health.note(None)

    async def _push(self) -> float | None:
        if self._outbox is None or self._pusher is None:
            return self._times.sweep
        now = self._clock.monotonic()
        if now < self._swept + self._times.sweep and not await self._outbox.waiting():
            return None
        with self._noting():
            pushed = await self._pusher.turn()
        self._swept = now
        if pushed != _NOTHING:
            self._shared.health.note(None)
            self._report.pushed(pushed)
        return 0.0 if pushed.more else None

    async def _beat(self) -> float | None:
        with self._noting():
            await self._heart.beat()
        self._shared.health.note(None)
        self._shared.gate.accept()
        self._tell_signs()
        return None

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """What fails in here by the hub says that it is not to be had."""
        try:
            yield
        except RegisterError as fault:
            self._shared.health.note(fault)
            raise

    async def _spread(self) -> None:
        hinted, self._hint = self._hint, False
        if hinted:
            seconds = self._shared.chance() * self._times.spread
            await self._clock.sleep_until(self._clock.monotonic() + seconds)

    def _hinted(self) -> None:
        self._hint = True
        self.sync_now()

    async def _carry_out(self, command: Command) -> None:
        if command.kind == "drop-cache":
            self._held.set()
            async with self._pulling:
                await self._device.carry_out(command)
            return
        await self._device.carry_out(command)
        self._held.clear()
        self.sync_now()

    def _back(self) -> None:
        self.sync_now()
        self.push_now()

    def _failed(self, part: Part, error: KioskError) -> None:
        self._report.failed(part, str(error), 1)

    def _tell_signs(self) -> None:
        days, skew = self._hub.certificate_days, self._heart.skew
        if days is not None and days != self._days:
            self._days = days
            self._report.certificate(days)
        if self._skew is None or abs(skew - self._skew) >= _SKEW_NEWS:
            self._skew = skew
            self._report.skew(skew)

    def _rounds(
        self,
        part: Part,
        turn: Callable[[], Awaitable[float | None]],
        every: float,
        *,
        probes: bool = False,
    ) -> Rounds:
        return Rounds(part, turn, every, self._shared, _BACKOFF, probes)
