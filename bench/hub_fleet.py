"""Many simulated devices in one process: the real line of each, with a cache that keeps nothing.

`python -m bench.hub_fleet` reads one JSON object (Orders) on standard input, starts the lines one
after the other over `ramp` seconds, and goes on until another line comes. Then no event is added
any more; once all are delivered it writes what it saw (Seen) on standard output.

Each device pulls, beats and listens as any does, and has EVENTS new events every few seconds.

Deliberately not here: hubs, and what is checked in their database afterwards (bench_hub_fleet).
"""

import asyncio
import secrets
import sys
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from kioskd.clock.system import SystemClock
from sync.hub_address import HubAddress
from sync.hub_client import HubClient
from sync.hub_wire import (
    Command,
    Event,
    Heartbeat,
    PublishedConfig,
    RestrictionLine,
    SignedConfig,
    Trailer,
)
from sync.line import Line, Times
from sync.line_ports import Applied, Held, OwedActivity, SnapshotSink
from sync.line_report import Part, Pulled, Pushed
from sync.signed_config import KnownConfig

EVENTS = 10  # at a time
DRAIN_SECONDS = 60.0
_restriction = msgspec.json.Decoder(RestrictionLine).decode


class Simulated(msgspec.Struct, frozen=True):
    """A device: where it asks, and what it holds."""

    name: str
    branch: str
    url: str
    token: str
    generation: str
    cursor: str


class Orders(msgspec.Struct, frozen=True):
    """What one process simulates. Seconds: between pulls, between events, for starting."""

    devices: list[Simulated]
    pull: float
    events: float
    ramp: float


class Pull(msgspec.Struct, frozen=True):
    """A pull that ended at `at` (time.monotonic, the same in all processes)."""

    at: float
    seconds: float


class Seen(msgspec.Struct, frozen=True):
    """What became of it.

    sent: events that each device made. told: a card, and when devices had its block. listening:
    devices that were told of changes at once, at the end.
    """

    pulls: list[Pull]
    sent: dict[str, int]
    told: dict[str, list[float]]
    failures: dict[str, int]
    listening: int


class Cache:
    """sync.line_ports.LineCache that keeps positions alone, and when it was told of a block."""

    def __init__(self, device: Simulated, told: dict[str, list[float]]) -> None:
        self._held = Held(device.generation, device.cursor, "", 1)
        self._told = told

    async def held(self) -> Held:
        """The positions."""
        return self._held

    async def apply(self, lines: Sequence[bytes], trailer: Trailer) -> Applied:
        """Credentials that changed."""
        self._held = replace(self._held, credentials=trailer.cursor)
        return Applied(put=len(lines))

    async def restrict(self, lines: Sequence[bytes], trailer: Trailer) -> Applied:
        """Restrictions that changed."""
        now = time.monotonic()
        for said in map(_restriction, lines):
            if said.restrictions:
                self._told.setdefault(said.card, []).append(now)
        self._held = replace(self._held, restrictions=trailer.cursor)
        return Applied(put=len(lines))

    async def touch(self, trailer: Trailer) -> None:
        """Nothing was new."""
        self._held = replace(self._held, credentials=trailer.cursor)

    async def snapshot(self) -> SnapshotSink:
        """A device that has a position is not to take one."""
        raise AssertionError("a simulated device was sent to take a snapshot")

    async def drop_positions(self) -> None:
        """Nor to lose it."""
        raise AssertionError("a simulated device lost its position")


class Queue:
    """sync.line_ports.Outbox in memory, which makes its own events."""

    def __init__(self) -> None:
        self._journal = secrets.token_hex(18)
        self._waiting: list[Event] = []
        self.made = 0

    def happen(self) -> None:
        """Some more events."""
        for _ in range(EVENTS):
            self.made += 1
            self._waiting.append(self._event(self.made))

    async def events(self, most: int) -> Sequence[Event]:
        """The oldest."""
        return self._waiting[:most]

    async def delivered(self, through: int, dead: Sequence[tuple[int, str]]) -> None:
        """These are with the hub."""
        assert not dead, dead
        self._waiting = [event for event in self._waiting if event.seq > through]

    async def activities(self, most: int) -> Sequence[OwedActivity]:
        """None."""
        return []

    async def told(self, keys: Sequence[bytes]) -> None:
        """None were."""

    async def waiting(self) -> int:
        """How many."""
        return len(self._waiting)

    def _event(self, seq: int) -> Event:
        return Event(
            id=str(uuid.uuid4()),
            journal=self._journal,
            seq=seq,
            at=datetime.now(UTC),
            kind="entry.decided",
            door="front",
            decision="granted",
            reason="OK",
            decided_by="cache",
            detail={"cache_age_s": 4711, "clock": "rtc"},
        )


