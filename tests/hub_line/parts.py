"""What the line stands between, played: a hub, a cache, an outbox, a device, and who is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import msgspec

from kioskd.errors import InputError, KioskError
from sync.hub_client import Page
from sync.hub_faults import CursorGone, HubFault, RequestRefused, Why
from sync.hub_hints import Heard
from sync.hub_wire import (
    Activity,
    Command,
    Event,
    EventResult,
    Heartbeat,
    HeartbeatAnswer,
    PublishedConfig,
    SignedConfig,
    Trailer,
)
from sync.line_ports import Applied, Held, OwedActivity
from sync.line_report import Part, Pulled, Pushed
from sync.signed_config import KnownConfig
from tests.hub_line.streams import trailer_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def down() -> HubFault:
    return HubFault(Why.REFUSED, "hub: nothing listens there")


def event(seq: int, journal: str = "j") -> Event:
    return Event(f"id-{seq}", journal, seq, NOON, "door.opened")


@dataclass
class FakeHub:
    """Rows numbered from 1; a cursor is generation:number. faults: raised by the next calls.

    rows, bans: the lines of either stream. page: lines of one page at most, whatever was asked.
    """

    rows: list[bytes] = field(default_factory=list)
    bans: list[bytes] = field(default_factory=list)
    generation: str = "g1"
    page: int = 3
    calls: list[str] = field(default_factory=list)
    faults: dict[str, list[KioskError]] = field(default_factory=dict)
    took: list[str] = field(default_factory=list)
    poison: set[str] = field(default_factory=set)
    rejects: dict[str, str] = field(default_factory=dict)
    refuse: Callable[[], KioskError] | None = None
    beats: list[Heartbeat] = field(default_factory=list)
    answer: HeartbeatAnswer = field(default_factory=lambda: HeartbeatAnswer(NOON))
    signed: SignedConfig | None = None
    streams: list["Stream"] = field(default_factory=list)
    certificate_days: int | None = 90

    def cursor(self, place: int) -> str:
        return f"{self.generation}:{place}"

    def fail(self, call: str, *faults: KioskError) -> None:
        self.faults.setdefault(call, []).extend(faults)

    async def restrictions(self, cursor: str = "", limit: int = 2000) -> Page:
        self._called("restrictions")
        return self._page(self.bans, cursor, limit)

    async def credentials(self, cursor: str, limit: int = 2000) -> Page:
        self._called("credentials")
        return self._page(self.rows, cursor, limit)

    async def snapshot(self, write: Callable[[bytes], Awaitable[None]]) -> Trailer:
        self._called("snapshot")
        for row in self.rows:
            await write(row + b"\n")
        self._called("snapshot-end")
        return trailer_of(self.rows, self.cursor(len(self.rows)), generation=self.generation)

    async def events(self, events: Sequence[Event]) -> list[EventResult]:
        return self._settled("events", [event.id for event in events])

    async def activity(self, activities: Sequence[Activity]) -> list[EventResult]:
        asked = [f"{activity.ref}@{activity.date}" for activity in activities]
        results = self._settled("activity", asked)
        return [
            msgspec.structs.replace(result, id=str(place)) for place, result in enumerate(results)
        ]

    async def heartbeat(self, beat: Heartbeat) -> HeartbeatAnswer:
        self._called("heartbeat")
        self.beats.append(beat)
        return self.answer

    async def config(self) -> SignedConfig:
        self._called("config")
        assert self.signed is not None
        return self.signed

    async def changes(self, last_id: str, heard: Callable[[Heard], None]) -> None:
        self._called("changes")
        stream = Stream(last_id, heard)
        self.streams.append(stream)
        heard(Heard("open"))
        try:
            await stream.ended.wait()
        finally:
            stream.closed = True

    def _called(self, call: str) -> None:
        self.calls.append(call)
        waiting = self.faults.get(call)
        if waiting:
            raise waiting.pop(0)
        if self.refuse is not None:
            raise self.refuse()

    def _page(self, lines: list[bytes], cursor: str, limit: int) -> Page:
        generation, _, place = cursor.partition(":")
        if cursor and generation != self.generation:
            raise CursorGone("of another hub")
        begin = int(place or 0)
        end = min(begin + min(self.page, limit), len(lines))
        more, cut = end < len(lines), lines[begin:end]
        trailer = trailer_of(cut, self.cursor(end), more=more, generation=self.generation)
        return Page(cut, trailer)

    def _settled(self, call: str, asked: list[str]) -> list[EventResult]:
        self._called(call)
        if self.poison & set(asked):
            raise RequestRefused("hub: refused what was sent (400): No (events)")
        return [self._result(one) for one in asked]

    def _result(self, one: str) -> EventResult:
        if one in self.rejects:
            return EventResult(one, "rejected", self.rejects[one])
        if one in self.took:
            return EventResult(one, "duplicate")
        self.took.append(one)
        return EventResult(one, "accepted")


class Stream:
    """A stream of hints that a test speaks on."""

    def __init__(self, last_id: str, heard: Callable[[Heard], None]) -> None:
        self.last_id = last_id
        self.say = heard
        self.ended = asyncio.Event()
        self.closed = False


class FakeCache:
    """A cache that takes lines as they are: a row is its line, a restriction likewise."""

    def __init__(self, rows: Sequence[bytes] = (), held: Held | None = None) -> None:
        self.rows = list(rows)
        self.bans: list[bytes] = []
        self.position = held or Held()
        self.did: list[str] = []
        self.sinks: list[FakeSink] = []
        self.fault: KioskError | None = None

    async def held(self) -> Held:
        return replace(self.position, count=len(self.rows))

    async def apply(self, lines: Sequence[bytes], trailer: Trailer) -> Applied:
        self._do("apply")
        self.rows += lines
        self.position = replace(self.position, credentials=trailer.cursor)
        return Applied(put=len(lines))

    async def restrict(self, lines: Sequence[bytes], trailer: Trailer) -> Applied:
        self._do("restrict")
        self.bans += lines
        self.position = replace(self.position, restrictions=trailer.cursor)
        return Applied(put=len(lines))

    async def touch(self, trailer: Trailer) -> None:
        self._do("touch")

    async def snapshot(self) -> "FakeSink":
        self._do("snapshot")
        self.sinks.append(FakeSink(self))
        return self.sinks[-1]

    async def drop_positions(self) -> None:
        self._do("drop_positions")
        self.position = Held()

    def _do(self, what: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.did.append(what)


class FakeSink:
    """Keeps what was written; the trailer is its last line."""

    def __init__(self, cache: FakeCache) -> None:
        self._cache = cache
        self.data = b""
        self.state = "open"

    async def write(self, data: bytes) -> None:
        self.data += data

    async def finish(self) -> Applied:
        *lines, last = self.data.split(b"\n")[:-1]
        trailer = msgspec.json.decode(last, type=Trailer)
        assert trailer == trailer_of(lines, trailer.cursor, generation=trailer.generation)
        if not lines and self._cache.rows:
            raise InputError("nothing would be left of the cache")
        self.state = "finished"
        self._cache.rows = lines
        self._cache.position = Held(trailer.generation, trailer.cursor, trailer.cursor)
        return Applied(put=len(lines))

    async def abandon(self) -> None:
        self.state = "abandoned"


class FakeOutbox:
    """Events from number 1 on, and activities."""

    def __init__(self, count: int = 0, activities: Sequence[OwedActivity] = ()) -> None:
        self.rows = [event(seq) for seq in range(1, count + 1)]
        self.owed = list(activities)
        self.through = 0
        self.dead: list[tuple[int, str]] = []
        self.looked = 0

    async def events(self, most: int) -> Sequence[Event]:
        return [row for row in self.rows if row.seq > self.through][:most]

    async def delivered(self, through: int, dead: Sequence[tuple[int, str]]) -> None:
        assert through > self.through
        self.through = through
        self.dead += dead

    async def activities(self, most: int) -> Sequence[OwedActivity]:
        return self.owed[:most]

    async def told(self, keys: Sequence[bytes]) -> None:
        self.owed = [row for row in self.owed if row.key not in keys]

    async def waiting(self) -> int:
        self.looked += 1
        return len(await self.events(10**6))


class FakeDevice:
    """The device's side; `held` is what it keeps of configurations."""

    def __init__(self, known: KnownConfig | None = None) -> None:
        self.knows = known or KnownConfig("ESI")
        self.did: list[str] = []
        self.took: list[PublishedConfig] = []
        self.fault: KioskError | None = None

    async def state(self) -> Heartbeat:
        return Heartbeat(NOON, "1.2", config_version=self.knows.version)

    async def config_text(self) -> str:
        return "[site]"

    async def known(self) -> KnownConfig:
        return self.knows

    async def take_config(self, published: PublishedConfig, signed: SignedConfig) -> None:
        self.took.append(published)
        self.knows = KnownConfig(self.knows.branch, published.version, signed.key)

    async def carry_out(self, command: Command) -> None:
        if self.fault is not None:
            raise self.fault
        self.did.append(f"{command.kind} {command.id}")


class FakeReport:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.pulls: list[Pulled] = []
        self.pushes: list[Pushed] = []
        self.said: list[str] = []
        self.faults: list[tuple[Part, str, int]] = []
        self.days: list[int] = []
        self.skews: list[float] = []

    def synced(self, pulled: Pulled) -> None:
        self.pulls.append(pulled)

    def pushed(self, pushed: Pushed) -> None:
        self.pushes.append(pushed)

    def failed(self, part: Part, why: str, times: int) -> None:
        self.faults.append((part, why, times))

    def line(self, *, up: bool, why: str) -> None:
        self.said.append("up" if up else f"down: {why}")

    def hints(self, *, live: bool, why: str) -> None:
        self.said.append("hints" if live else f"polling: {why}")

    def token(self, *, accepted: bool, why: str) -> None:
        self.said.append("accepted" if accepted else f"revoked: {why}")

    def certificate(self, days: int) -> None:
        self.days.append(days)

    def skew(self, seconds: float) -> None:
        self.skews.append(seconds)
