"""A hub, a proxy that does what networks do, and a device: through a schedule, and to rest.

    async with world(base, url, seed) as made:
        await made.through_schedule()
        assert await made.faults() == []

Everything that happens is drawn from the seed: what the register changes, what the device writes
down, what the network does to each connection, and when either side is killed. When what happens
meets what is under way hangs on the machine, and differs from run to run.

Deliberately not here: what must hold (checker).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from kioskd.clock.system import SystemClock
from kioskd.domain.decision import DecidedBy, Decision, Reason
from kioskd.domain.record import Kind, Record
from sync.hub.devices import Devices
from tests.faults.proxy import Chance, Proxy, Schedule
from tests.hub_end.checker import Journalled, faults_of
from tests.hub_end.device_side import Device, until_not
from tests.hub_end.hub_side import DEVICE, Office, RunningHub, wall
from tests.hub_end.register import FEEDS, VISITORS, Register, one_of

ZONE: Final = ZoneInfo("Europe/Helsinki")
STEPS: Final = 30
PAUSE_MS: Final = 30
REST_SECONDS: Final = 20.0
PULLS_AT_REST: Final = 2  # whole ones; the first may have begun before the last change
TICK: Final = 0.0005
_DENIED: Final = (Reason.WRONG_PIN, Reason.UNKNOWN_CARD, Reason.USE_BAN, Reason.CLOSED)


@dataclass
class World:
    """One world. story: what happened, for whoever reads a failure."""

    seed: int
    office: Office
    hub: RunningHub
    proxy: Proxy
    device: Device
    register: Register
    chance: Chance
    journalled: Journalled = field(default_factory=Journalled)
    story: list[str] = field(default_factory=list)
    _imports: set[asyncio.Task[bool]] = field(default_factory=set)

    async def begin(self) -> None:
        """The register as it is when a device comes to the branch."""
        for feed in FEEDS:
            await self.office.take(feed, self.register.full(feed), full=True)
        await self.start_hub()
        await self.device.start()

    async def start_hub(self) -> None:
        await self.hub.start()
        self.proxy.server_port = self.hub.port

    async def through_schedule(self, steps: int = STEPS, pause_ms: int = PAUSE_MS) -> None:
        """All that the seed has in store. pause_ms: the longest between two things."""
        for _ in range(steps):
            await self._step()
            await asyncio.sleep(self.chance.below(pause_ms) / 1000)

    async def rest(self) -> bool:
        """The network is well again, and both sides run on; whether nothing is left to do then."""
        self.proxy.calm()
        if self._imports:
            await asyncio.wait(self._imports)
        devices = Devices(self.office.database, wall)
        await devices.command(DEVICE, "sync-now")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REST_SECONDS):
                await until_not(lambda: devices.commands_for(DEVICE))
                await self.device.pulls(PULLS_AT_REST)
                await until_not(lambda: asyncio.to_thread(self.device.owes))
                return True
        return False

    async def faults(self) -> list[str]:
        """What does not hold, once all has come to rest. Both sides have ended then."""
        found = [] if await self.rest() else ["they never came to rest"]
        await self.end()
        found += await faults_of(self.office, self.device, self.journalled)
        return [f"{fault} (KIOSKD_FAULT_SEED={self.seed})" for fault in found]

    async def end(self) -> None:
        for running in self._imports:
            running.cancel()
        await asyncio.gather(*self._imports, return_exceptions=True)
        await self.device.end()
        await self.hub.kill()

    # what may happen

    async def _step(self) -> None:
        happens: tuple[Callable[[], Awaitable[None]], ...] = (
            self.journal_some,
            self.journal_some,
            self.journal_some,
            self._import_delta,
            self._import_delta,
            self._import_delta,
            self._import_full,
            self._stop_import,
            self._kill_hub,
            self._kill_device,
            self._command,
        )
        happening = one_of(self.chance, happens)
        self.story.append(happening.__name__)
        await happening()

    async def journal_some(self) -> None:
        """Some people come to the door."""
        for _ in range(1 + self.chance.below(6)):
            await self._journal_one()

    async def _journal_one(self) -> None:
        clock, kind = SystemClock(), self.chance.below(4)
        record = Record(clock.new_id(), datetime.now(UTC), Kind.STAFF_ACTION, by="Maija M")
        if kind == 3:
            detail = {"action": "open", "reason": "Matti forgot his bag"}
            await self._append(replace(record, detail=detail))
            return
        reason = Reason.OK if kind else one_of(self.chance, _DENIED)
        decided = replace(
            record,
            kind=Kind.ENTRY_DECIDED,
            by=None,
            door="front",
            decision=Decision(reason),
            decided_by=DecidedBy.CACHE,
            detail={"cache_age_s": 7},
            card=bytes(16),
        )
        await self._append(self._owing(decided) if kind else decided)

    def _owing(self, record: Record) -> Record:
        number = one_of(self.chance, VISITORS)
        ref = self.office.keys.ref("esi", f"b{number}")
        day = record.at.astimezone(ZONE).date()
        self.journalled.owed.add((ref, day.isoformat()))
        return replace(record, activity=self.device.book().owed(ref, day))

    async def _append(self, record: Record) -> None:
        await self.device.append(record)
        self.journalled.ids.add(record.id)

    async def _import_delta(self) -> None:
        feed = one_of(self.chance, FEEDS)
        self._import(feed, self.register.changed(feed), full=False)

    async def _import_full(self) -> None:
        feed = one_of(self.chance, FEEDS)
        self.register.lost(feed)
        self._import(feed, self.register.full(feed), full=True)

    def _import(self, feed: str, data: bytes, *, full: bool) -> None:
        task = asyncio.create_task(self.office.take(feed, data, full=full))
        self._imports.add(task)
        task.add_done_callback(self._imports.discard)

    async def _stop_import(self) -> None:
        for running in list(self._imports):
            running.cancel()

    async def _kill_hub(self) -> None:
        await self.hub.kill()
        await asyncio.sleep(self.chance.below(20) / 1000)
        await self.start_hub()

    async def _kill_device(self) -> None:
        await self.device.kill()
        await self.device.start()

    async def _command(self) -> None:
        kind = "sync-now" if self.chance.below(3) else "drop-cache"
        await Devices(self.office.database, wall).command(DEVICE, kind)


@contextlib.asynccontextmanager
async def world(
    base: Path,
    url: str,
    seed: int,
    schedule: Schedule | None = None,
    hub_of: type[RunningHub] = RunningHub,
    device_of: type[Device] = Device,
) -> AsyncIterator[World]:
    """A world whose hub and device have begun. schedule: of the network, drawn otherwise."""
    chance = Chance("world", seed)
    office = await Office.founded(base / "hub", url)
    proxy = Proxy(1, schedule or Schedule.drawn(seed), TICK)
    try:
        async with proxy:
            register = Register(Chance("register", seed), datetime.now(ZONE).date())
            device = device_of.founded(
                base / "device", proxy.port, office.token, Chance("line", seed)
            )
            made = World(seed, office, hub_of(office), proxy, device, register, chance)
            try:
                await made.begin()
                yield made
            finally:
                await made.end()
    finally:
        await office.close()
    await asyncio.get_running_loop().shutdown_default_executor()
    device.let_go()