class Site:
    """sync.line_report.DeviceSide and Report of one device. seen: of all devices together."""

    def __init__(self, fleet: "Fleet", branch: str, queue: Queue) -> None:
        self._fleet = fleet
        self._branch = branch
        self._queue = queue

    async def state(self) -> Heartbeat:
        """A device that is well."""
        waiting = await self._queue.waiting()
        return Heartbeat(at=datetime.now(UTC), version="0.1.0", waiting=waiting)

    async def config_text(self) -> str:
        """Nobody's."""
        return ""

    async def known(self) -> KnownConfig:
        """Nothing was published."""
        return KnownConfig(self._branch, 0, "")

    async def take_config(self, published: PublishedConfig, signed: SignedConfig) -> None:
        """Nor is it."""

    async def carry_out(self, command: Command) -> None:
        """Nothing is commanded."""

    def synced(self, pulled: Pulled) -> None:
        """A pull."""
        self._fleet.pulls.append(Pull(time.monotonic(), pulled.seconds))

    def pushed(self, pushed: Pushed) -> None:
        """Events went."""

    def failed(self, part: Part, why: str, times: int) -> None:
        """Counted, by what it says."""
        self._fleet.failures[f"{part}: {why}"] += 1

    def line(self, *, up: bool, why: str) -> None:
        """Seen in failures."""

    def hints(self, *, live: bool, why: str) -> None:
        """How many listen."""
        self._fleet.listening += 1 if live else -1

    def token(self, *, accepted: bool, why: str) -> None:
        """Seen in failures."""

    def certificate(self, days: int) -> None:
        """There is none."""

    def skew(self, seconds: float) -> None:
        """One clock."""


class Fleet:
    """All devices of this process."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.pulls: list[Pull] = []
        self.failures: Counter[str] = Counter()
        self.told: dict[str, list[float]] = {}
        self.listening = 0
        self._queues: dict[str, Queue] = {}
        self._over = asyncio.Event()

    async def run(self) -> Seen:
        """Until standard input says a second line."""
        loop = asyncio.get_running_loop()
        lines = [asyncio.create_task(self._one(*place)) for place in enumerate(self.orders.devices)]
        await loop.run_in_executor(None, sys.stdin.readline)
        self._over.set()
        drained = await self._drained()
        for line in lines:
            line.cancel()
        ended = await asyncio.gather(*lines, return_exceptions=True)
        broken = [e for e in ended if not isinstance(e, asyncio.CancelledError | None)]
        if broken or not drained:
            raise RuntimeError(f"drained {drained}; {broken[:3]}; {self.failures.most_common(5)}")
        sent = {name: queue.made for name, queue in self._queues.items()}
        return Seen(self.pulls, sent, self.told, dict(self.failures), self.listening)

    async def _one(self, place: int, device: Simulated) -> None:
        await asyncio.sleep(self.orders.ramp * place / len(self.orders.devices))
        queue = self._queues[device.name] = Queue()
        site = Site(self, device.branch, queue)
        clock, times = SystemClock(), Times(pull=self.orders.pull, beat=self.orders.pull)
        async with HubClient(HubAddress(device.url, device.token), clock) as hub:
            cache = Cache(device, self.told)
            line = Line(hub, cache, queue, site, site, clock, _chance, times)
            async with asyncio.TaskGroup() as group:
                group.create_task(line.run())
                group.create_task(self._happen(queue))

    async def _happen(self, queue: Queue) -> None:
        while not self._over.is_set():
            queue.happen()
            await asyncio.sleep(self.orders.events)

    async def _drained(self) -> bool:
        until = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < until:
            if not any([await queue.waiting() for queue in self._queues.values()]):
                return True
            await asyncio.sleep(0.2)
        return False


def _chance() -> float:
    return secrets.randbelow(1 << 30) / (1 << 30)


async def main() -> None:
    """Do as ordered."""
    orders = msgspec.json.decode(sys.stdin.readline(), type=Orders)
    seen = await Fleet(orders).run()
    sys.stdout.buffer.write(msgspec.json.encode(seen) + b"\n")


if __name__ == "__main__":
    asyncio.run(main())
